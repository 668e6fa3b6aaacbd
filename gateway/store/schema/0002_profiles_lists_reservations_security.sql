-- Charging profiles, local lists, reservations, firmware and log jobs, security: what the gateway believes to be in force
-- on each station, and what it has asked of it.

-- Ids that the gateway chooses, per station; they never go back.
CREATE TABLE numbers_given (
    station TEXT NOT NULL,
    name    TEXT NOT NULL CHECK (name IN ('reservation', 'charging_profile', 'request')),
    value   INTEGER NOT NULL CHECK (value > 0),
    PRIMARY KEY (station, name)
) STRICT, WITHOUT ROWID;

-- == Smart charging ==

-- == Local authorization lists ==

-- == Reservations ==

-- == Firmware, diagnostics and log jobs ==

-- == Security profiles and passwords ==

-- == Certificates ==

-- == Station settings and capabilities ==

-- When a station's configuration keys were last read, and in which way.
CREATE TABLE settings_read (
    station          TEXT PRIMARY KEY,
    firmware_version TEXT,                -- that told them
    how              TEXT NOT NULL CHECK (how IN ('whole', 'by_name', 'failed')),
    read_at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys that a station said it does not know.
CREATE TABLE unknown_keys (
    station    TEXT NOT NULL,
    folded_key TEXT NOT NULL,
    key        TEXT NOT NULL,
    told_at    INTEGER NOT NULL,
    PRIMARY KEY (station, folded_key)
) STRICT, WITHOUT ROWID;

-- The newest try to give a key its wanted value. Never of a key that holds a secret.
CREATE TABLE setting_trials (
    station          TEXT NOT NULL,
    folded_key       TEXT NOT NULL,
    desired          TEXT NOT NULL,
    reported         TEXT,                -- before it
    firmware_version TEXT,
    result           TEXT NOT NULL CHECK (result IN ('sent', 'Accepted', 'RebootRequired', 'Rejected', 'NotSupported', 'error')),
    accepted         TEXT,                -- the part of a list that was accepted instead of the whole
    reboots          INTEGER NOT NULL DEFAULT 0,  -- how often the station booted right after it
    tried_at         INTEGER NOT NULL,
    PRIMARY KEY (station, folded_key)
) STRICT, WITHOUT ROWID;

-- Requests that a station answered as not known or not supported.
CREATE TABLE unsupported_requests (
    station TEXT NOT NULL,
    request TEXT NOT NULL,                -- an action, for triggers with the message after a blank
    told_at INTEGER NOT NULL,
    PRIMARY KEY (station, request)
) STRICT, WITHOUT ROWID;

CREATE INDEX commands_by_station ON commands (station, asked_at);
