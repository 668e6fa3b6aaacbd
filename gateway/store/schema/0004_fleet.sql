-- Fleet managers: how far each has the journal, what it was told and asked for.

-- Which state the clock was in: the newest row with since_event_id <= an event's id is that event's.
CREATE TABLE clock_states (
    since_event_id INTEGER PRIMARY KEY,
    boot_id        TEXT NOT NULL,
    quality        TEXT NOT NULL CHECK (quality IN ('synced', 'holdover', 'unsynced')),
    error_ms       INTEGER NOT NULL,
    mono_offset_us INTEGER NOT NULL       -- wall clock minus monotonic clock
) STRICT;
