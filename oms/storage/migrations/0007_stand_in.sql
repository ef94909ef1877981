CREATE TABLE after_sales_case (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    state TEXT NOT NULL,
    photo_count INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    submitted_at {bigint},
    updated_at {bigint} NOT NULL DEFAULT 0
);
