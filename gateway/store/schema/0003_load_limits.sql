-- Load limits: lower limits for a time, how each station can be held to a limit, what it was sent, and decisions to look
-- back at.

-- == Lower limits for a time ==

-- One per circuit and source; the lowest holds, none is above the installer's.
CREATE TABLE temporary_limits (
    circuit TEXT NOT NULL,
    source  TEXT NOT NULL,
    amps_1  REAL NOT NULL CHECK (amps_1 >= 0),
    amps_2  REAL NOT NULL CHECK (amps_2 >= 0),
    amps_3  REAL NOT NULL CHECK (amps_3 >= 0),
    until   INTEGER,                      -- null: until it is taken away
    set_by  TEXT NOT NULL,
    set_at  INTEGER NOT NULL,
    PRIMARY KEY (circuit, source)
) STRICT, WITHOUT ROWID;

-- == What limits a station ==

-- How a station can be held to a limit, as far as that was found out; no row: not yet.
CREATE TABLE limiting (
    station        TEXT PRIMARY KEY,
    mode           TEXT NOT NULL CHECK (mode IN ('A', 'B', 'C', 'D')),  -- see model/circuits
    proven         INTEGER NOT NULL CHECK (proven IN (0, 1)),           -- a car was seen to follow it
    starts_at_zero INTEGER NOT NULL CHECK (starts_at_zero IN (0, 1)),
    unit           TEXT NOT NULL CHECK (unit IN ('A', 'W')),
    step_amps      REAL NOT NULL CHECK (step_amps > 0),
    stack_level    INTEGER NOT NULL CHECK (stack_level >= 0),
    reason         TEXT NOT NULL,
    changed_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The profile that says what a connector may draw without the gateway, as its station last accepted it.
CREATE TABLE fallback_profiles (
    station       TEXT NOT NULL,
    connector     INTEGER NOT NULL CHECK (connector >= 0),
    fallback_amps REAL NOT NULL CHECK (fallback_amps >= 0),
    hold_seconds  INTEGER NOT NULL CHECK (hold_seconds >= 0),           -- 0: a session does not wait at 0 A
    accepted_at   INTEGER NOT NULL,
    PRIMARY KEY (station, connector)
) STRICT, WITHOUT ROWID;

-- The ledger: every limit that may be in force on a connector, written before it is sent. What the station has accepted
-- replaces what it accepted before; what it refused is gone.
CREATE TABLE limits_sent (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    station        TEXT NOT NULL,
    connector      INTEGER NOT NULL CHECK (connector >= 0),
    transaction_id INTEGER,               -- mode A: of the session it was for
    amps           REAL NOT NULL CHECK (amps >= 0),
    lease_seconds  INTEGER NOT NULL CHECK (lease_seconds > 0),
    sent_at        INTEGER NOT NULL,
    accepted_at    INTEGER                -- null: no answer yet
) STRICT;
CREATE INDEX limits_sent_to ON limits_sent (station, connector);

-- == Decisions ==

-- The facts and the memory of a tick, with its decision: whoever asks why gets the answer of then.
CREATE TABLE load_decisions (
    decision_id INTEGER PRIMARY KEY AUTOINCREMENT,
    decided_at  INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,         -- length of the record
    line        TEXT NOT NULL,            -- what it shows, in words
    record      BLOB NOT NULL             -- compressed
) STRICT;
CREATE INDEX load_decisions_by_time ON load_decisions (decided_at, bytes);
