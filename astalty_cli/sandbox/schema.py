"""The tables. Times are texts as on the wire, which sort as the times do."""

APPLICATION_ID = 0x41535459  # "ASTY": tells our file from any other SQLite database
SCHEMA_VERSION = 3

# Entries never change, but old ones may be dropped. Whoever remembers some has to hear of it.
_HEARD = "BEGIN UPDATE history_losses SET count = count + 1; END"
_RETENTION = (
    "CREATE TABLE history_losses (count INTEGER NOT NULL)",
    "INSERT INTO history_losses VALUES (0)",
    f"CREATE TRIGGER api_requests_dropped AFTER DELETE ON api_requests {_HEARD}",
    f"CREATE TRIGGER api_requests_changed AFTER UPDATE ON api_requests {_HEARD}",
)

SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};

CREATE TABLE account (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE users (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, role TEXT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    rotation INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    rotated_at TEXT,
    last_used_at TEXT,
    last_used_ip TEXT,
    revoked_at TEXT,
    window_started_at TEXT,                       -- of the rate limit
    window_calls INTEGER NOT NULL DEFAULT 0,
    access TEXT NOT NULL DEFAULT 'full_access'
);
CREATE UNIQUE INDEX api_keys_active_name ON api_keys (name) WHERE revoked_at IS NULL;

CREATE TABLE key_secrets (
    hash BLOB PRIMARY KEY,                        -- SHA-256; the secret itself is nowhere
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    rotation INTEGER NOT NULL,                    -- the key's when this secret was created
    last_four TEXT NOT NULL,
    expires_at TEXT,                              -- null: the newest one
    number INTEGER,                               -- what stands before it and `|`, in Sanctum's style
    UNIQUE (key_id, rotation)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,                    -- SHA-256 of method, path and body
    status INTEGER NOT NULL,
    body BLOB NOT NULL,                           -- without the secret
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE api_requests (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    status INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    created_at TEXT NOT NULL,
    duration_ms REAL NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    user_id TEXT,                                 -- names as they were then: entries never change
    user_name TEXT,
    user_email TEXT,
    api_key_id TEXT,
    api_key_name TEXT,
    bodies INTEGER REFERENCES api_request_bodies (number)
);
CREATE INDEX api_requests_time ON api_requests (created_at, id);
CREATE INDEX api_requests_status ON api_requests (status, id);
CREATE INDEX api_requests_duration ON api_requests (duration_ms, id);

CREATE TABLE api_request_bodies (                 -- apart, so that lists never page through bodies
    number INTEGER PRIMARY KEY,                   -- entries that are alike may share one
    request_headers TEXT NOT NULL,                -- this and the next ones are JSON
    request_body TEXT NOT NULL,
    request_truncated INTEGER NOT NULL,
    response_headers TEXT NOT NULL,
    response_body TEXT NOT NULL,
    response_truncated INTEGER NOT NULL
);

{";".join(_RETENTION)};

CREATE TABLE participants (
    id TEXT PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    full_name TEXT NOT NULL,
    preferred_name TEXT,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE goals (
    id TEXT PRIMARY KEY,
    participant_id TEXT NOT NULL REFERENCES participants (id),
    name TEXT NOT NULL,
    goal_type TEXT NOT NULL,
    description TEXT,
    achievement_strategy TEXT,
    barriers TEXT,
    status TEXT NOT NULL,
    achieved_at TEXT,
    archived_at TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX goals_participant ON goals (participant_id);
"""

# A version -> what makes the next one of it.
MIGRATIONS = {
    1: (
        "ALTER TABLE api_requests ADD COLUMN bodies INTEGER REFERENCES api_request_bodies (number)",
        "UPDATE api_requests SET bodies = number",
        "DROP INDEX api_requests_key",
        *_RETENTION,
    ),
    2: (
        "ALTER TABLE api_keys ADD COLUMN access TEXT NOT NULL DEFAULT 'full_access'",
        "ALTER TABLE key_secrets ADD COLUMN number INTEGER",
    ),
}
