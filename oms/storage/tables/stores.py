"""Stores, their sync runs, products and hostings."""

from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    IntegerField,
    TextField,
)

from oms.storage.tables.columns import Table, refers_to


class StoreRow(Table):
    """A web store."""

    id = TextField(primary_key=True)
    merchant_id = refers_to("merchant")
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
    write_back_mode = TextField(constraints=[SQL("DEFAULT 'SEPARATE'")])
    write_back_since_at = BigIntegerField(constraints=[SQL("DEFAULT 0")])
    # How the store can be told, as it was found out at an instant; empty before.
    write_back_method = TextField(constraints=[SQL("DEFAULT ''")])
    write_back_method_at = BigIntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "store"
        indexes = ((("merchant_id", "platform", "base_url"), True),)


class StoreCredentialRow(Table):
    """How to get into a store."""

    store_id = TextField(primary_key=True, constraints=[SQL("REFERENCES store (id)")])
    body = TextField()

    class Meta:
        table_name = "store_credential"


class SyncRunRow(Table):
    """One pull of a store."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    store_id = refers_to("store")
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


class ProductRow(Table):
    """A product of a store."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    store_id = refers_to("store")
    external_id = TextField()
    title = TextField()
    sku = TextField()
    search_text = TextField()
    updated_at = BigIntegerField()

    class Meta:
        table_name = "product"
        indexes = ((("store_id", "external_id"), True), (("merchant_id", "title", "id"), False))


class VariantRow(Table):
    """A variant of a product."""

    id = TextField(primary_key=True)
    product_id = refers_to("product")
    external_id = TextField()
    title = TextField()
    sku = TextField()
    price_minor = BigIntegerField(null=True)
    currency = TextField()
    needs_shipping = BooleanField()

    class Meta:
        table_name = "variant"
        indexes = ((("product_id", "external_id"), True), (("sku", "product_id"), False))


class HostingRow(Table):
    """A rule that a vendor fulfils a product or variant."""

    id = TextField(primary_key=True)
    merchant_id = TextField()
    product_id = refers_to("product")
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
