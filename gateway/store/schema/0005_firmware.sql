-- Firmware images, what stations fetch and upload, rollout.

-- == Images: their bytes are in firmware/, under their digest ==

CREATE TABLE firmware_images (
    image_id     TEXT PRIMARY KEY,
    sha256       TEXT NOT NULL CHECK (length(sha256) = 64),
    size         INTEGER NOT NULL CHECK (size > 0),
    file_name    TEXT NOT NULL,           -- as the vendor named it, made safe for addresses
    manifest     TEXT NOT NULL,           -- JSON, see firmware_store/manifest.py
    verified     TEXT,                    -- by which scheme (see firmware_store/signatures.py); null: not, or not signed
    verification TEXT NOT NULL,           -- the same in words
    source       TEXT NOT NULL,           -- api, cli, usb, or the upstream whose document named it
    imported_by  TEXT NOT NULL,
    imported_at  INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('staged', 'approved', 'withdrawn')),
    state_by     TEXT NOT NULL,
    state_at     INTEGER NOT NULL,
    damaged_at   INTEGER,                 -- since then its bytes are not, or not all, on the disk
    checked_at   INTEGER NOT NULL,        -- when its bytes were last seen to be whole
    removed_at   INTEGER                  -- withdrawn, and since then its bytes are not kept any more
) STRICT;
CREATE INDEX firmware_images_by_digest ON firmware_images (sha256);

-- == Links: who may fetch or upload what, until when, and what came of it ==

CREATE TABLE transfer_links (
    link_id      INTEGER PRIMARY KEY AUTOINCREMENT,
    token_digest BLOB NOT NULL UNIQUE,    -- SHA-256 of the token: whoever has the token may use the link
    station      TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('image', 'diagnostics', 'log')),
    scheme       TEXT NOT NULL CHECK (scheme IN ('http', 'https', 'ftp', 'ftps')),
    command_id   TEXT,                    -- that sent it to the station; null: a person asked for the link
    actor        TEXT NOT NULL,
    reason       TEXT,                    -- of an upload: why it was asked for
    image_id     TEXT,
    sha256       TEXT,                    -- of what is fetched, and its size
    size         INTEGER,
    file_name    TEXT,
    made_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,                 -- not usable since, although it has not expired
    attempts     INTEGER NOT NULL DEFAULT 0,
    bytes_served INTEGER NOT NULL DEFAULT 0,    -- all together, repetitions included
    served_upto  INTEGER NOT NULL DEFAULT 0,    -- how far into the file
    first_at     INTEGER,
    last_at      INTEGER,
    complete_at  INTEGER,                 -- the last byte was served, or a file was received
    CHECK ((kind = 'image') = (image_id IS NOT NULL AND sha256 IS NOT NULL AND size IS NOT NULL AND file_name IS NOT NULL))
) STRICT;
CREATE INDEX transfer_links_by_command ON transfer_links (command_id) WHERE command_id IS NOT NULL;
CREATE INDEX transfer_links_by_image ON transfer_links (image_id) WHERE image_id IS NOT NULL;
CREATE INDEX transfer_links_by_station ON transfer_links (station, link_id);
CREATE INDEX transfer_links_by_age ON transfer_links (expires_at);

-- == Uploads: their files are in uploads/ ==

CREATE TABLE uploads (
    upload_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    link_id      INTEGER NOT NULL,
    station      TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('diagnostics', 'log')),
    reason       TEXT,
    command_id   TEXT,
    file_name    TEXT NOT NULL,           -- as the station named it, made safe
    size         INTEGER NOT NULL CHECK (size >= 0),
    sha256       TEXT NOT NULL,
    scheme       TEXT NOT NULL,
    address      TEXT NOT NULL,           -- where it came from
    received_at  INTEGER NOT NULL,
    forwarding   TEXT CHECK (forwarding IN ('waiting', 'done', 'given_up')),  -- to a fleet manager; null: to nobody
    forward_to   TEXT,                    -- the upstream's name
    forward_tries INTEGER NOT NULL DEFAULT 0,
    forward_at   INTEGER,                 -- the next try, or when it ended
    forward_error TEXT,
    missing_at   INTEGER                  -- since then its file is not, or not whole, on the disk
) STRICT;
CREATE INDEX uploads_by_station ON uploads (station, upload_id);
CREATE INDEX uploads_by_command ON uploads (command_id) WHERE command_id IS NOT NULL;
CREATE INDEX uploads_waiting ON uploads (forward_at) WHERE forwarding = 'waiting';

-- == Rollout ==

CREATE TABLE campaigns (
    campaign_id  TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    image_id     TEXT NOT NULL,
    policy       TEXT NOT NULL,           -- JSON, complete
    state        TEXT NOT NULL CHECK (state IN ('running', 'waiting', 'paused', 'halted', 'aborted', 'finished')),
    why          TEXT,                    -- in words, where the state alone does not say it
    wave         INTEGER NOT NULL,        -- stations of this wave and of those before may begin; the canary is wave 0
    wave_at      INTEGER NOT NULL,        -- since then; moved with a clock that is set, and by the time without power
    accepted_failures INTEGER NOT NULL DEFAULT 0,  -- so many failed stations were there when a person let it go on
    source       TEXT NOT NULL,           -- who wanted it: api, cli, or the upstream whose document names it
    created_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    approved_by  TEXT,                    -- who let it go on, last
    approved_at  INTEGER,
    finished_at  INTEGER
) STRICT;
CREATE INDEX campaigns_open ON campaigns (campaign_id) WHERE finished_at IS NULL;

CREATE TABLE campaign_stations (
    campaign_id  TEXT NOT NULL,
    station      TEXT NOT NULL,
    wave         INTEGER NOT NULL,
    named        INTEGER NOT NULL DEFAULT 0,  -- by whoever made the campaign, which confirms what stations do not tell
    state        TEXT NOT NULL,           -- see rules/firmware_rollout.py
    since        INTEGER NOT NULL,        -- of the state
    counted_from INTEGER NOT NULL,        -- the same for time limits: moved with a clock that is set, and by the time without power
    failure      TEXT,                    -- its class, where the state is failed; of a waiting one: of the try before
    detail       TEXT,                    -- in words: why it waits, or what went wrong
    tries        INTEGER NOT NULL,
    link_id      INTEGER,                 -- of the newest try
    command_id   TEXT,
    version_before TEXT,
    booted_before INTEGER,                -- the newest boot when it was asked
    asks         INTEGER NOT NULL DEFAULT 0,  -- what else the station was asked for in this state
    asked_at     INTEGER,                 -- the newest of these; moved like counted_from
    healthy_from INTEGER,                 -- while it is checked: without a fault since then; moved like counted_from
    version_after TEXT,
    drained      TEXT,                    -- JSON: connectors that the gateway made inoperative, to be restored
    out_before   TEXT,                    -- JSON: connectors that were out of service before, by somebody else's wish
    settings     TEXT,                    -- JSON: configuration keys before
    changed_settings TEXT,                -- JSON: which of them differ afterwards
    PRIMARY KEY (campaign_id, station)
) STRICT, WITHOUT ROWID;
CREATE INDEX campaign_stations_by_station ON campaign_stations (station);
CREATE INDEX campaign_stations_drained ON campaign_stations (station) WHERE drained IS NOT NULL;

-- == Firmware that a fleet manager's document names with its digest ==

-- One row per entry of the document that is applied.
CREATE TABLE fleet_images (
    entry    TEXT PRIMARY KEY,            -- digest of the entry
    upstream TEXT NOT NULL,
    version  INTEGER NOT NULL,            -- of the document, when its campaigns were looked at last
    image_id TEXT,                        -- null: it is not in the store yet
    error    TEXT,                        -- why not, or why nothing is rolled out
    tries    INTEGER NOT NULL,
    due_at   INTEGER NOT NULL             -- the next try to fetch it
) STRICT, WITHOUT ROWID;

CREATE TABLE fleet_campaigns (
    campaign_id TEXT PRIMARY KEY,
    entry       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX fleet_campaigns_by_entry ON fleet_campaigns (entry);
