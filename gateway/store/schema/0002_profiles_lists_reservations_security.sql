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

-- What stations are believed to hold. A certain row is there; of the others nobody knows, because an answer is missing.
CREATE TABLE charging_profiles (
    row_id         INTEGER PRIMARY KEY AUTOINCREMENT,  -- never again: rows are remembered between two commits
    station        TEXT NOT NULL,
    connector      INTEGER NOT NULL CHECK (connector >= 0),
    profile_id     INTEGER NOT NULL,
    transaction_id INTEGER,                -- of a TxProfile, also when a remote start brought it
    profile        TEXT NOT NULL CHECK (json_valid(profile)),          -- the OCPP object, verbatim
    certain        INTEGER NOT NULL CHECK (certain IN (0, 1)),
    wanted         INTEGER NOT NULL CHECK (wanted IN (0, 1)),          -- 0: it should go
    command_id     TEXT NOT NULL,          -- what brought it
    noted_at       INTEGER NOT NULL,
    CHECK (wanted = 1 OR certain = 0)
) STRICT;
CREATE INDEX charging_profiles_of_station ON charging_profiles (station);
CREATE UNIQUE INDEX certain_charging_profiles ON charging_profiles (station, profile_id) WHERE certain;

-- Whether a station holds profiles that somebody else left there.
CREATE TABLE charging_profile_clearings (
    station    TEXT PRIMARY KEY,
    cleared_at INTEGER,                    -- when it last said that it holds none
    doubted_at INTEGER                     -- since when it may be another device, or our memory an older one
) STRICT, WITHOUT ROWID;

-- The newest GetCompositeSchedule of each connector, for people to hold beside our own calculation.
CREATE TABLE composite_schedules (
    station   TEXT NOT NULL,
    connector INTEGER NOT NULL,
    asked_at  INTEGER NOT NULL,
    request   TEXT NOT NULL CHECK (json_valid(request)),
    response  TEXT NOT NULL CHECK (json_valid(response)),
    PRIMARY KEY (station, connector)
) STRICT, WITHOUT ROWID;

-- == Local authorization lists ==

-- counts changes of id_tags
INSERT INTO meta VALUES ('id_tags_revision', 1);

-- What is believed of the list in each station; see rules/local_list_memory. A station that is removed keeps its row:
-- versions never go back.
CREATE TABLE local_lists (
    station          TEXT PRIMARY KEY,
    version          INTEGER,             -- accepted or reported last; null: never told
    highest          INTEGER NOT NULL,    -- versions up to this one are used up
    contents_known   INTEGER NOT NULL,    -- local_list_entries is what the station holds
    in_flight        INTEGER NOT NULL,    -- requests sent whose answer is not here, or never came
    supported        INTEGER,
    must_ask         INTEGER NOT NULL,    -- it may have changed since, by a reboot or a restored backup
    conflict         INTEGER NOT NULL,    -- the station reported LocalListConflict
    given_at         INTEGER,
    failures         INTEGER NOT NULL,
    retry_at         INTEGER,
    last_status      TEXT,
    checked_revision INTEGER,             -- the state of id_tags it was last compared with, null: never
    checked_room     INTEGER,
    checked_until    INTEGER,
    changes          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE local_list_entries (
    station       TEXT NOT NULL,
    folded_tag    TEXT NOT NULL,
    id_tag        TEXT NOT NULL,
    status        TEXT,                   -- null: somebody sent an idTagInfo that is not understood
    parent_id_tag TEXT,
    expiry_at     INTEGER,
    PRIMARY KEY (station, folded_tag)
) STRICT, WITHOUT ROWID;

-- == Reservations ==

-- One row per ReserveNow that may have been carried out. What is over stays a while: sessions may be told late.
CREATE TABLE reservations (
    number         INTEGER PRIMARY KEY,   -- in the order of asking
    command_id     TEXT NOT NULL UNIQUE,
    station        TEXT NOT NULL,
    reservation_id INTEGER NOT NULL,
    connector      INTEGER NOT NULL CHECK (connector >= 0),               -- 0: any of the station
    id_tag         TEXT NOT NULL,
    folded_tag     TEXT NOT NULL,
    parent_id_tag  TEXT,
    expiry_at      INTEGER NOT NULL,
    asked_at       INTEGER NOT NULL,
    standing       TEXT NOT NULL CHECK (standing IN ('asked', 'uncertain', 'in_force', 'used', 'ended')),
    shown_on       INTEGER,               -- the connector whose becoming Available ends it
    clock_lag      INTEGER,               -- of the station when it was asked, in microseconds, never positive
    ended_why      TEXT,
    ended_at       INTEGER,
    transaction_id INTEGER,               -- of the session that used it
    CHECK ((standing IN ('used', 'ended')) = (ended_at IS NOT NULL)),
    CHECK ((standing = 'ended') = (ended_why IS NOT NULL)),
    CHECK ((standing = 'used') = (transaction_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX reservations_in_force ON reservations (station, reservation_id) WHERE standing = 'in_force';
CREATE INDEX active_reservations ON reservations (station) WHERE standing IN ('asked', 'uncertain', 'in_force');
CREATE INDEX reservations_by_id ON reservations (station, reservation_id);
CREATE INDEX ended_reservations ON reservations (station, ended_at) WHERE standing = 'ended';

-- == Firmware, diagnostics and log jobs ==

-- What a station was asked to load, install or upload, and what it does of that kind by itself; how far it has come.
CREATE TABLE station_jobs (
    job_id         INTEGER PRIMARY KEY AUTOINCREMENT,
    station        TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('firmware', 'signed_firmware', 'diagnostics', 'log')),
    command_id     TEXT,                  -- null: the station began by itself
    request_id     INTEGER,
    location       TEXT,                  -- secrets masked
    file_name      TEXT,                  -- as the station told it
    asked_at       INTEGER NOT NULL,      -- of a station's own job: when we first heard of it
    status         TEXT NOT NULL,         -- the newest, in the station's words or ours
    status_at      INTEGER NOT NULL,
    stage          INTEGER NOT NULL,      -- the furthest that was told
    detail         TEXT,                  -- why, where the status does not say it
    idle_at        INTEGER,               -- since then the station said that it does nothing
    result         TEXT CHECK (result IN
        ('succeeded', 'failed', 'refused', 'nothing_to_upload', 'superseded', 'not_sent')),
    finished_at    INTEGER,
    version_before TEXT,                  -- firmware version when the job began
    version_after  TEXT,                  -- and at the boot that followed
    CHECK ((result IS NULL) = (finished_at IS NULL))
) STRICT;
CREATE INDEX jobs_by_station ON station_jobs (station, kind, job_id);
CREATE INDEX finished_jobs ON station_jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX open_jobs ON station_jobs (job_id) WHERE finished_at IS NULL;
CREATE UNIQUE INDEX jobs_by_command ON station_jobs (command_id);

-- the newest notification of each kind that the journal has: repetitions are not told
CREATE TABLE job_notifications (
    station    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    status     TEXT NOT NULL,
    request_id INTEGER,
    told_at    INTEGER NOT NULL,
    PRIMARY KEY (station, kind)
) STRICT, WITHOUT ROWID;

-- What stations tell of their security, and what the gateway saw itself; types are free text.
CREATE TABLE security_events (
    id          INTEGER PRIMARY KEY,
    source      TEXT NOT NULL CHECK (source IN ('station', 'gateway')),
    station     TEXT,                     -- null: no known station
    type        TEXT NOT NULL,
    critical    INTEGER NOT NULL CHECK (critical IN (0, 1)),
    times       INTEGER NOT NULL,         -- more than 1 only where events were counted instead of kept
    tech_info   TEXT,
    address     TEXT,                     -- of whoever it was, where that matters
    happened_at INTEGER NOT NULL,         -- the station's own time, it may be told much later
    recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX security_events_by_station ON security_events (station, source, critical, id);

-- == Security profiles and passwords ==

-- What a station was sent and may use from now on: a higher security profile, or a new password. The row goes when the
-- station has used it, has refused it, or an installer has set something else.
CREATE TABLE security_changes (
    station       TEXT NOT NULL,
    command_id    TEXT NOT NULL,
    profile       INTEGER CHECK (profile BETWEEN 1 AND 3),
    password_hash TEXT,
    answer        TEXT NOT NULL DEFAULT 'none' CHECK (answer IN ('none', 'Accepted', 'RebootRequired', 'lost')),
    asked_at      INTEGER NOT NULL,
    PRIMARY KEY (station, command_id),
    CHECK ((profile IS NULL) <> (password_hash IS NULL))
) STRICT, WITHOUT ROWID;

-- == Certificates ==

-- Certificates that the site's authority issued to stations, and requests for one that still wait for it.
CREATE TABLE issued_certificates (
    certificate_id   INTEGER PRIMARY KEY,
    station          TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN
                         ('pending', 'sent', 'accepted', 'refused', 'unknown', 'failed', 'handed_over', 'revoked')),
    common_name      TEXT NOT NULL,
    algorithm        TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ecdsa')),  -- wanted, then what it was signed with
    security_profile INTEGER NOT NULL,    -- under which the station asked
    signing_request  TEXT,                -- PEM, while pending
    chain            TEXT,                -- PEM, once issued
    serial_number    TEXT,                -- lower-case hexadecimal without leading zeros
    fingerprint      TEXT,                -- SHA-256, lower-case hexadecimal
    not_before       INTEGER,
    not_after        INTEGER,
    asked_at         INTEGER NOT NULL,
    settled_at       INTEGER,
    reason           TEXT,
    CHECK (state IN ('pending', 'failed') OR fingerprint IS NOT NULL)
) STRICT;
CREATE INDEX issued_certificates_by_station ON issued_certificates (station, certificate_id);
CREATE UNIQUE INDEX issued_certificates_pending ON issued_certificates (station) WHERE state = 'pending';
CREATE INDEX issued_certificates_by_serial ON issued_certificates (serial_number);
CREATE INDEX issued_certificates_by_fingerprint ON issued_certificates (fingerprint);

-- how often a station asked for a certificate within the hour that began at `since`
CREATE TABLE signing_requests_counted (
    station TEXT PRIMARY KEY,
    since   INTEGER NOT NULL,
    times   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a station says it has installed, in its own letters; `folded` is the same for comparison.
CREATE TABLE installed_certificates (
    station          TEXT NOT NULL,
    certificate_type TEXT NOT NULL,
    folded           TEXT NOT NULL,
    hash_algorithm   TEXT NOT NULL,
    issuer_name_hash TEXT NOT NULL,
    issuer_key_hash  TEXT NOT NULL,
    serial_number    TEXT NOT NULL,
    reported_at      INTEGER NOT NULL,
    PRIMARY KEY (station, certificate_type, folded)
) STRICT, WITHOUT ROWID;

-- Roots that were sent to a station, to know by name and end what it reports as hashes.
CREATE TABLE roots_sent (
    station          TEXT NOT NULL,
    certificate_type TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,
    subject          TEXT NOT NULL,
    serial_number    TEXT NOT NULL,
    hashes           TEXT NOT NULL CHECK (json_valid(hashes)),  -- issuerNameHash by hashAlgorithm
    not_after        INTEGER NOT NULL,
    status           TEXT NOT NULL,       -- the station's answer, or why there is none
    sent_at          INTEGER NOT NULL,
    PRIMARY KEY (station, certificate_type, fingerprint)
) STRICT, WITHOUT ROWID;

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
