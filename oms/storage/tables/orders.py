"""Orders, their lines and history, and what could not be taken."""

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    Check,
    CompositeKey,
    IntegerField,
    TextField,
)

from oms.domain.admission import Admission
from oms.domain.ledger import ShippingStatus
from oms.storage.tables.columns import BytewiseTextField, Table, one_of, refers_to


class OrderRow(Table):
    """An order with what lists show of it."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    store_id = refers_to("store")
    external_id = TextField()
    number = TextField()
    store_status = TextField()
    admission = TextField()
    status = TextField(null=True)
    has_open_units = BooleanField()
    currency = TextField()
    total_minor = BigIntegerField()
    customer_name = TextField()
    country = TextField()
    placed_at = BigIntegerField()
    store_updated_at = BigIntegerField()
    content_hash = TextField()
    version = IntegerField()
    created_at = BigIntegerField()
    cancelled_at = BigIntegerField(null=True)
    is_held = BooleanField(constraints=[SQL("DEFAULT FALSE")])
    stalls_at = BigIntegerField(null=True)
    completion_sent_at = BigIntegerField(null=True)  # When we set out to complete it in the store.
    refunded_minor = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    charged_minor = BigIntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "orders"
        indexes = ((("store_id", "external_id"), True),)
        constraints = (one_of("admission", Admission), one_of("status", ShippingStatus))


# One index for the pages of each tag; the store comes last, to be looked at without the row.
for _name, _columns, _condition in (
    ("orders_admitted", "placed_at, id, store_id", "admission = 'ADMITTED'"),
    ("orders_not_admitted", "placed_at, id, store_id", "admission <> 'ADMITTED'"),
    ("orders_ended", "placed_at, id, store_id", "admission = 'ADMITTED' AND status IS NULL"),
    ("orders_of_status", "status, placed_at, id, store_id", "status IS NOT NULL"),
    ("orders_with_open_units", "placed_at, id, store_id", "has_open_units"),
    ("orders_by_total", "total_minor, id", "admission = 'ADMITTED'"),
    ("orders_of_status_by_total", "status, total_minor, id", "status IS NOT NULL"),
    ("orders_with_open_units_by_total", "total_minor, id", "has_open_units"),
    ("orders_held", "placed_at, id, store_id", "is_held"),
    ("orders_stalling", "placed_at, id, stalls_at", "stalls_at IS NOT NULL"),
):
    OrderRow.add_index(
        SQL(f"CREATE INDEX {_name} ON orders (merchant_id, {_columns}) WHERE {_condition}")
    )

# Holds all that is counted, in the order of its groups.
OrderRow.add_index(
    SQL(
        "CREATE INDEX orders_counted"
        " ON orders (merchant_id, store_id, admission, status, has_open_units)"
    )
)

OrderRow.add_index(
    SQL("CREATE INDEX orders_of_country ON orders (merchant_id, country, placed_at, id)")
)

# Holds all that the report reads of an order, so that no row of the wide table is looked at.
OrderRow.add_index(
    SQL(
        "CREATE INDEX orders_reported ON orders (merchant_id, placed_at, store_id, country,"
        " currency, status, charged_minor, refunded_minor, id, admission)"
        " WHERE admission = 'ADMITTED'"
    )
)


class OrderDetailRow(Table):
    """The rest of an order, and the store's own document."""

    order_id = TextField(primary_key=True, constraints=[SQL("REFERENCES orders (id)")])
    customer_email = TextField()
    note = TextField()
    address = TextField()
    document = BlobField()

    class Meta:
        table_name = "order_detail"


class OrderLineRow(Table):
    """A line of an order with its ledger."""

    id = TextField(primary_key=True)
    order_id = refers_to("orders")
    external_id = TextField()
    position = IntegerField()
    kind = TextField()
    product_id = TextField()
    variant_id = TextField()
    title = TextField()
    sku = TextField()
    price_minor = BigIntegerField()
    needs_shipping = BooleanField()
    ordered = IntegerField()
    removed = IntegerField()
    elsewhere = IntegerField()
    excluded = IntegerField()
    allocated = IntegerField()
    packed = IntegerField()
    handed_over = IntegerField()
    delivered = IntegerField()
    settled = IntegerField()
    open_units = IntegerField()
    over_allocated = BooleanField()
    pending_reason = TextField()
    wanted = IntegerField(constraints=[SQL("DEFAULT 0")])
    is_fulfilled = BooleanField(constraints=[SQL("DEFAULT FALSE")])

    class Meta:
        table_name = "order_line"
        indexes = ((("order_id", "external_id"), True),)
        constraints = (
            Check(
                "ordered >= 0 AND removed >= 0 AND elsewhere >= 0 AND excluded >= 0"
                " AND allocated >= 0 AND packed >= 0 AND settled >= 0 AND delivered >= 0"
            ),
            Check("removed + elsewhere <= ordered"),
            Check("handed_over <= packed AND delivered + settled <= handed_over"),
            Check(
                "excluded + allocated + packed <= ordered - removed - elsewhere OR over_allocated"
            ),
            Check(
                "open_units = CASE WHEN over_allocated THEN 0"
                " ELSE ordered - removed - elsewhere - excluded - allocated - packed END"
            ),
        )


OrderLineRow.add_index(
    SQL(
        "CREATE INDEX order_line_waiting"
        " ON order_line (product_id, order_id, pending_reason, open_units) WHERE open_units > 0"
    )
)

OrderLineRow.add_index(
    SQL("CREATE INDEX order_line_over_allocated ON order_line (order_id) WHERE over_allocated")
)


class QuarantinedOrderRow(Table):
    """An order that could not be taken."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    store_id = refers_to("store")
    external_id = TextField()
    problem = TextField()
    document = BlobField()
    created_at = BigIntegerField()
    updated_at = BigIntegerField()

    class Meta:
        table_name = "quarantined_order"
        indexes = ((("store_id", "external_id"), True), (("merchant_id", "id"), False))


class EventRow(Table):
    """A row of history."""

    sequence = BigAutoField()
    merchant_id = TextField()
    order_id = TextField()
    kind = TextField()
    actor = TextField()
    subject = TextField()
    details = TextField()
    created_at = BigIntegerField()
    vendor_id = TextField(null=True)
    allocation_id = TextField(null=True)

    class Meta:
        table_name = "event"
        indexes = (
            (("order_id", "sequence"), False),
            (("created_at",), False),
            (("merchant_id", "sequence"), False),
        )


EventRow.add_index(
    SQL(
        "CREATE INDEX event_vendor_id_sequence ON event (vendor_id, sequence)"
        " WHERE vendor_id IS NOT NULL"
    )
)


class HoldRow(Table):
    """A hold on an order."""

    id = TextField(primary_key=True)
    order_id = refers_to("orders")
    reason = TextField()
    owner = TextField()
    note = TextField()
    expire_at = BigIntegerField(null=True)
    created_at = BigIntegerField()

    class Meta:
        table_name = "hold"
        indexes = ((("order_id", "reason", "owner"), True),)


HoldRow.add_index(SQL("CREATE INDEX hold_expiring ON hold (expire_at) WHERE expire_at IS NOT NULL"))


class OrderWordRow(Table):
    """A word that an order is found by; in each of them the sketch of all of the order's words."""

    merchant_id = TextField()
    word = BytewiseTextField()
    order_id = refers_to("orders")
    sketch = BigIntegerField()

    class Meta:
        table_name = "order_word"
        # The sketch is looked at without the row; what is unique is the other index.
        primary_key = CompositeKey("merchant_id", "word", "order_id", "sketch")
        indexes = ((("order_id", "word"), True),)
