"""Allocations, packages, tracking and costs."""

from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    Check,
    CompositeKey,
    IntegerField,
    TextField,
)

from oms.domain.allocations import AllocationState
from oms.domain.tracking import PackageState
from oms.storage.tables.columns import Table, one_of, refers_to


class AllocationRow(Table):
    """A vendor's part of an order."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    order_id = refers_to("orders")
    vendor_id = TextField()
    state = TextField()
    reject_reason = TextField()
    note = TextField()
    accept_deadline_at = BigIntegerField(null=True)
    accepted_at = BigIntegerField(null=True)
    closed_at = BigIntegerField(null=True)
    version = IntegerField()
    created_at = BigIntegerField()
    cancellation_deadline_at = BigIntegerField(null=True)
    address_changed_at = BigIntegerField(null=True)

    class Meta:
        table_name = "allocation"
        indexes = (
            (("order_id", "vendor_id"), False),
            (("vendor_id", "id", "merchant_id"), False),
            (("vendor_id", "state", "id"), False),
            (("vendor_id", "merchant_id", "order_id"), False),
        )
        constraints = (one_of("state", AllocationState),)


AllocationRow.add_index(
    SQL(
        "CREATE INDEX allocation_scored ON allocation (merchant_id, created_at, vendor_id, state,"
        " accepted_at, id)"
    )
)


AllocationRow.add_index(
    SQL(
        "CREATE INDEX allocation_awaiting_answer ON allocation (accept_deadline_at)"
        " WHERE state = 'SUBMITTED' AND accept_deadline_at IS NOT NULL"
    )
)


AllocationRow.add_index(
    SQL(
        "CREATE INDEX allocation_asked_back ON allocation (cancellation_deadline_at)"
        " WHERE cancellation_deadline_at IS NOT NULL"
    )
)


class AllocationLineRow(Table):
    """Units of a line in an allocation."""

    allocation_id = refers_to("allocation")
    line_id = refers_to("order_line")
    quantity = IntegerField()
    packed = IntegerField()
    returned = IntegerField()
    hosting_id = TextField()
    vendor_sku = TextField()
    purchase_url = TextField()
    unit_cost_minor = BigIntegerField(null=True)
    shipping_cost_minor = BigIntegerField(null=True)
    currency = TextField()
    asked_back = IntegerField(constraints=[SQL("DEFAULT 0")])
    kept = IntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "allocation_line"
        primary_key = CompositeKey("allocation_id", "line_id")
        indexes = ((("line_id",), False),)
        constraints = (
            Check("quantity > 0 AND packed >= 0 AND returned >= 0"),
            Check("packed + returned <= quantity"),
        )


class PackageRow(Table):
    """A parcel."""

    id = TextField(primary_key=True)
    allocation_id = refers_to("allocation")
    order_id = TextField()
    vendor_id = TextField()
    carrier_code = TextField()
    tracking_number = TextField()
    live_number = TextField(null=True)  # The number until the parcel first comes to an end.
    state = TextField()
    exception_reason = TextField()
    raw_status = TextField()
    handed_over_at = BigIntegerField(null=True)
    delivered_at = BigIntegerField(null=True)
    last_event_at = BigIntegerField(null=True)
    next_poll_at = BigIntegerField(null=True)
    quiet_polls = IntegerField()
    is_registered = BooleanField()
    tracking_problem = TextField()
    version = IntegerField()
    created_at = BigIntegerField()
    stalls_at = BigIntegerField(null=True)
    first_scan_at = BigIntegerField(null=True)
    was_in_trouble = BooleanField(constraints=[SQL("DEFAULT FALSE")])

    class Meta:
        table_name = "package"
        indexes = (
            (("allocation_id",), False),
            (("order_id",), False),
            (("vendor_id", "live_number"), True),
        )
        constraints = (one_of("state", PackageState),)


PackageRow.add_index(
    SQL("CREATE INDEX package_to_poll ON package (next_poll_at) WHERE next_poll_at IS NOT NULL")
)

PackageRow.add_index(
    SQL(
        "CREATE INDEX package_delivered ON package (order_id, vendor_id, handed_over_at,"
        " delivered_at, id, state) WHERE state = 'DELIVERED'"
    )
)

PackageRow.add_index(
    SQL(
        "CREATE INDEX package_scored ON package (allocation_id, created_at, first_scan_at,"
        " handed_over_at, delivered_at, was_in_trouble, state)"
    )
)


class PackageLineRow(Table):
    """Units of a line in a parcel."""

    package_id = refers_to("package")
    line_id = refers_to("order_line")
    quantity = IntegerField()

    class Meta:
        table_name = "package_line"
        primary_key = CompositeKey("package_id", "line_id")
        constraints = (Check("quantity > 0"),)


class TrackingEventRow(Table):
    """A scan or notice of a parcel."""

    package_id = refers_to("package")
    digest = TextField()
    occurred_at = BigIntegerField()
    state = TextField()
    exception_reason = TextField()
    raw_status = TextField()
    description = TextField()
    location = TextField()
    source = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "tracking_event"
        primary_key = CompositeKey("package_id", "digest")


class CostEntryRow(Table):
    """An entry of the cost ledger."""

    id = TextField(primary_key=True)
    allocation_id = refers_to("allocation")
    order_id = TextField()
    kind = TextField()
    source = TextField()
    amount_minor = BigIntegerField()
    currency = TextField()
    note = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "cost_entry"
        indexes = ((("order_id",), False), (("allocation_id",), False))
