-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

ALTER TABLE job ADD COLUMN process_id TEXT NOT NULL DEFAULT '';

ALTER TABLE job ADD COLUMN due_set_at {bigint} NOT NULL DEFAULT 0;

ALTER TABLE process ADD COLUMN life TEXT NOT NULL DEFAULT '';

ALTER TABLE turn ADD COLUMN asked_at {bigint} NOT NULL DEFAULT 0;

ALTER TABLE turn ADD COLUMN taken_at {bigint} NOT NULL DEFAULT 0;

ALTER TABLE turn ADD COLUMN slow_until {bigint} NOT NULL DEFAULT 0;
