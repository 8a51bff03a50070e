-- Tills: machines at the counter with scanners and printers.
CREATE TABLE till (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    -- SHA-256 of its certificate, hexadecimal.
    certificate TEXT NOT NULL UNIQUE,
    -- The cookie of the browser that shows its scans; NULL while no screen is paired.
    counter     TEXT UNIQUE,
    enrolled_by TEXT NOT NULL,
    enrolled_ms INTEGER NOT NULL,
    seen_ms     INTEGER,
    version     TEXT NOT NULL DEFAULT '',
    -- What it said of its printers last, JSON: jobs are queued for a till that is off, too.
    printers    TEXT NOT NULL DEFAULT '[]'
) STRICT;

-- Print jobs. One that began is never begun again; a re-print is another row.
CREATE TABLE print_job (
    id          TEXT PRIMARY KEY,
    till        INTEGER NOT NULL,
    printer     TEXT NOT NULL,
    -- bag_label, shelf_label, pick_slip, collection_slip, door_qr, test, drawer
    kind        TEXT NOT NULL,
    reservation TEXT,
    document    TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    asked_ms    INTEGER NOT NULL,
    -- It may begin until then; NULL: whenever the printer can.
    until_ms    INTEGER,
    -- waiting, taken, held, begun; printed, sent, unknown, expired, cancelled, refused
    state       TEXT NOT NULL,
    why         TEXT NOT NULL DEFAULT '',
    changed_ms  INTEGER NOT NULL,
    -- The job of which this is the re-print.
    again_of    TEXT,
    cancel      INTEGER NOT NULL DEFAULT 0,
    -- What a person said of an unknown one: out, lost. NULL while it waits for somebody.
    settled     TEXT,
    settled_by  TEXT
) STRICT;
CREATE INDEX print_job_open ON print_job (till, asked_ms, id) WHERE state IN ('waiting', 'taken', 'held', 'begun');
CREATE INDEX print_job_asked ON print_job (asked_ms, id);
CREATE INDEX print_job_unknown ON print_job (asked_ms) WHERE state = 'unknown' AND settled IS NULL;
CREATE INDEX print_job_reservation ON print_job (reservation, asked_ms) WHERE reservation IS NOT NULL;
