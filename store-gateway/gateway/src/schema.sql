-- The gateway's own tables, first release. What is derived from the logs can be built again from them.

-- Small facts about this database: clean shutdown, last saved time, restores.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- The only place of personal data beside the placed and changed events themselves.
CREATE TABLE person (
    person_ref TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    search_key TEXT NOT NULL,
    initials   TEXT NOT NULL,
    phone      TEXT NOT NULL,
    last3      TEXT NOT NULL,
    language   TEXT NOT NULL,
    channel    TEXT NOT NULL,
    email      TEXT
) STRICT;
CREATE INDEX person_phone ON person (phone);
CREATE INDEX person_last3 ON person (last3);

-- One row a reservation, derived from its two logs whenever one of them grows.
CREATE TABLE reservation (
    id            TEXT PRIMARY KEY,
    number        TEXT NOT NULL UNIQUE,
    person_ref    TEXT,
    kind          TEXT NOT NULL,
    goods         TEXT NOT NULL,
    money         TEXT NOT NULL,
    presence      TEXT NOT NULL,
    wish          TEXT NOT NULL,
    currency      TEXT NOT NULL,
    total         INTEGER NOT NULL,
    due           INTEGER NOT NULL,
    pieces        INTEGER NOT NULL,
    shelves       TEXT NOT NULL,
    round         INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    alerts        INTEGER NOT NULL,
    placed_ms     INTEGER NOT NULL,
    promised_ms   INTEGER,
    hold_until_ms INTEGER,
    arrived_ms    INTEGER,
    arrived_via   TEXT,
    attended_by   TEXT,
    handed_over_ms INTEGER,
    -- After a restore: 1 until this order's own bag was scanned.
    unverified    INTEGER NOT NULL DEFAULT 0,
    -- After a restore: 1 for good; its messages may have gone out already.
    unsure        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX reservation_goods ON reservation (goods, placed_ms);
CREATE INDEX reservation_presence ON reservation (presence) WHERE presence IN ('arrived', 'attended');
CREATE INDEX reservation_person ON reservation (person_ref);
CREATE INDEX reservation_hold ON reservation (hold_until_ms) WHERE goods IN ('ready', 'partial');

-- Pickup codes: sealed for reminders, indexed for look-up; gone when the order is closed.
CREATE TABLE code (
    reservation TEXT PRIMARY KEY,
    sealed      BLOB NOT NULL,
    lookup      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX code_lookup ON code (lookup);

-- Messages to customers: the queue, the journal of submissions, and the history in one.
CREATE TABLE message (
    id          TEXT PRIMARY KEY,
    reservation TEXT,
    person_ref  TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    round       INTEGER NOT NULL,
    template    TEXT NOT NULL,
    language    TEXT NOT NULL,
    -- With {code} unfilled.
    text        TEXT NOT NULL,
    fold        INTEGER NOT NULL,
    parts       INTEGER NOT NULL,
    -- Concatenation reference: the same in every part and every try.
    concat      INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL,
    cause       TEXT,
    -- Times that its outcome became unknown; from 2 on only a person sends it again.
    attempts    INTEGER NOT NULL DEFAULT 0,
    priority    INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL,
    valid_until_ms INTEGER NOT NULL,
    -- No try before.
    due_ms      INTEGER NOT NULL,
    -- When the state last changed.
    changed_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX message_queue ON message (state, priority, due_ms, created_ms);
CREATE UNIQUE INDEX message_round ON message (reservation, purpose, round)
    WHERE purpose IN ('ready', 'reminder_24', 'reminder_4', 'extended', 'closed');
CREATE INDEX message_person ON message (person_ref, created_ms);
CREATE INDEX message_reservation ON message (reservation, purpose, round);
CREATE INDEX message_created ON message (created_ms, id);

-- One row for each time that a part was given to the modem, written before ^Z.
CREATE TABLE submission (
    token       INTEGER PRIMARY KEY AUTOINCREMENT,
    message     TEXT NOT NULL,
    part        INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    recipient   TEXT NOT NULL,
    -- What the modem was expected to call it; NULL when its counter could not be read.
    expected    INTEGER,
    -- What the modem called it.
    reference   INTEGER,
    -- submitting, sent, delivered, failed, unknown, not_sent
    state       TEXT NOT NULL,
    cause       TEXT,
    at_ms       INTEGER NOT NULL,
    settled_ms  INTEGER
) STRICT;
CREATE INDEX submission_message ON submission (message, part);
CREATE INDEX submission_reference ON submission (reference, at_ms);
CREATE INDEX submission_open ON submission (state) WHERE state IN ('submitting', 'unknown');

-- Texts from customers, whole.
CREATE TABLE received (
    id          TEXT PRIMARY KEY,
    person_ref  TEXT,
    -- The number, or the name that the network gave; empty once the person is erased.
    sender      TEXT NOT NULL DEFAULT '',
    reservation TEXT,
    text        TEXT NOT NULL,
    meaning     TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    -- Who dealt with it; NULL while it waits for a person.
    done_by     TEXT,
    done_ms     INTEGER
) STRICT;
CREATE INDEX received_person ON received (person_ref, at_ms);
CREATE INDEX received_open ON received (at_ms) WHERE done_by IS NULL;

-- Every PDU that the modem announced, so that one announced twice counts once.
CREATE TABLE inbound_seen (
    dedup TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX inbound_seen_age ON inbound_seen (at_ms);

-- Parts of long texts until all have come.
CREATE TABLE inbound_part (
    sender    TEXT NOT NULL,
    reference INTEGER NOT NULL,
    total     INTEGER NOT NULL,
    part      INTEGER NOT NULL,
    encoding  TEXT NOT NULL,
    payload   BLOB NOT NULL,
    at_ms     INTEGER NOT NULL,
    PRIMARY KEY (sender, reference, total, part)
) STRICT;

-- PDUs that could not be read: kept for support, bounded.
CREATE TABLE inbound_undecodable (
    id    INTEGER PRIMARY KEY,
    hex   TEXT NOT NULL,
    why   TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- Reports that match no submission yet: they may overtake the answer to a submission.
CREATE TABLE report_early (
    id        INTEGER PRIMARY KEY,
    reference INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    status    INTEGER NOT NULL,
    -- When the service centre took the message.
    taken_ms  INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL
) STRICT;

CREATE TABLE staff (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    pin        TEXT NOT NULL,
    active     INTEGER NOT NULL DEFAULT 1,
    created_ms INTEGER NOT NULL
) STRICT;

-- Who did what; references only, never names or numbers of customers.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    who    TEXT NOT NULL,
    device TEXT NOT NULL,
    action TEXT NOT NULL,
    about  TEXT NOT NULL
) STRICT;

-- Answers already given, by Idempotency-Key.
CREATE TABLE idempotency (
    key    TEXT PRIMARY KEY,
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    body   TEXT NOT NULL,
    at_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_age ON idempotency (at_ms);

-- HQ's bundles: the one in force, the one on trial, and why one was taken back.
CREATE TABLE bundle (
    slot    TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    text    TEXT NOT NULL,
    at_ms   INTEGER NOT NULL
) STRICT;

-- What a person must know, until somebody says that it is dealt with.
CREATE TABLE alert (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    about      TEXT NOT NULL,
    text       TEXT NOT NULL,
    raised_ms  INTEGER NOT NULL,
    cleared_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX alert_standing ON alert (kind, about) WHERE cleared_ms IS NULL;
