CREATE TABLE job (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    printer TEXT NOT NULL,
    -- JSON; empty once the job has ended.
    document TEXT NOT NULL,
    -- The run of the machine, and milliseconds since its start.
    valid_boot TEXT,
    valid_until_ms INTEGER,
    state TEXT NOT NULL,
    cause TEXT,
    -- The gateway asked not to begin it.
    cancel INTEGER NOT NULL DEFAULT 0,
    -- The gateway has its final state.
    noted INTEGER NOT NULL DEFAULT 0,
    -- Unix seconds, for deleting alone.
    changed_s INTEGER NOT NULL
) STRICT;
CREATE INDEX job_open ON job (noted, seq);
-- Written to see whether the disk takes something again.
CREATE TABLE probe (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
