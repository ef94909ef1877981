"""The pretend shop's records as WooCommerce 11 writes them (tests/fixtures/woocommerce-11.0.1)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from app.demo.shop_records import (
    CURRENCY_SYMBOLS,
    Buyer,
    Fulfillment,
    Item,
    Note,
    Order,
    Product,
    Refund,
    Tracking,
    Variation,
)

VERSION: Final = "11.0.1"
NAMESPACES: Final = ("oembed/1.0", "wc/v3", "wc/v2", "wc/v1", "wp/v2")
_ALL: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]

# Documents are JSON for a server that has no types of ours.
Document = dict[str, Any]


def index_document(name: str, url: str, namespaces: Sequence[str] = NAMESPACES) -> Document:
    """Write what /wp-json/ answers."""
    return {
        "name": name,
        "url": url,
        "namespaces": list(namespaces),
        "gmt_offset": "0",
        "timezone_string": "",
    }


def order_document(order: Order, api: str) -> Document:
    """Write one order; `api` is the URL that ends with /wc/v3."""
    own = f"{api}/orders/{order.id}"
    shipping = _address(order.recipient or order.buyer)
    shipping.pop("email")
    return _order_head(order) | {
        "billing": _address(order.buyer),
        "shipping": shipping,
        "payment_method": "card",
        "payment_method_title": "Card",
        "transaction_id": "" if order.paid_at is None else f"txn_{order.id:06d}",
        "created_via": "checkout",
        "customer_note": order.note,
        "number": str(order.id),
        "meta_data": [],
        "line_items": [_line_item(item) for item in order.items],
        "tax_lines": [],
        "shipping_lines": _shipping_lines(order),
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [_refund_summary(refund) for refund in order.refunds],
        "payment_url": "",
        "is_editable": order.status in {"pending", "on-hold", "auto-draft"},
        "needs_payment": order.status in {"pending", "failed"},
        "needs_processing": True,
        "currency_symbol": CURRENCY_SYMBOLS.get(order.currency, order.currency),
        "_links": {
            "self": [{"href": own, "targetHints": {"allow": _ALL}}],
            "collection": [{"href": f"{api}/orders"}],
        },
    }


def refund_document(refund: Refund, order: Order, api: str) -> Document:
    """Write one refund; its lines have negative quantities and name the order's lines."""
    items = {item.id: item for item in order.items}
    own = f"{api}/orders/{order.id}/refunds"
    return {
        "id": refund.id,
        "date_created": _date(refund.created_at),
        "date_created_gmt": _date(refund.created_at),
        "amount": refund.amount,
        "reason": refund.reason,
        "refunded_by": 1,
        "refunded_payment": False,
        "meta_data": [],
        "line_items": [
            _refund_line(refund, items[line_id], quantity)
            for line_id, quantity in refund.units.items()
            if line_id in items  # The line may have been taken out of the order since.
        ],
        "shipping_lines": [],
        "tax_lines": [],
        "fee_lines": [],
        "_links": {
            "self": [{"href": f"{own}/{refund.id}"}],
            "collection": [{"href": own}],
            "up": [{"href": f"{api}/orders/{order.id}"}],
        },
    }


def fulfillment_document(fulfillment: Fulfillment, order: Order) -> Document:
    """Write one fulfilment of WooCommerce's own."""
    return {
        "id": fulfillment.id,
        "entity_type": "WC_Order",
        "entity_id": str(order.id),
        "status": fulfillment.status,
        "is_fulfilled": fulfillment.is_fulfilled,
        "date_updated": written_in_full(fulfillment.updated_at),
        "date_deleted": None,
        "meta_data": [
            {"key": key, "value": value, "id": fulfillment.id * 100 + position}
            for position, (key, value) in enumerate(fulfillment.meta)
        ],
    }


def tracking_document(tracking: Tracking) -> Document:
    """Write one tracking number of the Shipment Tracking plugin."""
    return {
        "tracking_id": tracking.id,
        "tracking_provider": tracking.provider,
        "tracking_link": tracking.link,
        "tracking_number": tracking.number,
        "date_shipped": tracking.shipped_on,
    }


def note_document(note: Note, order: Order, api: str) -> Document:
    """Write one note."""
    own = f"{api}/orders/{order.id}/notes"
    return {
        "id": note.id,
        "author": "WooCommerce",
        "date_created": _date(note.created_at),
        "date_created_gmt": _date(note.created_at),
        "note": note.text,
        "customer_note": note.is_for_customer,
        "_links": {
            "self": [{"href": f"{own}/{note.id}", "targetHints": {"allow": ["GET", "DELETE"]}}],
            "collection": [{"href": own}],
            "up": [{"href": f"{api}/orders/{order.id}"}],
        },
    }


def product_document(product: Product, api: str) -> Document:
    """Write one product."""
    return {
        "id": product.id,
        "name": product.name,
        "slug": f"product-{product.id}",
        "permalink": "",
        "date_created": _date(product.created_at),
        "date_created_gmt": _date(product.created_at),
        "date_modified": _date(product.modified_at),
        "date_modified_gmt": _date(product.modified_at),
        "type": "variable" if product.variations else "simple",
        "status": product.status,
        "featured": False,
        "catalog_visibility": "visible",
        "description": "",
        "short_description": "",
        "sku": product.sku,
        "price": product.price,
        "regular_price": "" if product.variations else product.price,
        "sale_price": "",
        "on_sale": False,
        "purchasable": True,
        "virtual": product.is_virtual,
        "downloadable": False,
        "manage_stock": False,
        "stock_quantity": None,
        "shipping_required": not product.is_virtual,
        "parent_id": 0,
        "categories": [],
        "tags": [],
        "images": [],
        "attributes": [],
        "variations": [variation.id for variation in product.variations],
        "meta_data": [],
        "stock_status": "instock",
        "has_options": bool(product.variations),
        "_links": {
            "self": [{"href": f"{api}/products/{product.id}", "targetHints": {"allow": _ALL}}],
            "collection": [{"href": f"{api}/products"}],
        },
    }


def variation_document(variation: Variation, product: Product, api: str) -> Document:
    """Write one variation of a product."""
    own = f"{api}/products/{product.id}/variations"
    return {
        "id": variation.id,
        "type": "variation",
        "date_created": _date(product.created_at),
        "date_created_gmt": _date(product.created_at),
        "date_modified": _date(product.modified_at),
        "date_modified_gmt": _date(product.modified_at),
        "description": "",
        "permalink": "",
        "sku": variation.sku,
        "price": variation.price,
        "regular_price": variation.price,
        "sale_price": "",
        "on_sale": False,
        "status": "publish",
        "purchasable": True,
        "virtual": product.is_virtual,
        "downloadable": False,
        "manage_stock": False,
        "stock_quantity": None,
        "stock_status": "instock",
        "image": None,
        "attributes": [
            {"id": 0, "name": name, "slug": name.lower(), "option": option}
            for name, option in zip(("Size", "Color"), variation.name.split(", "), strict=False)
        ],
        "menu_order": 0,
        "meta_data": [],
        "name": variation.name,
        "parent_id": product.id,
        "_links": {
            "self": [{"href": f"{own}/{variation.id}"}],
            "collection": [{"href": own}],
            "up": [{"href": f"{api}/products/{product.id}"}],
        },
    }


def _order_head(order: Order) -> Document:
    total = sum((_total(item) for item in order.items), Decimal(order.shipping_total))
    return {
        "id": order.id,
        "parent_id": 0,
        "status": order.status,
        "currency": order.currency,
        "version": VERSION,
        "prices_include_tax": False,
        "date_created": _date(order.created_at),
        "date_created_gmt": _date(order.created_at),
        "date_modified": _date(order.modified_at),
        "date_modified_gmt": _date(order.modified_at),
        "date_completed": _date(order.completed_at),
        "date_completed_gmt": _date(order.completed_at),
        "date_paid": _date(order.paid_at),
        "date_paid_gmt": _date(order.paid_at),
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": order.shipping_total,
        "shipping_tax": "0.00",
        "cart_tax": "0.00",
        "total": f"{total:.2f}",
        "total_tax": "0.00",
        "customer_id": 0,
        "customer_ip_address": "",
        "customer_user_agent": "",
        "order_key": f"wc_order_{order.id:013d}",
        "cart_hash": "",
    }


def _total(item: Item) -> Decimal:
    return Decimal(item.price) * item.quantity


def _line_item(item: Item) -> Document:
    total = f"{_total(item):.2f}"
    return {
        "id": item.id,
        "name": item.name,
        "product_id": item.product_id,
        "variation_id": item.variation_id,
        "quantity": item.quantity,
        "tax_class": "",
        "subtotal": total,
        "subtotal_tax": "0.00",
        "total": total,
        "total_tax": "0.00",
        "taxes": [],
        "meta_data": [],
        "sku": item.sku or None,
        "global_unique_id": "",
        "price": float(item.price),
        "image": {"id": "", "src": ""},
        "parent_name": item.name.rpartition(" - ")[0] if item.variation_id else None,
    }


def _refund_line(refund: Refund, item: Item, quantity: int) -> Document:
    line_id = str(item.id)
    meta = {"key": "_refunded_item_id", "value": line_id}
    shown = {"display_key": "_refunded_item_id", "display_value": line_id}
    line = _line_item(item)
    return line | {
        "id": refund.id * 1_000 + item.id % 1_000,
        "quantity": -quantity,
        "subtotal": f"{-Decimal(item.price) * quantity:.2f}",
        "total": f"{-Decimal(item.price) * quantity:.2f}",
        "meta_data": [{"id": item.id, **meta, **shown}],
    }


def _refund_summary(refund: Refund) -> Document:
    return {
        "id": refund.id,
        "reason": refund.reason,
        "total": f"-{refund.amount}",
        "total_tax": "0.00",
    }


def _shipping_lines(order: Order) -> list[Document]:
    if order.shipping_total == "0.00":
        return []
    line = {"id": order.id, "method_title": "Standard", "method_id": "flat_rate"}
    return [line | {"instance_id": "", "total": order.shipping_total, "total_tax": "0.00"}]


def _address(buyer: Buyer) -> Document:
    return {
        "first_name": buyer.first_name,
        "last_name": buyer.last_name,
        "company": buyer.company,
        "address_1": buyer.street,
        "address_2": "",
        "city": buyer.city,
        "state": buyer.region,
        "postcode": buyer.postal_code,
        "country": buyer.country_code,
        "email": buyer.email,
        "phone": buyer.phone,
    }


@lru_cache(maxsize=10_000)
def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")


def written_in_full(seconds: int) -> str:
    """Write an instant with its zone, as fulfilments have it."""
    return f"{_written(seconds)}Z"


def _date(seconds: int | None) -> str | None:
    return None if seconds is None else _written(seconds)
