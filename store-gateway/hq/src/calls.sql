-- Calls of the stores, from their events. No numbers: those stay in the store.
CREATE TABLE call (
    id          TEXT PRIMARY KEY,
    store       TEXT NOT NULL,
    at          INTEGER NOT NULL,          -- when it ended
    direction   TEXT NOT NULL,             -- in, out
    answered    INTEGER NOT NULL,
    outcome     TEXT NOT NULL,             -- talked, menu, missed, failed
    duration_s  INTEGER NOT NULL,
    reservation TEXT
) STRICT;
CREATE INDEX call_store ON call(store, at);
CREATE INDEX call_reservation ON call(reservation) WHERE reservation IS NOT NULL;
