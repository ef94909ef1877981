-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

ALTER TABLE package ADD COLUMN stalls_at {bigint};

ALTER TABLE orders ADD COLUMN stalls_at {bigint};

-- The next news of a parcel recomputes it from all its events.
UPDATE package SET stalls_at = CASE
    WHEN state = 'ANNOUNCED' THEN created_at + 5 * CAST(86400000 AS {bigint})
    WHEN state IN ('HANDED_OVER', 'IN_TRANSIT') OR exception_reason = 'CUSTOMS'
        THEN COALESCE(last_event_at, created_at) + 10 * CAST(86400000 AS {bigint})
    WHEN state = 'OUT_FOR_DELIVERY'
        THEN COALESCE(last_event_at, created_at) + 3 * CAST(86400000 AS {bigint})
    WHEN state = 'PICKUP_READY'
        THEN COALESCE(last_event_at, created_at) + 5 * CAST(86400000 AS {bigint})
    END;

UPDATE orders SET stalls_at = (SELECT MIN(p.stalls_at) FROM package p WHERE p.order_id = orders.id)
    WHERE id IN (SELECT p.order_id FROM package p WHERE p.stalls_at IS NOT NULL);

CREATE INDEX orders_stalling ON orders (merchant_id, placed_at, id, stalls_at) WHERE stalls_at IS
    NOT NULL;

CREATE INDEX orders_of_status_by_total ON orders (merchant_id, status, total_minor, id) WHERE status
    IS NOT NULL;

CREATE INDEX orders_with_open_units_by_total ON orders (merchant_id, total_minor, id) WHERE
    has_open_units;

-- A vendor's orders, without a look at the rows.
CREATE INDEX allocation_vendor_id_merchant_id_order_id ON allocation (vendor_id, merchant_id,
    order_id);

-- Written anew from the orders.
DROP TABLE order_word;

CREATE TABLE order_word (
    merchant_id TEXT NOT NULL,
    word {bytewise_text} NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id),
    sketch {bigint} NOT NULL,
    PRIMARY KEY (merchant_id, word, order_id, sketch)
);
