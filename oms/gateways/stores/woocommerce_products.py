"""WooCommerce products and variations (REST v3) as snapshots.

Shapes are those of products.json and product-variations.json in tests/fixtures/woocommerce-11.0.1.
Prices carry no currency: they are in the store's own.
"""

import html
from collections.abc import Sequence
from typing import Final

from oms.domain.money import Money
from oms.domain.snapshots import ProductSnapshot, VariantSnapshot
from oms.gateways.stores.fields import (
    Document,
    UnreadableFieldError,
    read_id,
    read_instant,
    read_list,
    read_money,
    read_text,
)

TITLE_CHARACTERS_MAX: Final = 500
CODE_CHARACTERS_MAX: Final = 200  # SKUs and types.
ATTRIBUTES_MAX: Final = 100  # Of one variation.


def parse_product(document: object, variations: Sequence[object], currency: str) -> ProductSnapshot:
    """Read one product with the documents of its variations; without any it is its own variant.

    Raises:
        UnreadableFieldError: a field is not what it should be.
    """
    if not isinstance(document, dict):
        raise UnreadableFieldError("it is not an object")
    variants = [_variation(item, currency) for item in variations]
    return ProductSnapshot(
        external_id=read_id(document, "id"),
        title=_title(document, "name"),
        sku=read_text(document, "sku", characters_max=CODE_CHARACTERS_MAX),
        variants=tuple(variants) or (_only_variant(document, currency),),
        updated_at=_updated_at(document),
    )


def has_variations(document: object) -> bool:
    """Tell whether variations are to be read: variable products, also those of plugins."""
    if not isinstance(document, dict):
        return False
    return bool(document.get("variations")) or str(document.get("type")).startswith("variable")


def _only_variant(document: Document, currency: str) -> VariantSnapshot:
    return VariantSnapshot(
        external_id="",
        title="",
        sku=read_text(document, "sku", characters_max=CODE_CHARACTERS_MAX),
        price=_price(document, currency),
        needs_shipping=_needs_shipping(document),
    )


def _variation(item: object, currency: str) -> VariantSnapshot:
    if not isinstance(item, dict):
        raise UnreadableFieldError("a variation is not an object")
    try:
        return VariantSnapshot(
            external_id=read_id(item, "id"),
            title=_title(item, "name") or _attributes(item),
            sku=read_text(item, "sku", characters_max=CODE_CHARACTERS_MAX),
            price=_price(item, currency),
            needs_shipping=_needs_shipping(item),
        )
    except UnreadableFieldError as error:
        raise UnreadableFieldError(f"variation {item.get('id')!a:.30}: {error}") from None


def _attributes(item: Document) -> str:
    """Join the chosen options, as newer versions do in the variation's name."""
    attributes = read_list(item, "attributes", items_max=ATTRIBUTES_MAX)
    options = [
        read_text(attribute, "option", characters_max=TITLE_CHARACTERS_MAX)
        for attribute in attributes
        if isinstance(attribute, dict)
    ]
    return ", ".join(option for option in options if option)[:TITLE_CHARACTERS_MAX]


def _title(document: Document, key: str) -> str:
    # WordPress stores titles as HTML: Cat's &amp; Dog's Bed.
    return html.unescape(read_text(document, key, characters_max=TITLE_CHARACTERS_MAX))


def _price(document: Document, currency: str) -> Money | None:
    """Read the present price; an empty one, or an unknown store currency, is no price."""
    if not currency or document.get("price") in (None, ""):
        return None
    return read_money(document, "price", currency)


def _needs_shipping(document: Document) -> bool:
    """Products say `shipping_required`, variations only `virtual`."""
    required = document.get("shipping_required")
    return required if isinstance(required, bool) else document.get("virtual") is not True


def _updated_at(document: Document) -> int:
    for key in ("date_modified_gmt", "date_created_gmt"):
        instant = read_instant(document, key)
        if instant is not None:
            return instant
    raise UnreadableFieldError("date_modified_gmt and date_created_gmt are missing")
