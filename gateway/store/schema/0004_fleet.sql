-- Fleet managers: how far each has the journal, what it was told and asked for.

-- The journal, per station: gap-free within stream and epoch, null for rows from before this version.
ALTER TABLE events ADD COLUMN station_sequence INTEGER;
ALTER TABLE meter_frames ADD COLUMN station_sequence INTEGER;

-- The newest station_sequence of each station ('' for what belongs to no station) among the rows up to
-- meta.station_numbers_upto; the rows behind it tell the rest.
CREATE TABLE station_numbers (
    stream  TEXT NOT NULL CHECK (stream IN ('tx', 'ops', 'meter')),
    station TEXT NOT NULL,
    newest  INTEGER NOT NULL,
    PRIMARY KEY (stream, station)
) STRICT, WITHOUT ROWID;
INSERT INTO meta SELECT 'station_numbers_upto', max(
    coalesce((SELECT max(id) FROM events), 0), coalesce((SELECT max(id) FROM meter_frames), 0));

-- Lives that a restore ended: events up to upto_event_id were known as epoch:stream:(sequence + shift) before.
CREATE TABLE epochs_before (
    number        INTEGER PRIMARY KEY,
    epoch         TEXT NOT NULL,
    upto_event_id INTEGER NOT NULL,
    tx_shift      INTEGER NOT NULL,
    ops_shift     INTEGER NOT NULL,
    meter_shift   INTEGER NOT NULL
) STRICT;

CREATE TABLE upstreams (
    upstream     TEXT PRIMARY KEY,
    session      INTEGER NOT NULL,        -- how often it was told of a birth: ties birth and will together
    connected_at INTEGER                  -- the newest connection, null before the first
) STRICT, WITHOUT ROWID;

CREATE TABLE upstream_cursors (
    upstream TEXT NOT NULL,
    stream   TEXT NOT NULL CHECK (stream IN ('tx', 'ops', 'meter')),
    acked    INTEGER NOT NULL CHECK (acked >= 0),   -- in the present epoch
    first    INTEGER NOT NULL,            -- where the present epoch began for it: what is before, it had in another
    PRIMARY KEY (upstream, stream)
) STRICT, WITHOUT ROWID;

-- What stays in the broker until it is taken back.
CREATE TABLE retained_topics (
    upstream TEXT NOT NULL,
    topic    TEXT NOT NULL,
    PRIMARY KEY (upstream, topic)
) STRICT, WITHOUT ROWID;

-- Which state the clock was in: the newest row with since_event_id <= an event's id is that event's.
CREATE TABLE clock_states (
    since_event_id INTEGER PRIMARY KEY,
    boot_id        TEXT NOT NULL,
    quality        TEXT NOT NULL CHECK (quality IN ('synced', 'holdover', 'unsynced')),
    error_ms       INTEGER NOT NULL,
    mono_offset_us INTEGER NOT NULL       -- wall clock minus monotonic clock
) STRICT;

-- How far the meter values of each session were told in stream tx; goes with its session.
CREATE TABLE meter_values_told (
    transaction_id INTEGER PRIMARY KEY,
    quarter        INTEGER,               -- quarters of an hour since 1970: the newest of which a value was told
    last_frame_id  INTEGER NOT NULL,      -- the newest frame whose last value was told
    settled        INTEGER NOT NULL CHECK (settled IN (0, 1))   -- 1: the session has ended and its last value was told
) STRICT;
CREATE INDEX meter_values_unsettled ON meter_values_told (transaction_id) WHERE settled = 0;

-- Who decided on the tag of a session; null for rows from before this version.
ALTER TABLE transactions ADD COLUMN authorized_by TEXT;

-- == Commands of fleet managers ==

-- Each id does something once. What is to be done is kept only until it begins, and never when it holds a secret.
CREATE TABLE fleet_commands (
    number      INTEGER PRIMARY KEY,      -- in order of arrival
    upstream    TEXT NOT NULL,
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    station     TEXT,                     -- null: it is for the site or the gateway
    actor       TEXT NOT NULL,
    digest      TEXT NOT NULL,            -- of what is to be done, without secrets
    bytes       INTEGER NOT NULL,         -- of the message as it came
    superseding TEXT,                     -- older ones with the same, that have not begun, are superseded
    if_offline  TEXT NOT NULL CHECK (if_offline IN ('reject', 'queue')),
    received_at INTEGER NOT NULL,
    expires_at  INTEGER,                  -- null: it may begin for ever
    believable  INTEGER NOT NULL CHECK (believable IN (0, 1)),  -- the clock by which expires_at was noted
    status      TEXT NOT NULL CHECK (
        status IN ('accepted', 'running', 'succeeded', 'failed', 'rejected', 'expired', 'superseded')),
    body        TEXT,                     -- connector and arguments
    result      TEXT NOT NULL,            -- what was told last
    finished_at INTEGER,
    UNIQUE (upstream, id)
) STRICT;
CREATE INDEX fleet_commands_open ON fleet_commands (number) WHERE finished_at IS NULL;
