-- HQ's own tables. The sync ledger's are made by its own script, beside these.
-- Personal data: `person` alone (and the raw events that the ledger keeps).

-- This database's lives: see the generation witness.
CREATE TABLE life (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    life       INTEGER NOT NULL
) STRICT;
INSERT INTO life VALUES (1, 0, 0);

CREATE TABLE user (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    secret     TEXT NOT NULL,              -- argon2id, PHC string
    created_at INTEGER NOT NULL            -- milliseconds since 1970, as every time here
) STRICT;

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    what   TEXT NOT NULL,
    about  TEXT NOT NULL
) STRICT;

CREATE TABLE store (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL DEFAULT '',
    registered_at INTEGER NOT NULL,
    registered_by TEXT NOT NULL,           -- birth | order | config
    online        INTEGER NOT NULL DEFAULT 0,
    changed_at    INTEGER,                 -- when `online` last changed
    heard_at      INTEGER,                 -- last message of any kind, kept coarsely
    session       TEXT,                    -- of the last birth
    connection    TEXT,                    -- that the will of that connection names
    epoch         TEXT,
    recovery      INTEGER NOT NULL DEFAULT 0,
    version       TEXT,
    clock         TEXT,
    config        INTEGER,                 -- configuration version that the store runs
    state         TEXT NOT NULL DEFAULT '{}',  -- what else the last birth said
    reported      TEXT,                    -- last config/reported
    reported_at   INTEGER,
    garbage       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE person (
    ref        TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    phone      TEXT NOT NULL,
    email      TEXT,
    language   TEXT NOT NULL,
    channel    TEXT NOT NULL,
    search     TEXT NOT NULL,              -- folded name
    last_three TEXT NOT NULL
) STRICT;
CREATE INDEX person_last_three ON person(last_three);
CREATE INDEX person_search ON person(search);

-- One row an order: what lists, searches and numbers need, derived from both authors' logs.
CREATE TABLE reservation (
    id          TEXT PRIMARY KEY,
    store       TEXT NOT NULL REFERENCES store(id),
    number      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    contract    TEXT NOT NULL,
    person      TEXT NOT NULL,
    currency    TEXT NOT NULL,
    fingerprint BLOB NOT NULL,             -- keyed hash of the order as it was placed
    placed_at   INTEGER NOT NULL,
    promised_at INTEGER,
    revision    INTEGER NOT NULL DEFAULT 0,
    moved_to    TEXT,
    moved_from  TEXT,
    goods       TEXT NOT NULL,
    money       TEXT NOT NULL,
    wish        TEXT NOT NULL,
    presence    TEXT NOT NULL,
    told        TEXT,                      -- state of the newest READY message
    total       INTEGER NOT NULL,
    due         INTEGER NOT NULL,
    pieces      INTEGER NOT NULL,
    hold_until  INTEGER,
    open        INTEGER NOT NULL,          -- 1 until the goods can't be handed over any more
    version     INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    UNIQUE (store, number)
) STRICT;
CREATE INDEX reservation_person ON reservation(person);
CREATE INDEX reservation_number ON reservation(number);
CREATE INDEX reservation_list ON reservation(updated_at DESC, id);
CREATE INDEX reservation_store ON reservation(store, open, goods);

-- Codes of open orders: sealed for the one who placed the order, indexed for their distance from each other.
CREATE TABLE pickup_code (
    reservation TEXT PRIMARY KEY,
    store       TEXT NOT NULL,
    digest      BLOB NOT NULL,
    sealed      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX pickup_code_digest ON pickup_code(store, digest);

CREATE TABLE message (
    id          TEXT PRIMARY KEY,
    store       TEXT NOT NULL,
    reservation TEXT,
    purpose     TEXT NOT NULL,
    language    TEXT NOT NULL,
    state       TEXT NOT NULL,
    parts       INTEGER NOT NULL,
    cause       TEXT,
    queued_at   INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX message_reservation ON message(reservation);
CREATE INDEX message_state ON message(store, state);
CREATE INDEX message_queued ON message(queued_at, state);

CREATE TABLE alert (
    id          INTEGER PRIMARY KEY,
    store       TEXT NOT NULL,
    key         TEXT NOT NULL,             -- what makes it the same alert
    kind        TEXT NOT NULL,
    reservation TEXT,
    words       TEXT NOT NULL,
    raised_at   INTEGER NOT NULL,
    times       INTEGER NOT NULL DEFAULT 1,
    last_at     INTEGER NOT NULL,
    cleared_at  INTEGER,
    cleared_by  TEXT
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert(store, key) WHERE cleared_at IS NULL;
CREATE INDEX alert_list ON alert(cleared_at, last_at DESC);

-- Payloads that could not be read, newest kept up to a bound.
CREATE TABLE garbage (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    topic   TEXT NOT NULL,
    why     TEXT NOT NULL,
    size    INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;

CREATE TABLE bundle (
    store      TEXT NOT NULL REFERENCES store(id),
    version    INTEGER NOT NULL,
    text       TEXT NOT NULL,              -- exactly the bytes that were signed
    sig        TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (store, version)
) STRICT;

CREATE TABLE idempotency (
    scope   TEXT NOT NULL,                 -- the API key's name
    key     TEXT NOT NULL,
    request BLOB NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_at ON idempotency(at);
