-- The types in braces differ between SQLite and PostgreSQL and are filled in by storage/dialects.py.

CREATE TABLE merchant (
    id TEXT NOT NULL PRIMARY KEY,
    display_name TEXT NOT NULL,
    created_at {bigint} NOT NULL
);

CREATE TABLE vendor (
    id TEXT NOT NULL PRIMARY KEY,
    display_name TEXT NOT NULL,
    created_at {bigint} NOT NULL
);

CREATE TABLE partnership (
    merchant_id TEXT NOT NULL REFERENCES merchant (id),
    vendor_id TEXT NOT NULL REFERENCES vendor (id),
    state TEXT NOT NULL,
    acceptance_required {boolean} NOT NULL,
    acceptance_hours INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at {bigint} NOT NULL,
    PRIMARY KEY (merchant_id, vendor_id),
    CHECK (state IN ('INVITED', 'ACTIVE', 'SUSPENDED'))
);

CREATE INDEX partnership_vendor_id_merchant_id ON partnership (vendor_id, merchant_id);

CREATE TABLE token (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    principal_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_at {bigint} NOT NULL,
    expire_at {bigint},
    revoked_at {bigint},
    CHECK (role IN ('OPERATOR', 'MERCHANT', 'VENDOR'))
);

CREATE UNIQUE INDEX token_secret_hash ON token (secret_hash);

CREATE INDEX token_principal_id_id ON token (principal_id, id);

CREATE TABLE store (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL REFERENCES merchant (id),
    display_name TEXT NOT NULL,
    platform TEXT NOT NULL,
    base_url TEXT NOT NULL,
    state TEXT NOT NULL,
    processing TEXT NOT NULL,
    sync_interval_seconds INTEGER NOT NULL,
    synced_until_at {bigint},
    products_synced_until_at {bigint},
    version INTEGER NOT NULL,
    created_at {bigint} NOT NULL
);

CREATE UNIQUE INDEX store_merchant_id_platform_base_url ON store (merchant_id, platform,
    base_url);

CREATE TABLE store_credential (
    store_id TEXT NOT NULL PRIMARY KEY REFERENCES store (id),
    body TEXT NOT NULL
);

CREATE TABLE sync_run (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES store (id),
    state TEXT NOT NULL,
    product_count INTEGER NOT NULL,
    order_count INTEGER NOT NULL,
    order_count_expected INTEGER NOT NULL,
    created_count INTEGER NOT NULL,
    changed_count INTEGER NOT NULL,
    unchanged_count INTEGER NOT NULL,
    quarantined_count INTEGER NOT NULL,
    problem_reason TEXT NOT NULL,
    problem_message TEXT NOT NULL,
    problem_at {bigint},
    failure_count INTEGER NOT NULL,
    next_attempt_at {bigint},
    created_at {bigint} NOT NULL,
    started_at {bigint},
    finished_at {bigint}
);

CREATE INDEX sync_run_store_id_id ON sync_run (store_id, id);

CREATE TABLE product (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES store (id),
    external_id TEXT NOT NULL,
    title TEXT NOT NULL,
    sku TEXT NOT NULL,
    search_text TEXT NOT NULL,
    updated_at {bigint} NOT NULL
);

CREATE UNIQUE INDEX product_store_id_external_id ON product (store_id, external_id);

CREATE INDEX product_merchant_id_title_id ON product (merchant_id, title, id);

CREATE TABLE variant (
    id TEXT NOT NULL PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES product (id),
    external_id TEXT NOT NULL,
    title TEXT NOT NULL,
    sku TEXT NOT NULL,
    price_minor {bigint},
    currency TEXT NOT NULL,
    needs_shipping {boolean} NOT NULL
);

CREATE UNIQUE INDEX variant_product_id_external_id ON variant (product_id, external_id);

CREATE TABLE hosting (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    product_id TEXT NOT NULL REFERENCES product (id),
    variant_id TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    countries TEXT NOT NULL,
    priority INTEGER NOT NULL,
    vendor_sku TEXT NOT NULL,
    purchase_url TEXT NOT NULL,
    unit_cost_minor {bigint},
    shipping_cost_minor {bigint},
    currency TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at {bigint} NOT NULL
);

CREATE INDEX hosting_product_id ON hosting (product_id);

CREATE INDEX hosting_merchant_id_id ON hosting (merchant_id, id);

CREATE TABLE orders (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES store (id),
    external_id TEXT NOT NULL,
    number TEXT NOT NULL,
    store_status TEXT NOT NULL,
    admission TEXT NOT NULL,
    status TEXT,
    has_open_units {boolean} NOT NULL,
    currency TEXT NOT NULL,
    total_minor {bigint} NOT NULL,
    customer_name TEXT NOT NULL,
    country TEXT NOT NULL,
    placed_at {bigint} NOT NULL,
    store_updated_at {bigint} NOT NULL,
    content_hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at {bigint} NOT NULL,
    CHECK (admission IN ('ADMITTED', 'UNPAID', 'CANCELLED', 'FULFILLED_ELSEWHERE',
        'NOTHING_TO_SHIP')),
    CHECK (status IN ('PENDING', 'PROCESSING', 'IN_TRANSIT', 'EXCEPTION', 'DELIVERED'))
);

CREATE UNIQUE INDEX orders_store_id_external_id ON orders (store_id, external_id);

-- One index for the pages of each tag; the store comes last, to be looked at without the row.
CREATE INDEX orders_admitted ON orders (merchant_id, placed_at, id, store_id) WHERE admission =
    'ADMITTED';

CREATE INDEX orders_not_admitted ON orders (merchant_id, placed_at, id, store_id) WHERE
    admission <> 'ADMITTED';

CREATE INDEX orders_ended ON orders (merchant_id, placed_at, id, store_id) WHERE admission =
    'ADMITTED' AND status IS NULL;

CREATE INDEX orders_of_status ON orders (merchant_id, status, placed_at, id, store_id) WHERE
    status IS NOT NULL;

CREATE INDEX orders_with_open_units ON orders (merchant_id, placed_at, id, store_id) WHERE
    has_open_units;

-- Holds all that is counted, in the order of its groups.
CREATE INDEX orders_counted ON orders (merchant_id, store_id, admission, status,
    has_open_units);

CREATE TABLE order_detail (
    order_id TEXT NOT NULL PRIMARY KEY REFERENCES orders (id),
    customer_email TEXT NOT NULL,
    note TEXT NOT NULL,
    address TEXT NOT NULL,
    document {bytes} NOT NULL
);

CREATE TABLE order_line (
    id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (id),
    external_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    product_id TEXT NOT NULL,
    variant_id TEXT NOT NULL,
    title TEXT NOT NULL,
    sku TEXT NOT NULL,
    price_minor {bigint} NOT NULL,
    needs_shipping {boolean} NOT NULL,
    ordered INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    elsewhere INTEGER NOT NULL,
    excluded INTEGER NOT NULL,
    allocated INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    handed_over INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    open_units INTEGER NOT NULL,
    over_allocated {boolean} NOT NULL,
    pending_reason TEXT NOT NULL,
    CHECK (ordered >= 0 AND removed >= 0 AND elsewhere >= 0 AND excluded >= 0 AND allocated >=
        0 AND packed >= 0 AND settled >= 0 AND delivered >= 0),
    CHECK (removed + elsewhere <= ordered),
    CHECK (handed_over <= packed AND delivered + settled <= handed_over),
    CHECK (excluded + allocated + packed <= ordered - removed - elsewhere OR over_allocated),
    CHECK (open_units = CASE WHEN over_allocated THEN 0 ELSE ordered - removed - elsewhere -
        excluded - allocated - packed END)
);

CREATE UNIQUE INDEX order_line_order_id_external_id ON order_line (order_id, external_id);

CREATE INDEX order_line_waiting ON order_line (product_id, order_id, pending_reason,
    open_units) WHERE open_units > 0;

CREATE TABLE quarantined_order (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES store (id),
    external_id TEXT NOT NULL,
    problem TEXT NOT NULL,
    document {bytes} NOT NULL,
    created_at {bigint} NOT NULL,
    updated_at {bigint} NOT NULL
);

CREATE UNIQUE INDEX quarantined_order_store_id_external_id ON quarantined_order (store_id,
    external_id);

CREATE INDEX quarantined_order_merchant_id_id ON quarantined_order (merchant_id, id);

CREATE TABLE allocation (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id),
    vendor_id TEXT NOT NULL,
    state TEXT NOT NULL,
    reject_reason TEXT NOT NULL,
    note TEXT NOT NULL,
    accept_deadline_at {bigint},
    accepted_at {bigint},
    closed_at {bigint},
    version INTEGER NOT NULL,
    created_at {bigint} NOT NULL,
    CHECK (state IN ('SUBMITTED', 'ACCEPTED', 'CANCELLATION_REQUESTED', 'CLOSED', 'REJECTED',
        'EXPIRED', 'CANCELLED'))
);

CREATE INDEX allocation_order_id_vendor_id ON allocation (order_id, vendor_id);

CREATE INDEX allocation_vendor_id_id_merchant_id ON allocation (vendor_id, id, merchant_id);

CREATE INDEX allocation_vendor_id_state_id ON allocation (vendor_id, state, id);

CREATE INDEX allocation_awaiting_answer ON allocation (accept_deadline_at) WHERE state =
    'SUBMITTED' AND accept_deadline_at IS NOT NULL;

CREATE TABLE allocation_line (
    allocation_id TEXT NOT NULL REFERENCES allocation (id),
    line_id TEXT NOT NULL REFERENCES order_line (id),
    quantity INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    returned INTEGER NOT NULL,
    hosting_id TEXT NOT NULL,
    vendor_sku TEXT NOT NULL,
    purchase_url TEXT NOT NULL,
    unit_cost_minor {bigint},
    shipping_cost_minor {bigint},
    currency TEXT NOT NULL,
    PRIMARY KEY (allocation_id, line_id),
    CHECK (quantity > 0 AND packed >= 0 AND returned >= 0),
    CHECK (packed + returned <= quantity)
);

CREATE INDEX allocation_line_line_id ON allocation_line (line_id);

CREATE TABLE package (
    id TEXT NOT NULL PRIMARY KEY,
    allocation_id TEXT NOT NULL REFERENCES allocation (id),
    order_id TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    carrier_code TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    live_number TEXT,
    state TEXT NOT NULL,
    exception_reason TEXT NOT NULL,
    raw_status TEXT NOT NULL,
    handed_over_at {bigint},
    delivered_at {bigint},
    last_event_at {bigint},
    next_poll_at {bigint},
    quiet_polls INTEGER NOT NULL,
    is_registered {boolean} NOT NULL,
    tracking_problem TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at {bigint} NOT NULL,
    CHECK (state IN ('ANNOUNCED', 'HANDED_OVER', 'IN_TRANSIT', 'OUT_FOR_DELIVERY',
        'PICKUP_READY', 'DELIVERED', 'EXCEPTION', 'RETURNING', 'RETURNED', 'EXPIRED',
        'VOIDED'))
);

CREATE INDEX package_allocation_id ON package (allocation_id);

CREATE INDEX package_order_id ON package (order_id);

CREATE UNIQUE INDEX package_vendor_id_live_number ON package (vendor_id, live_number);

CREATE INDEX package_to_poll ON package (next_poll_at) WHERE next_poll_at IS NOT NULL;

CREATE TABLE package_line (
    package_id TEXT NOT NULL REFERENCES package (id),
    line_id TEXT NOT NULL REFERENCES order_line (id),
    quantity INTEGER NOT NULL,
    PRIMARY KEY (package_id, line_id),
    CHECK (quantity > 0)
);

CREATE TABLE tracking_event (
    package_id TEXT NOT NULL REFERENCES package (id),
    digest TEXT NOT NULL,
    occurred_at {bigint} NOT NULL,
    state TEXT NOT NULL,
    exception_reason TEXT NOT NULL,
    raw_status TEXT NOT NULL,
    description TEXT NOT NULL,
    location TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at {bigint} NOT NULL,
    PRIMARY KEY (package_id, digest)
);

CREATE TABLE cost_entry (
    id TEXT NOT NULL PRIMARY KEY,
    allocation_id TEXT NOT NULL REFERENCES allocation (id),
    order_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    amount_minor {bigint} NOT NULL,
    currency TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at {bigint} NOT NULL
);

CREATE INDEX cost_entry_order_id ON cost_entry (order_id);

CREATE INDEX cost_entry_allocation_id ON cost_entry (allocation_id);

CREATE TABLE event (
    sequence {serial} NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at {bigint} NOT NULL
);

CREATE INDEX event_order_id_sequence ON event (order_id, sequence);

CREATE TABLE request (
    principal TEXT NOT NULL,
    method TEXT NOT NULL,
    request_id TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    answer {bytes} NOT NULL,
    created_at {bigint} NOT NULL,
    PRIMARY KEY (principal, method, request_id)
);

CREATE INDEX request_created_at ON request (created_at);

CREATE TABLE job (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    dedupe_key TEXT,
    generation INTEGER NOT NULL,
    args TEXT NOT NULL,
    cursor TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at {bigint} NOT NULL,
    lease_token TEXT,
    lease_until {bigint} NOT NULL,
    lease_generation INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    created_at {bigint} NOT NULL,
    finished_at {bigint},
    CHECK (state IN ('PENDING', 'DONE', 'QUARANTINED', 'DISCARDED'))
);

CREATE INDEX job_state_id ON job (state, id);

CREATE INDEX job_due ON job (state, due_at) WHERE state = 'PENDING';

CREATE UNIQUE INDEX job_dedupe ON job (dedupe_key) WHERE state = 'PENDING';

CREATE TABLE schedule (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    args TEXT NOT NULL,
    every_ms {bigint} NOT NULL,
    next_at {bigint} NOT NULL
);

CREATE INDEX schedule_next_at ON schedule (next_at);
