-- What circuits carried minute by minute, and every lower limit for a time that there was.

-- == Circuits, minute by minute ==

-- The lowest limit and the highest currents of each minute in which a decision was made; milliamperes by supply phase.
-- No row: nothing is known of that minute.
CREATE TABLE circuit_history (
    circuit       TEXT NOT NULL,
    minute        INTEGER NOT NULL,       -- since 1970 UTC
    limit_1_ma    INTEGER NOT NULL,
    limit_2_ma    INTEGER NOT NULL,
    limit_3_ma    INTEGER NOT NULL,
    measured_1_ma INTEGER,                -- null: nothing that could be believed was measured; below 0: fed out
    measured_2_ma INTEGER,
    measured_3_ma INTEGER,
    allotted_1_ma INTEGER NOT NULL,
    allotted_2_ma INTEGER NOT NULL,
    allotted_3_ma INTEGER NOT NULL,
    PRIMARY KEY (circuit, minute)
) STRICT, WITHOUT ROWID;

-- == Limits log ==

-- A row from when a source's limit was set until it was replaced, removed or over; kept for two years. A limit that is
-- set again as it was, by the same, only gets a later end.
CREATE TABLE limits_log (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    circuit   TEXT NOT NULL,
    source    TEXT NOT NULL,
    amps_1    REAL NOT NULL CHECK (amps_1 >= 0),
    amps_2    REAL NOT NULL CHECK (amps_2 >= 0),
    amps_3    REAL NOT NULL CHECK (amps_3 >= 0),
    until     INTEGER,                    -- as asked for; null: until it is taken away
    set_by    TEXT NOT NULL,
    set_at    INTEGER NOT NULL,
    ended_at  INTEGER,                    -- null: it holds
    ended_why TEXT CHECK (ended_why IN ('replaced', 'removed', 'over')),
    ended_by  TEXT,                       -- null: its time was over
    CHECK ((ended_at IS NULL) = (ended_why IS NULL))
) STRICT;
CREATE UNIQUE INDEX limits_log_of_those_that_hold ON limits_log (circuit, source) WHERE ended_at IS NULL;
CREATE INDEX limits_log_by_end ON limits_log (ended_at) WHERE ended_at IS NOT NULL;

INSERT INTO limits_log (circuit, source, amps_1, amps_2, amps_3, until, set_by, set_at)
    SELECT circuit, source, amps_1, amps_2, amps_3, until, set_by, set_at FROM temporary_limits ORDER BY set_at;
