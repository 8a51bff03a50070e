-- Calls that ended, with what happened in them.
CREATE TABLE call (
    id          TEXT PRIMARY KEY,
    -- in, out, inside
    direction   TEXT NOT NULL,
    -- phone, trunk, sim
    line        TEXT NOT NULL,
    -- The store's phone that called.
    extension   TEXT,
    -- The number outside; empty when it was withheld, and once the person is erased.
    number      TEXT NOT NULL DEFAULT '',
    person_ref  TEXT,
    reservation TEXT,
    began_ms    INTEGER NOT NULL,
    ended_ms    INTEGER NOT NULL,
    -- talked, menu, missed, failed
    outcome     TEXT NOT NULL,
    why         TEXT NOT NULL,
    answered_by TEXT,
    rang_ms     INTEGER NOT NULL,
    talked_ms   INTEGER NOT NULL,
    -- Orders whose status was read out.
    told        INTEGER NOT NULL,
    -- Who dealt with a missed call; NULL while it waits for a person.
    done_by     TEXT,
    done_ms     INTEGER
) STRICT;
CREATE INDEX call_began ON call (began_ms, id);
CREATE INDEX call_person ON call (person_ref, began_ms);
CREATE INDEX call_number ON call (number, began_ms) WHERE number <> '';
CREATE INDEX call_missed ON call (began_ms) WHERE outcome = 'missed' AND direction = 'in' AND done_by IS NULL;

-- What happened in a call, in order.
CREATE TABLE call_entry (
    call   TEXT NOT NULL,
    n      INTEGER NOT NULL,
    at_ms  INTEGER NOT NULL,
    what   TEXT NOT NULL,
    leg    TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (call, n)
) STRICT, WITHOUT ROWID;
