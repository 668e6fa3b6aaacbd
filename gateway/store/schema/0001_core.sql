-- The site's memory: stations, tags, transactions, meter frames, the journal, commands, tokens.
-- Instants are integer microseconds since 1970 UTC. Times that a station wrote are kept as text beside the parsed value.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,               -- epoch | last_transaction_id | meter_indexed_upto
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stations (
    station           TEXT PRIMARY KEY CHECK (station <> ''),
    origin            TEXT NOT NULL CHECK (origin IN ('file', 'api', 'knock')),
    admission         TEXT NOT NULL CHECK (admission IN ('accepted', 'pending', 'removed')),
    settings          TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),  -- run-time values, they beat the file
    password_hash     TEXT,
    vendor            TEXT,
    model             TEXT,
    serial_number     TEXT,
    box_serial_number TEXT,
    firmware_version  TEXT,
    iccid             TEXT,
    imsi              TEXT,
    meter_type        TEXT,
    meter_serial      TEXT,
    booted_at         INTEGER,
    connected_at      INTEGER,            -- start of the newest connection
    created_at        INTEGER NOT NULL,
    clock_offset_ms   INTEGER             -- station clock minus gateway clock, newest estimate
) STRICT, WITHOUT ROWID;

-- every unknown identity is looked up here, so that a storm of them reads no other rows
CREATE INDEX stations_with_aliases ON stations (station) WHERE json_extract(settings, '$.aliases') IS NOT NULL;

-- identities that connected without being known: the list an installer adopts from
CREATE TABLE knocks (
    station    TEXT PRIMARY KEY,
    address    TEXT NOT NULL,
    times      INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE connectors (
    station           TEXT NOT NULL,
    connector         INTEGER NOT NULL CHECK (connector >= 0),
    status            TEXT NOT NULL,
    error_code        TEXT NOT NULL,
    info              TEXT,
    vendor_id         TEXT,
    vendor_error_code TEXT,
    status_at         INTEGER NOT NULL,   -- the station's own time of the change, or the receipt when it gave none
    received_at       INTEGER NOT NULL,
    PRIMARY KEY (station, connector)
) STRICT, WITHOUT ROWID;

CREATE TABLE configuration_keys (
    station    TEXT NOT NULL,
    folded_key TEXT NOT NULL,             -- key names compare case-insensitively (CiString50)
    key        TEXT NOT NULL,
    value      TEXT,                      -- masked when the key is a secret
    readonly   INTEGER,
    reboot_required INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (station, folded_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE quirks (
    station   TEXT NOT NULL,
    quirk     TEXT NOT NULL,
    times     INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (station, quirk)
) STRICT, WITHOUT ROWID;

CREATE TABLE id_tags (
    folded_tag    TEXT PRIMARY KEY,       -- idTags compare case-insensitively (OCPP 1.6 7.28)
    id_tag        TEXT NOT NULL CHECK (length(id_tag) BETWEEN 1 AND 20),
    status        TEXT NOT NULL CHECK (status IN ('Accepted', 'Blocked', 'Expired', 'Invalid')),
    parent_id_tag TEXT CHECK (length(parent_id_tag) BETWEEN 1 AND 20),
    expiry_at     INTEGER,
    note          TEXT NOT NULL DEFAULT '',
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per session, and one per stop whose start nobody knows (then start_at and meter_start_wh are null).
CREATE TABLE transactions (
    transaction_id  INTEGER PRIMARY KEY CHECK (transaction_id > 0),
    station         TEXT NOT NULL,
    connector       INTEGER,
    id_tag          TEXT,
    folded_tag      TEXT,
    parent_id_tag   TEXT,
    authorization   TEXT,                 -- idTagInfo.status that StartTransaction was answered with
    reservation_id  INTEGER,
    remote_start_command TEXT,            -- the command that asked for it, if any
    start_at        INTEGER,
    start_text      TEXT,                 -- the station's own words
    meter_start_wh  INTEGER CHECK (meter_start_wh >= 0),  -- null: the station did not tell it
    measured_start_wh INTEGER,            -- then: the register that was first measured in the session, known at its end
    start_repeat    INTEGER NOT NULL DEFAULT 0,  -- counts sessions of one key: a clock that was never set tells a time again
    start_message_id TEXT,
    start_received_at INTEGER,
    stop_at         INTEGER,
    stop_text       TEXT,
    meter_stop_wh   INTEGER,
    reason          TEXT,
    stop_id_tag     TEXT,
    stop_received_at INTEGER,
    stop_source     TEXT CHECK (stop_source IN ('station', 'reconstructed')),
    claimed_transaction_id TEXT,          -- what the stop claimed, where it is not transaction_id of a session (any integer)
    anomalies       TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(anomalies)),
    CHECK (start_at IS NOT NULL OR meter_start_wh IS NULL),
    CHECK (measured_start_wh IS NULL OR (start_at IS NOT NULL AND meter_start_wh IS NULL)),
    CHECK (start_at IS NOT NULL OR (stop_source IS NOT NULL AND claimed_transaction_id IS NOT NULL)),
    CHECK ((stop_source IS NULL) = (stop_at IS NULL))
) STRICT;
-- the same start is the same session
CREATE UNIQUE INDEX starts
    ON transactions (station, connector, start_at, folded_tag, coalesce(meter_start_wh, -1), start_repeat);
CREATE INDEX open_transactions ON transactions (station, connector) WHERE stop_source IS NULL;
-- the period of a session: when its station's clock had never been set (1970), the receipt tells better
CREATE INDEX transactions_by_period ON transactions (
    CASE WHEN coalesce(start_at, stop_at) < 1420070400000000 THEN coalesce(start_received_at, stop_received_at)
    ELSE coalesce(start_at, stop_at) END);
-- one orphan stop per station and usable id; with an id that says nothing, one per text of its time and register
CREATE UNIQUE INDEX orphan_stops ON transactions (station, claimed_transaction_id)
    WHERE start_at IS NULL AND CAST(claimed_transaction_id AS INTEGER) BETWEEN 1 AND 2147483646;
CREATE UNIQUE INDEX nameless_orphan_stops
    ON transactions (station, claimed_transaction_id, stop_text, coalesce(meter_stop_wh, -1)) WHERE start_at IS NULL;
CREATE INDEX claimed_stops ON transactions (station, claimed_transaction_id, stop_text)
    WHERE claimed_transaction_id IS NOT NULL;

CREATE TABLE remote_starts (
    command_id TEXT PRIMARY KEY,
    station    TEXT NOT NULL,
    connector  INTEGER,
    folded_tag TEXT NOT NULL,
    asked_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The journal: what happened, appended in the commit that made it true. `id` orders everything that happened on the
-- site; `sequence` is gap-free per stream within one epoch. Meter frames are the third stream and live in their own table.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    stream      TEXT NOT NULL CHECK (stream IN ('tx', 'ops')),
    sequence    INTEGER NOT NULL CHECK (sequence > 0),
    kind        TEXT NOT NULL,
    station     TEXT,
    connector   INTEGER,
    happened_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    data        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_sequence ON events (stream, sequence);

-- Stream `meter`: the raw JSON payload of MeterValues and of StopTransaction.transactionData, byte-exact.
CREATE TABLE meter_frames (
    id          INTEGER PRIMARY KEY,      -- from the same counter as events.id
    sequence    INTEGER NOT NULL CHECK (sequence > 0),
    station     TEXT NOT NULL,
    connector   INTEGER,
    claimed_transaction_id INTEGER,       -- what the station wrote, null when absent or not a 64-bit integer
    transaction_id INTEGER,               -- known at receipt (transactionData of a stop), else found by the index
    recorded_at INTEGER NOT NULL,
    encoding    INTEGER NOT NULL CHECK (encoding IN (0, 1)),               -- 0 raw JSON, 1 Zstandard with meter_frames.zdict
    body        BLOB NOT NULL
) STRICT;

-- Which frames belong to which transaction; written in the background, up to meta.meter_indexed_upto.
CREATE TABLE meter_index (
    transaction_id INTEGER NOT NULL,
    frame_id       INTEGER NOT NULL,
    PRIMARY KEY (transaction_id, frame_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY,
    station     TEXT NOT NULL,
    action      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    body        BLOB NOT NULL
) STRICT;
CREATE INDEX quarantine_by_station ON quarantine (station);

-- The inbox and the outcome of every command, whoever gave it (API, command line, page, fleet).
CREATE TABLE commands (
    command_id  TEXT PRIMARY KEY,
    station     TEXT NOT NULL,
    action      TEXT NOT NULL,
    request     TEXT NOT NULL,            -- as sent, secrets masked
    actor       TEXT NOT NULL,
    asked_at    INTEGER NOT NULL,
    status      TEXT NOT NULL,            -- running | answered | call_error | unanswered | not_connected | refused | unknown
    outcome     TEXT NOT NULL DEFAULT '{}',
    finished_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX commands_by_time ON commands (asked_at);

CREATE TABLE tokens (
    token_id   INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'installer')),
    digest     TEXT NOT NULL UNIQUE,      -- SHA-256 of the token; the token has 256 random bits
    created_at INTEGER NOT NULL
) STRICT;
