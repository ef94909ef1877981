"""Every table, as Peewee models: the shape that the migrations must arrive at.

Instants are UTC epoch milliseconds in BIGINT columns named `_at`; amounts are minor units in BIGINT
columns named `_minor`; documents are JSON text; what came from outside is kept as bytes. Absent
texts are empty, absent instants, amounts and states are NULL.
"""

from enum import StrEnum

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    Check,
    CompositeKey,
    IntegerField,
    Model,
    TextField,
)

from oms.domain.admission import Admission
from oms.domain.allocations import AllocationState
from oms.domain.ledger import ShippingStatus
from oms.domain.partnerships import PartnershipState
from oms.domain.principals import Role
from oms.domain.tracking import PackageState


def _one_of(column: str, words: type[StrEnum]) -> Check:
    """Allow the words of an enum, and NULL where the column allows it."""
    return Check(f"{column} IN ({', '.join(repr(word.value) for word in words)})")


def _refers_to(table: str) -> TextField:
    return TextField(constraints=[SQL(f"REFERENCES {table} (id)")])


class MerchantRow(Model):
    id = TextField(primary_key=True)
    display_name = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "merchant"


class VendorRow(Model):
    id = TextField(primary_key=True)
    display_name = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "vendor"


class PartnershipRow(Model):
    merchant_id = _refers_to("merchant")
    vendor_id = _refers_to("vendor")
    state = TextField()
    acceptance_required = BooleanField()
    acceptance_hours = IntegerField()
    version = IntegerField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "partnership"
        primary_key = CompositeKey("merchant_id", "vendor_id")
        indexes = ((("vendor_id", "merchant_id"), False),)
        constraints = (_one_of("state", PartnershipState),)


class TokenRow(Model):
    id = TextField(primary_key=True)
    secret_hash = TextField(unique=True)
    role = TextField()
    principal_id = TextField()
    display_name = TextField()
    created_at = BigIntegerField()
    expire_at = BigIntegerField(null=True)
    revoked_at = BigIntegerField(null=True)

    class Meta:
        table_name = "token"
        indexes = ((("principal_id", "id"), False),)
        constraints = (_one_of("role", Role),)


class StoreRow(Model):
    id = TextField(primary_key=True)
    merchant_id = _refers_to("merchant")
    display_name = TextField()
    platform = TextField()
    base_url = TextField()
    state = TextField()
    processing = TextField()
    sync_interval_seconds = IntegerField()
    synced_until_at = BigIntegerField(null=True)
    products_synced_until_at = BigIntegerField(null=True)
    version = IntegerField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "store"
        indexes = ((("merchant_id", "platform", "base_url"), True),)


class StoreCredentialRow(Model):
    store_id = TextField(primary_key=True, constraints=[SQL("REFERENCES store (id)")])
    body = TextField()

    class Meta:
        table_name = "store_credential"


class SyncRunRow(Model):
    id = TextField(primary_key=True)
    merchant_id = TextField()
    store_id = _refers_to("store")
    state = TextField()
    product_count = IntegerField()
    order_count = IntegerField()
    order_count_expected = IntegerField()
    created_count = IntegerField()
    changed_count = IntegerField()
    unchanged_count = IntegerField()
    quarantined_count = IntegerField()
    problem_reason = TextField()
    problem_message = TextField()
    problem_at = BigIntegerField(null=True)
    failure_count = IntegerField()
    next_attempt_at = BigIntegerField(null=True)
    created_at = BigIntegerField()
    started_at = BigIntegerField(null=True)
    finished_at = BigIntegerField(null=True)

    class Meta:
        table_name = "sync_run"
        indexes = ((("store_id", "id"), False),)


class ProductRow(Model):
    id = TextField(primary_key=True)
    merchant_id = TextField()
    store_id = _refers_to("store")
    external_id = TextField()
    title = TextField()
    sku = TextField()
    search_text = TextField()
    updated_at = BigIntegerField()

    class Meta:
        table_name = "product"
        indexes = ((("store_id", "external_id"), True), (("merchant_id", "title", "id"), False))


class VariantRow(Model):
    id = TextField(primary_key=True)
    product_id = _refers_to("product")
    external_id = TextField()
    title = TextField()
    sku = TextField()
    price_minor = BigIntegerField(null=True)
    currency = TextField()
    needs_shipping = BooleanField()

    class Meta:
        table_name = "variant"
        indexes = ((("product_id", "external_id"), True),)


class HostingRow(Model):
    id = TextField(primary_key=True)
    merchant_id = TextField()
    product_id = _refers_to("product")
    variant_id = TextField()
    vendor_id = TextField()
    countries = TextField()
    priority = IntegerField()
    vendor_sku = TextField()
    purchase_url = TextField()
    unit_cost_minor = BigIntegerField(null=True)
    shipping_cost_minor = BigIntegerField(null=True)
    currency = TextField()
    state = TextField()
    version = IntegerField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "hosting"
        indexes = ((("product_id",), False), (("merchant_id", "id"), False))


class OrderRow(Model):
    id = TextField(primary_key=True)
    merchant_id = TextField()
    store_id = _refers_to("store")
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

    class Meta:
        table_name = "orders"
        indexes = (
            (("store_id", "external_id"), True),
            (("merchant_id", "admission", "placed_at", "id"), False),
            (("merchant_id", "status", "placed_at", "id"), False),
        )
        constraints = (_one_of("admission", Admission), _one_of("status", ShippingStatus))


OrderRow.add_index(
    SQL(
        "CREATE INDEX orders_with_open_units ON orders (merchant_id, placed_at, id)"
        " WHERE has_open_units"
    )
)


class OrderDetailRow(Model):
    order_id = TextField(primary_key=True, constraints=[SQL("REFERENCES orders (id)")])
    customer_email = TextField()
    note = TextField()
    address = TextField()
    document = BlobField()

    class Meta:
        table_name = "order_detail"


class OrderLineRow(Model):
    id = TextField(primary_key=True)
    order_id = _refers_to("orders")
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
        "CREATE INDEX order_line_waiting ON order_line (product_id, order_id)"
        " WHERE open_units > 0"
    )
)


class QuarantinedOrderRow(Model):
    id = TextField(primary_key=True)
    merchant_id = TextField()
    store_id = _refers_to("store")
    external_id = TextField()
    problem = TextField()
    document = BlobField()
    created_at = BigIntegerField()
    updated_at = BigIntegerField()

    class Meta:
        table_name = "quarantined_order"
        indexes = ((("store_id", "external_id"), True), (("merchant_id", "id"), False))


class AllocationRow(Model):
    id = TextField(primary_key=True)
    merchant_id = TextField()
    order_id = _refers_to("orders")
    vendor_id = TextField()
    state = TextField()
    reject_reason = TextField()
    note = TextField()
    accept_deadline_at = BigIntegerField(null=True)
    accepted_at = BigIntegerField(null=True)
    closed_at = BigIntegerField(null=True)
    version = IntegerField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "allocation"
        indexes = (
            (("order_id", "vendor_id"), False),
            (("vendor_id", "id"), False),
            (("vendor_id", "state", "id"), False),
        )
        constraints = (_one_of("state", AllocationState),)


AllocationRow.add_index(
    SQL(
        "CREATE INDEX allocation_awaiting_answer ON allocation (accept_deadline_at)"
        " WHERE state = 'SUBMITTED' AND accept_deadline_at IS NOT NULL"
    )
)


class AllocationLineRow(Model):
    allocation_id = _refers_to("allocation")
    line_id = _refers_to("order_line")
    quantity = IntegerField()
    packed = IntegerField()
    returned = IntegerField()
    hosting_id = TextField()
    vendor_sku = TextField()
    purchase_url = TextField()
    unit_cost_minor = BigIntegerField(null=True)
    shipping_cost_minor = BigIntegerField(null=True)
    currency = TextField()

    class Meta:
        table_name = "allocation_line"
        primary_key = CompositeKey("allocation_id", "line_id")
        indexes = ((("line_id",), False),)
        constraints = (
            Check("quantity > 0 AND packed >= 0 AND returned >= 0"),
            Check("packed + returned <= quantity"),
        )


class PackageRow(Model):
    id = TextField(primary_key=True)
    allocation_id = _refers_to("allocation")
    order_id = TextField()
    vendor_id = TextField()
    carrier_code = TextField()
    tracking_number = TextField()
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

    class Meta:
        table_name = "package"
        indexes = ((("allocation_id",), False), (("order_id",), False))
        constraints = (_one_of("state", PackageState),)


PackageRow.add_index(
    SQL(
        "CREATE UNIQUE INDEX package_live_number ON package (vendor_id, tracking_number)"
        " WHERE state NOT IN ('DELIVERED', 'RETURNED', 'EXPIRED', 'VOIDED')"
    )
)
PackageRow.add_index(
    SQL("CREATE INDEX package_to_poll ON package (next_poll_at) WHERE next_poll_at IS NOT NULL")
)


class PackageLineRow(Model):
    package_id = _refers_to("package")
    line_id = _refers_to("order_line")
    quantity = IntegerField()

    class Meta:
        table_name = "package_line"
        primary_key = CompositeKey("package_id", "line_id")
        constraints = (Check("quantity > 0"),)


class TrackingEventRow(Model):
    package_id = _refers_to("package")
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


class CostEntryRow(Model):
    id = TextField(primary_key=True)
    allocation_id = _refers_to("allocation")
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


class EventRow(Model):
    sequence = BigAutoField()
    merchant_id = TextField()
    order_id = TextField()
    kind = TextField()
    actor = TextField()
    subject = TextField()
    details = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "event"
        indexes = ((("order_id", "sequence"), False),)


class RequestRow(Model):
    principal = TextField()
    method = TextField()
    request_id = TextField()
    body_hash = TextField()
    answer = BlobField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "request"
        primary_key = CompositeKey("principal", "method", "request_id")
        indexes = ((("created_at",), False),)


class JobRow(Model):
    id = TextField(primary_key=True)
    kind = TextField()
    merchant_id = TextField()
    dedupe_key = TextField(null=True)
    generation = IntegerField()
    args = TextField()
    cursor = TextField()
    state = TextField()
    due_at = BigIntegerField()
    lease_token = TextField(null=True)
    lease_until = BigIntegerField()
    lease_generation = IntegerField()
    crashes = IntegerField()
    failures = IntegerField()
    last_error = TextField()
    created_at = BigIntegerField()
    finished_at = BigIntegerField(null=True)

    class Meta:
        table_name = "job"
        indexes = ((("state", "id"), False),)
        constraints = (Check("state IN ('PENDING', 'DONE', 'QUARANTINED', 'DISCARDED')"),)


JobRow.add_index(SQL("CREATE INDEX job_due ON job (due_at) WHERE state = 'PENDING'"))
JobRow.add_index(
    SQL("CREATE UNIQUE INDEX job_dedupe ON job (dedupe_key) WHERE state = 'PENDING'")
)


class ScheduleRow(Model):
    name = TextField(primary_key=True)
    kind = TextField()
    merchant_id = TextField()
    args = TextField()
    every_ms = BigIntegerField()
    next_at = BigIntegerField()

    class Meta:
        table_name = "schedule"
        indexes = ((("next_at",), False),)


TABLES: tuple[type[Model], ...] = tuple(Model.__subclasses__())
