"""What reports add up: exchange rates, and what every line sold and cost."""

from peewee import BigIntegerField, BooleanField, CompositeKey, IntegerField, TextField

from oms.storage.tables.columns import Table, refers_to


class ExchangeRateRow(Table):
    """A rate that a merchant recorded; never changed."""

    id = TextField(primary_key=True)
    merchant_id = refers_to("merchant")
    base = TextField()
    quote = TextField()
    rate = TextField()
    effective_at = BigIntegerField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "exchange_rate"
        indexes = ((("merchant_id", "id"), False), (("merchant_id", "effective_at"), False))


class SaleRow(Table):
    """What a line sold and cost with one vendor, or with nobody; with what reports group by."""

    order_id = refers_to("orders")
    line_id = TextField()
    vendor_id = TextField()  # Empty for units that nobody has.
    cost_currency = TextField()
    merchant_id = TextField()
    placed_at = BigIntegerField()
    store_id = TextField()
    country = TextField()
    currency = TextField()
    status = TextField(null=True)
    product_id = TextField()
    is_first_of_product = BooleanField()
    is_first_of_vendor = BooleanField()
    units = IntegerField()
    sales_minor = BigIntegerField()
    product_minor = BigIntegerField()
    shipping_minor = BigIntegerField()
    service_fee_minor = BigIntegerField()
    tax_minor = BigIntegerField()
    adjustment_minor = BigIntegerField()

    class Meta:
        table_name = "sale"
        primary_key = CompositeKey("order_id", "line_id", "vendor_id", "cost_currency")
        indexes = ((("merchant_id", "placed_at"), False),)
