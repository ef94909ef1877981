-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

ALTER TABLE store ADD COLUMN write_back_mode TEXT NOT NULL DEFAULT 'SEPARATE';

ALTER TABLE store ADD COLUMN write_back_since_at {bigint} NOT NULL DEFAULT 0;

ALTER TABLE store ADD COLUMN write_back_method TEXT NOT NULL DEFAULT '';

ALTER TABLE store ADD COLUMN write_back_method_at {bigint} NOT NULL DEFAULT 0;

ALTER TABLE orders ADD COLUMN completion_sent_at {bigint};

CREATE TABLE write_back (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id),
    store_id TEXT NOT NULL REFERENCES store (id),
    package_id TEXT NOT NULL REFERENCES package (id),
    tracking_number TEXT NOT NULL,
    state TEXT NOT NULL,
    method TEXT NOT NULL,
    failure_count INTEGER NOT NULL,
    problem_reason TEXT NOT NULL,
    problem_message TEXT NOT NULL,
    external_id TEXT NOT NULL,
    is_outdated {boolean} NOT NULL,
    next_attempt_at {bigint},
    created_at {bigint} NOT NULL,
    finished_at {bigint},
    CHECK (state IN ('PENDING', 'SENT', 'CONFIRMED', 'FAILED', 'SUPERSEDED'))
);

CREATE UNIQUE INDEX write_back_package_id ON write_back (package_id);

CREATE INDEX write_back_order_id_id ON write_back (order_id, id);

CREATE INDEX write_back_merchant_id_id ON write_back (merchant_id, id);

CREATE INDEX write_back_merchant_id_state_id ON write_back (merchant_id, state, id);
