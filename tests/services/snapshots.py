"""Orders and products as a store shows them, with defaults for what a test does not care about."""

from dataclasses import replace
from typing import Any

from oms.domain.money import Money
from oms.domain.snapshots import (
    Address,
    LineSnapshot,
    OrderSnapshot,
    ProductSnapshot,
    VariantSnapshot,
)

UPDATED_AT = 1_799_990_000  # Epoch seconds, a little before the fake clock's first instant.


def line_snapshot(external_id: str = "l1", product_id: str = "mug", **changes: Any) -> LineSnapshot:
    line = LineSnapshot(
        external_id=external_id,
        product_id=product_id,
        variant_id="",
        title=product_id.title(),
        sku=f"SKU-{product_id}",
        quantity=1,
        price=Money("USD", 1000),
    )
    return replace(line, **changes)


def order_snapshot(
    external_id: str = "1001", *lines: LineSnapshot, **changes: Any
) -> OrderSnapshot:
    """Give a paid order of one mug; the store's document follows from what it says."""
    order = OrderSnapshot(
        external_id=external_id,
        number=f"#{external_id}",
        store_status="processing",
        currency="USD",
        total=Money("USD", 1000),
        placed_at=UPDATED_AT - 100,
        updated_at=UPDATED_AT,
        is_paid=True,
        is_cancelled=False,
        is_fulfilled=False,
        customer_name="Ada",
        customer_email="ada@example.com",
        address=Address(name="Ada", city="Berlin", country_code="DE"),
        lines=lines or (line_snapshot(),),
        raw=b"",
    )
    order = replace(order, **changes)
    return order if order.raw else replace(order, raw=repr(order).encode())


def product_snapshot(external_id: str = "mug", **changes: Any) -> ProductSnapshot:
    variant = VariantSnapshot(
        "", external_id.title(), f"SKU-{external_id}", None, needs_shipping=True
    )
    product = ProductSnapshot(
        external_id=external_id,
        title=external_id.title(),
        sku=f"SKU-{external_id}",
        variants=(variant,),
        updated_at=UPDATED_AT,
    )
    return replace(product, **changes)
