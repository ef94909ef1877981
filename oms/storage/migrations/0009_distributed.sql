-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

ALTER TABLE job ADD COLUMN lane TEXT NOT NULL DEFAULT 'INSIDE';

UPDATE job SET lane = 'OUTSIDE' WHERE kind IN ('sync_store', 'poll_tracking');

DROP INDEX job_due;

CREATE INDEX job_due ON job (lane, due_at) WHERE state = 'PENDING';

CREATE TABLE turn (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT,
    held_until {bigint} NOT NULL,
    not_before {bigint} NOT NULL,
    next_call_at {bigint} NOT NULL
);

CREATE INDEX turn_holder ON turn (holder) WHERE holder IS NOT NULL;

CREATE TABLE process (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    problem TEXT NOT NULL,
    started_at {bigint} NOT NULL,
    seen_at {bigint} NOT NULL
);
