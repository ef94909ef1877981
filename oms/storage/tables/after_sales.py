"""Cases, what was claimed, proposed and said in them, what came of it, and policies."""

from peewee import SQL, BigIntegerField, BooleanField, Check, CompositeKey, IntegerField, TextField

from oms.domain.cases import CaseState
from oms.storage.tables.columns import Table, one_of, refers_to


class AfterSalesPolicyRow(Table):
    """How a vendor settles what goes wrong, for one merchant."""

    merchant_id = TextField()
    vendor_id = TextField()
    body = TextField()
    version = IntegerField()
    updated_at = BigIntegerField()

    class Meta:
        table_name = "after_sales_policy"
        primary_key = CompositeKey("merchant_id", "vendor_id")


class CaseRow(Table):
    """A case. `photo_count` is counted by whoever adds a photo, with the order locked."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    order_id = refers_to("orders")
    vendor_id = TextField()
    group_id = TextField()  # Shared by the cases that one call created.
    state = TextField()
    description = TextField()
    policy = TextField()
    deadline_at = BigIntegerField(null=True)
    missed_at = BigIntegerField(null=True)  # When the vendor missed a deadline.
    reject_reason = TextField()
    photo_count = IntegerField()
    version = IntegerField()
    created_at = BigIntegerField()
    submitted_at = BigIntegerField(null=True)
    updated_at = BigIntegerField()
    closed_at = BigIntegerField(null=True)

    class Meta:
        table_name = "after_sales_case"
        indexes = (
            (("order_id",), False),
            (("group_id",), False),
            (("merchant_id", "id"), False),
            (("merchant_id", "state", "id"), False),
            (("vendor_id", "id"), False),
            (("vendor_id", "state", "id"), False),
            (("state", "id"), False),
        )
        constraints = (one_of("state", CaseState), Check("photo_count >= 0"))


CaseRow.add_index(
    SQL(
        "CREATE INDEX after_sales_case_awaited ON after_sales_case (deadline_at)"
        " WHERE deadline_at IS NOT NULL"
    )
)


class CaseItemRow(Table):
    """Units of a line in a parcel, and the vendor's part in which they were paid."""

    case_id = refers_to("after_sales_case")
    number = IntegerField()
    line_id = refers_to("order_line")
    package_id = refers_to("package")
    paid_line_id = refers_to("order_line")
    paid_allocation_id = refers_to("allocation")
    quantity = IntegerField()
    type = TextField()
    agreed_mode = TextField()
    is_done = BooleanField()
    is_settled = BooleanField()

    class Meta:
        table_name = "case_item"
        primary_key = CompositeKey("case_id", "number")
        indexes = ((("paid_allocation_id",), False),)
        constraints = (Check("quantity > 0"),)


# What the recount looks up for every line of every parcel.
CaseItemRow.add_index(
    SQL(
        "CREATE INDEX case_item_settled ON case_item (package_id, line_id, quantity)"
        " WHERE is_settled"
    )
)


class CaseRefundRow(Table):
    """What was given back for an item."""

    case_id = TextField()
    number = IntegerField()
    currency = TextField()
    amount_minor = BigIntegerField()

    class Meta:
        table_name = "case_refund"
        primary_key = CompositeKey("case_id", "number", "currency")
        constraints = (Check("amount_minor > 0"),)


class CaseResendRow(Table):
    """The line of units that are sent again for an item."""

    line_id = TextField(primary_key=True, constraints=[SQL("REFERENCES order_line (id)")])
    case_id = TextField()
    number = IntegerField()

    class Meta:
        table_name = "case_resend"
        indexes = ((("case_id", "number"), False),)


class CaseProposalRow(Table):
    """What one side proposed at one time."""

    case_id = refers_to("after_sales_case")
    number = IntegerField()
    role = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "case_proposal"
        primary_key = CompositeKey("case_id", "number")


class CaseTermRow(Table):
    """What a proposal says of one item."""

    case_id = refers_to("after_sales_case")
    number = IntegerField()
    item = IntegerField()
    mode = TextField()
    amount_minor = BigIntegerField(null=True)
    currency = TextField()
    quantity = IntegerField()
    note = TextField()

    class Meta:
        table_name = "case_term"
        primary_key = CompositeKey("case_id", "number", "item")


class CaseMessageRow(Table):
    """Something that was said."""

    case_id = refers_to("after_sales_case")
    number = IntegerField()
    author = TextField()
    role = TextField()
    action = TextField()
    body = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "case_message"
        primary_key = CompositeKey("case_id", "number")
