-- After-sales: cases with what was claimed, proposed and said, what came of it, and policies.

ALTER TABLE allocation ADD COLUMN case_id TEXT NOT NULL DEFAULT '';

CREATE INDEX allocation_case_id ON allocation (case_id) WHERE case_id <> '';

CREATE TABLE after_sales_policy (
    merchant_id TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    body TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at {bigint} NOT NULL,
    PRIMARY KEY (merchant_id, vendor_id)
);

CREATE TABLE after_sales_case (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    order_id TEXT NOT NULL REFERENCES orders (id),
    vendor_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    state TEXT NOT NULL,
    description TEXT NOT NULL,
    policy TEXT NOT NULL,
    deadline_at {bigint},
    missed_at {bigint},
    reject_reason TEXT NOT NULL,
    photo_count INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at {bigint} NOT NULL,
    submitted_at {bigint},
    updated_at {bigint} NOT NULL,
    closed_at {bigint},
    CHECK (state IN ('DRAFT', 'SUBMITTED', 'INFO_REQUESTED', 'OFFERED', 'COUNTERED', 'REJECTED',
        'ESCALATED', 'ACCEPTED', 'RESOLVED', 'DISMISSED', 'WITHDRAWN', 'EXPIRED')),
    CHECK (photo_count >= 0)
);

CREATE INDEX after_sales_case_order_id ON after_sales_case (order_id);

CREATE INDEX after_sales_case_group_id ON after_sales_case (group_id);

CREATE INDEX after_sales_case_merchant_id_id ON after_sales_case (merchant_id, id);

CREATE INDEX after_sales_case_merchant_id_state_id ON after_sales_case (merchant_id, state, id);

CREATE INDEX after_sales_case_vendor_id_id ON after_sales_case (vendor_id, id);

CREATE INDEX after_sales_case_vendor_id_state_id ON after_sales_case (vendor_id, state, id);

CREATE INDEX after_sales_case_state_id ON after_sales_case (state, id);

CREATE INDEX after_sales_case_awaited ON after_sales_case (deadline_at) WHERE deadline_at IS NOT
    NULL;

CREATE TABLE case_item (
    case_id TEXT NOT NULL REFERENCES after_sales_case (id),
    number INTEGER NOT NULL,
    line_id TEXT NOT NULL REFERENCES order_line (id),
    package_id TEXT NOT NULL REFERENCES package (id),
    paid_line_id TEXT NOT NULL REFERENCES order_line (id),
    paid_allocation_id TEXT NOT NULL REFERENCES allocation (id),
    quantity INTEGER NOT NULL,
    type TEXT NOT NULL,
    agreed_mode TEXT NOT NULL,
    is_done {boolean} NOT NULL,
    is_settled {boolean} NOT NULL,
    PRIMARY KEY (case_id, number),
    CHECK (quantity > 0)
);

CREATE INDEX case_item_paid_allocation_id ON case_item (paid_allocation_id);

-- What the recount looks up for every line of every parcel.
CREATE INDEX case_item_settled ON case_item (package_id, line_id, quantity) WHERE is_settled;

CREATE TABLE case_refund (
    case_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    currency TEXT NOT NULL,
    amount_minor {bigint} NOT NULL,
    PRIMARY KEY (case_id, number, currency),
    CHECK (amount_minor > 0)
);

CREATE TABLE case_resend (
    line_id TEXT NOT NULL PRIMARY KEY REFERENCES order_line (id),
    case_id TEXT NOT NULL,
    number INTEGER NOT NULL
);

CREATE INDEX case_resend_case_id_number ON case_resend (case_id, number);

CREATE TABLE case_proposal (
    case_id TEXT NOT NULL REFERENCES after_sales_case (id),
    number INTEGER NOT NULL,
    role TEXT NOT NULL,
    created_at {bigint} NOT NULL,
    PRIMARY KEY (case_id, number)
);

CREATE TABLE case_term (
    case_id TEXT NOT NULL REFERENCES after_sales_case (id),
    number INTEGER NOT NULL,
    item INTEGER NOT NULL,
    mode TEXT NOT NULL,
    amount_minor {bigint},
    currency TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (case_id, number, item)
);

CREATE TABLE case_message (
    case_id TEXT NOT NULL REFERENCES after_sales_case (id),
    number INTEGER NOT NULL,
    author TEXT NOT NULL,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at {bigint} NOT NULL,
    PRIMARY KEY (case_id, number)
);
