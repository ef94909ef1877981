-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

ALTER TABLE orders ADD COLUMN cancelled_at {bigint};

ALTER TABLE orders ADD COLUMN is_held {boolean} NOT NULL DEFAULT FALSE;

ALTER TABLE allocation ADD COLUMN cancellation_deadline_at {bigint};

ALTER TABLE allocation ADD COLUMN address_changed_at {bigint};

ALTER TABLE allocation_line ADD COLUMN asked_back INTEGER NOT NULL DEFAULT 0;

ALTER TABLE allocation_line ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;

ALTER TABLE order_line ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0;

ALTER TABLE order_line ADD COLUMN is_fulfilled {boolean} NOT NULL DEFAULT FALSE;

UPDATE order_line SET wanted = ordered - removed, is_fulfilled = elsewhere > 0;

CREATE INDEX allocation_asked_back ON allocation (cancellation_deadline_at) WHERE
    cancellation_deadline_at IS NOT NULL;

CREATE TABLE hold (
    id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (id),
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    note TEXT NOT NULL,
    expire_at {bigint},
    created_at {bigint} NOT NULL
);

CREATE UNIQUE INDEX hold_order_id_reason_owner ON hold (order_id, reason, owner);

CREATE INDEX hold_expiring ON hold (expire_at) WHERE expire_at IS NOT NULL;

CREATE TABLE order_word (
    merchant_id TEXT NOT NULL,
    word {bytewise_text} NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id),
    PRIMARY KEY (merchant_id, word, order_id)
);

CREATE INDEX order_word_order_id_word ON order_word (order_id, word);

CREATE INDEX orders_held ON orders (merchant_id, placed_at, id, store_id) WHERE is_held;

CREATE INDEX orders_by_total ON orders (merchant_id, total_minor, id) WHERE admission =
    'ADMITTED';

CREATE INDEX orders_of_country ON orders (merchant_id, country, placed_at, id);

CREATE INDEX order_line_over_allocated ON order_line (order_id) WHERE over_allocated;
