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
