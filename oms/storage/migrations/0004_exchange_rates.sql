-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

CREATE TABLE exchange_rate (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL REFERENCES merchant (id),
    base TEXT NOT NULL,
    quote TEXT NOT NULL,
    rate TEXT NOT NULL,
    effective_at {bigint} NOT NULL,
    created_at {bigint} NOT NULL
);

CREATE INDEX exchange_rate_merchant_id_id ON exchange_rate (merchant_id, id);

CREATE INDEX exchange_rate_merchant_id_effective_at ON exchange_rate (merchant_id, effective_at);

ALTER TABLE orders ADD COLUMN refunded_minor {bigint} NOT NULL DEFAULT 0;

ALTER TABLE orders ADD COLUMN charged_minor {bigint} NOT NULL DEFAULT 0;

ALTER TABLE package ADD COLUMN first_scan_at {bigint};

ALTER TABLE package ADD COLUMN was_in_trouble {boolean} NOT NULL DEFAULT FALSE;

CREATE TABLE sale (
    order_id TEXT NOT NULL REFERENCES orders (id),
    line_id TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    cost_currency TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    placed_at {bigint} NOT NULL,
    store_id TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT,
    product_id TEXT NOT NULL,
    is_first_of_product {boolean} NOT NULL,
    is_first_of_vendor {boolean} NOT NULL,
    units INTEGER NOT NULL,
    sales_minor {bigint} NOT NULL,
    product_minor {bigint} NOT NULL,
    shipping_minor {bigint} NOT NULL,
    service_fee_minor {bigint} NOT NULL,
    tax_minor {bigint} NOT NULL,
    adjustment_minor {bigint} NOT NULL,
    PRIMARY KEY (order_id, line_id, vendor_id, cost_currency)
);

CREATE INDEX sale_merchant_id_placed_at ON sale (merchant_id, placed_at);

-- These hold all that reports read, so that no row of the wide tables is looked at; also what all of
-- their rows share, without which SQLite looks at the row.
CREATE INDEX orders_reported ON orders (merchant_id, placed_at, store_id, country, currency, status,
    charged_minor, refunded_minor, id, admission) WHERE admission = 'ADMITTED';

CREATE INDEX package_delivered ON package (order_id, vendor_id, handed_over_at, delivered_at, id,
    state) WHERE state = 'DELIVERED';

CREATE INDEX allocation_scored ON allocation (merchant_id, created_at, vendor_id, state,
    accepted_at, id);

CREATE INDEX package_scored ON package (allocation_id, created_at, first_scan_at, handed_over_at,
    delivered_at, was_in_trouble, state);

UPDATE package SET
    first_scan_at = (SELECT MIN(e.occurred_at) FROM tracking_event e WHERE e.package_id = package.id
        AND e.source NOT IN ('vendor', 'system') AND e.state IN ('HANDED_OVER', 'IN_TRANSIT',
        'OUT_FOR_DELIVERY', 'PICKUP_READY', 'DELIVERED', 'RETURNING', 'RETURNED')),
    was_in_trouble = EXISTS (SELECT 1 FROM tracking_event e WHERE e.package_id = package.id
        AND e.state IN ('EXCEPTION', 'RETURNING', 'RETURNED', 'EXPIRED'));
