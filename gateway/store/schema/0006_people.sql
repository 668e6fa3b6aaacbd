-- People: their accounts, their sessions on the web page, codes that make accounts; who did what in the journal.

CREATE TABLE users (
    user_id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    folded_name   TEXT NOT NULL UNIQUE,    -- the name as it is compared: without regard to case
    role          TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'installer')),
    password_hash TEXT NOT NULL,           -- argon2id
    created_at    INTEGER NOT NULL,
    password_at   INTEGER NOT NULL         -- since when this password counts
) STRICT;

-- Who is logged in. Whoever has the value of the cookie is that user; only its SHA-256 is here.
CREATE TABLE web_sessions (
    digest       TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL,
    made_at      INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,         -- to the hour
    agent        TEXT NOT NULL             -- what the browser calls itself, shortened
) STRICT, WITHOUT ROWID;
CREATE INDEX web_sessions_of_user ON web_sessions (user_id, last_seen_at);

-- Codes that are good once: for a new user of this role, or for a new password of this user.
CREATE TABLE one_time_codes (
    code_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    digest     TEXT NOT NULL UNIQUE,       -- SHA-256; the code has 60 random bits
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'installer')),
    user_id    INTEGER,                    -- null: a new user
    made_by    TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- The person, program or fleet manager that wanted what the event tells; null: nobody, or the gateway by itself.
ALTER TABLE events ADD COLUMN actor TEXT;
UPDATE events SET actor = data ->> 'actor'
    WHERE stream = 'ops' AND json_valid(data) AND json_type(data, '$.actor') = 'text'
    AND data ->> 'actor' NOT IN ('gateway', 'station');
CREATE INDEX events_with_actor ON events (id, actor, kind, happened_at) WHERE actor IS NOT NULL;
