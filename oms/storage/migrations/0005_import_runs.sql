-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

CREATE TABLE import_run (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL REFERENCES merchant (id),
    name TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES store (id),
    format TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    line_count {bigint} NOT NULL,
    order_count {bigint} NOT NULL,
    created_count {bigint} NOT NULL,
    changed_count {bigint} NOT NULL,
    unchanged_count {bigint} NOT NULL,
    broken_count {bigint} NOT NULL,
    problem TEXT NOT NULL,
    heard_at {bigint} NOT NULL,
    started_at {bigint} NOT NULL,
    finished_at {bigint},
    CHECK (format IN ('JSON_LINES', 'SHOPIFY_CSV')),
    CHECK (state IN ('RUNNING', 'SUCCEEDED', 'INTERRUPTED'))
);

CREATE UNIQUE INDEX import_run_merchant_id_name ON import_run (merchant_id, name);

CREATE INDEX import_run_merchant_id_started_at_id ON import_run (merchant_id, started_at, id);

CREATE TABLE broken_row (
    import_run_id TEXT NOT NULL REFERENCES import_run (id),
    position INTEGER NOT NULL,
    line_number {bigint} NOT NULL,
    external_id TEXT NOT NULL,
    problem TEXT NOT NULL,
    PRIMARY KEY (import_run_id, position)
);

-- Lines of files name their products by SKU.
CREATE INDEX variant_sku ON variant (sku, product_id);
