-- Fleet managers: how far each has the journal, what it was told and asked for.

-- The journal, per station: gap-free within stream and epoch, null for rows from before this version.
ALTER TABLE events ADD COLUMN station_sequence INTEGER;
ALTER TABLE meter_frames ADD COLUMN station_sequence INTEGER;
-- 1: signed values or the data of a stop, which a bill rests on; unknown (0) for rows from before this version.
ALTER TABLE meter_frames ADD COLUMN evidence INTEGER NOT NULL DEFAULT 0 CHECK (evidence IN (0, 1));

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
    correlation BLOB,                     -- what MQTT 5 wants back with each answer
    superseding TEXT,                     -- older ones with the same, that have not begun, are superseded
    if_offline  TEXT NOT NULL CHECK (if_offline IN ('reject', 'queue')),
    received_at INTEGER NOT NULL,
    expires_at  INTEGER,                  -- null: it may begin for ever
    boot_id     TEXT NOT NULL,            -- since when the machine's own clock runs,
    ends_at_ms  INTEGER NOT NULL,         -- by which it may begin until then
    by_clock    INTEGER NOT NULL CHECK (by_clock IN (0, 1)),    -- the command named expires_at itself
    believable  INTEGER NOT NULL CHECK (believable IN (0, 1)),  -- the wall clock by which expires_at was noted
    status      TEXT NOT NULL CHECK (
        status IN ('accepted', 'running', 'succeeded', 'failed', 'rejected', 'expired', 'superseded')),
    body        TEXT,                     -- connector and arguments
    result      TEXT NOT NULL,            -- what was told last
    finished_at INTEGER,
    UNIQUE (upstream, id)
) STRICT;
CREATE INDEX fleet_commands_open ON fleet_commands (number) WHERE finished_at IS NULL;

-- == Retention and the disk ==

-- What was deleted before every upstream had acknowledged it: `count` of the sequences from..to, others of them may be
-- there. At most one row per stream and reason is not told yet.
CREATE TABLE dropped_ranges (
    number        INTEGER PRIMARY KEY,
    stream        TEXT NOT NULL CHECK (stream IN ('tx', 'ops', 'meter')),
    from_sequence INTEGER NOT NULL CHECK (from_sequence > 0),
    to_sequence   INTEGER NOT NULL CHECK (to_sequence >= from_sequence),
    count         INTEGER NOT NULL CHECK (count > 0),
    reason        TEXT NOT NULL,
    dropped_at    INTEGER NOT NULL,
    told          INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1))   -- 1: an event of the journal says so
) STRICT;
CREATE UNIQUE INDEX dropped_ranges_untold ON dropped_ranges (stream, reason) WHERE NOT told;

-- How full the disk is (rules/disk_pressure), and what was not recorded because of it since it was last told.
INSERT INTO meta VALUES ('disk_pressure', 0), ('meter_not_recorded', 0), ('ops_not_recorded', 0);
-- Frames up to here (id) were thinned; what is left up to the others (id, sequence) was passed over in deleting.
INSERT INTO meta VALUES ('meter_thinned_upto', 0), ('meter_passed_upto', 0), ('ops_passed_upto', 0);

-- == Desired-state documents ==

-- What each upstream wants: the newest that was heard, and the newest that is applied.
CREATE TABLE fleet_documents (
    upstream        TEXT NOT NULL,
    doc             TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('pending', 'applied', 'partial', 'rejected', 'withdrawn')),
    version         INTEGER,              -- the newest heard; null: it could not be read
    digest          TEXT,
    heard_at        INTEGER NOT NULL,
    errors          TEXT NOT NULL,        -- JSON
    waiting         TEXT,                 -- while pending: the manifest, passwords as hashes
    due_at          INTEGER,              -- while pending: when it is tried
    tries           INTEGER NOT NULL,
    applied_version INTEGER,
    applied_digest  TEXT,
    applied_at      INTEGER,
    body            TEXT,                 -- what is applied, without secrets; null where it is kept in other tables
    PRIMARY KEY (upstream, doc)
) STRICT, WITHOUT ROWID;

-- Tags that an upstream left to the site, until the site or an upstream sets them; null: the site's own.
ALTER TABLE id_tags ADD COLUMN left_by TEXT;

-- auth-list: what each upstream says of a tag. id_tags has what counts (rules/fleet_tags).
CREATE TABLE fleet_tags (
    folded_tag    TEXT NOT NULL,
    upstream      TEXT NOT NULL,
    id_tag        TEXT NOT NULL CHECK (length(id_tag) BETWEEN 1 AND 20),
    status        TEXT NOT NULL CHECK (status IN ('Accepted', 'Blocked', 'Expired', 'Invalid')),
    parent_id_tag TEXT CHECK (length(parent_id_tag) BETWEEN 1 AND 20),
    expiry_at     INTEGER,
    PRIMARY KEY (folded_tag, upstream)
) STRICT, WITHOUT ROWID;

-- What the site says of tags that are in fleet_tags, where it says anything.
CREATE TABLE site_tags (
    folded_tag    TEXT PRIMARY KEY,
    id_tag        TEXT NOT NULL CHECK (length(id_tag) BETWEEN 1 AND 20),
    status        TEXT NOT NULL CHECK (status IN ('Accepted', 'Blocked', 'Expired', 'Invalid')),
    parent_id_tag TEXT CHECK (length(parent_id_tag) BETWEEN 1 AND 20),
    expiry_at     INTEGER,
    note          TEXT NOT NULL,
    own           INTEGER NOT NULL CHECK (own IN (0, 1)),      -- said before any upstream named the tag
    removed       INTEGER NOT NULL CHECK (removed IN (0, 1)),  -- deleted since
    said_by       TEXT NOT NULL,
    said_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- profiles: what the fleet wants, and what came of sending it; unwanted ones are to be cleared.
CREATE TABLE fleet_profiles (
    station    TEXT NOT NULL,
    profile_id INTEGER NOT NULL,
    connector  INTEGER NOT NULL CHECK (connector >= 0),
    profile    TEXT NOT NULL,             -- JSON, as it is sent
    wanted     INTEGER NOT NULL CHECK (wanted IN (0, 1)),
    outcome    TEXT,                      -- what the station answered; null: it was not asked yet
    tried_at   INTEGER,
    PRIMARY KEY (station, profile_id)
) STRICT, WITHOUT ROWID;

-- firmware: how often the gateway asked a station for the version that the fleet wants there.
CREATE TABLE fleet_updates (
    station  TEXT PRIMARY KEY,
    version  TEXT NOT NULL,
    tries    INTEGER NOT NULL,
    tried_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
