-- The sync ledger of every (store, HQ) pair in this database; `scope` names the pair.
CREATE TABLE sync_head (
    scope TEXT PRIMARY KEY,
    head  TEXT NOT NULL
) STRICT;

-- What waits for the other side's watermark. The only truth about what was sent.
CREATE TABLE sync_outbox (
    scope TEXT NOT NULL,
    queue TEXT NOT NULL,
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    id    BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    text  TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX sync_outbox_order ON sync_outbox (scope, queue, last);

CREATE TABLE sync_outbox_size (
    scope TEXT NOT NULL,
    queue TEXT NOT NULL,
    rows  INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (scope, queue)
) STRICT, WITHOUT ROWID;

-- Which event stands at which number of our own stream, for the whole epoch.
CREATE TABLE sync_ids (
    scope TEXT NOT NULL,
    queue TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    id    BLOB NOT NULL,
    skip  BLOB,
    PRIMARY KEY (scope, queue, seq)
) STRICT, WITHOUT ROWID;

-- Both authors' logs, each event as the text that it came as.
CREATE TABLE sync_log (
    scope     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    aggregate TEXT NOT NULL,
    author    TEXT NOT NULL,
    n         INTEGER NOT NULL,
    id        BLOB NOT NULL,
    standing  TEXT NOT NULL,
    text      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX sync_log_order ON sync_log (scope, kind, aggregate, author, n);
CREATE UNIQUE INDEX sync_log_id ON sync_log (scope, id);
CREATE INDEX sync_log_kept ON sync_log (scope, author, kind, aggregate) WHERE standing = 'kept';

-- Events that are in no log and wait for a person.
CREATE TABLE sync_aside (
    scope     TEXT NOT NULL,
    id        BLOB NOT NULL,
    kind      TEXT NOT NULL,
    aggregate TEXT NOT NULL,
    author    TEXT NOT NULL,
    why       TEXT NOT NULL,
    text      TEXT NOT NULL,
    PRIMARY KEY (scope, id)
) STRICT;

-- Chunks of a snapshot until all have come.
CREATE TABLE sync_staged (
    scope    TEXT NOT NULL,
    snapshot BLOB NOT NULL,
    n        INTEGER NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (scope, snapshot, n)
) STRICT;
