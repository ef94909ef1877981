"""WooCommerce orders (REST v3) as snapshots.

Shapes are those of the recorded fixtures (tests/fixtures/woocommerce-11.0.1: orders-by-modified-*,
order-partially-refunded, refunds-of-order). Only `*_gmt` dates are read: the others are in the
site's own time zone.
"""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from oms.domain.money import Money, parse_money
from oms.domain.snapshots import LineSnapshot, MalformedOrder, OrderSnapshot
from oms.gateways.stores.fields import (
    Document,
    UnreadableFieldError,
    read_currency,
    read_id,
    read_instant,
    read_list,
    read_money,
    read_object,
    read_optional_id,
    read_quantity,
    read_text,
    read_whole_number,
    shown,
)
from oms.gateways.stores.woocommerce_addresses import choose_address, read_name
from oms.gateways.stores.woocommerce_statuses import STATUS_MEANINGS, UNKNOWN_STATUS_MEANING

TITLE_CHARACTERS_MAX: Final = 500
CODE_CHARACTERS_MAX: Final = 200  # SKUs, statuses, order numbers.
EMAIL_CHARACTERS_MAX: Final = 320  # RFC 5321: 64 + @ + 255.
NOTE_CHARACTERS_MAX: Final = 10_000  # What a customer may write at the checkout.
LINES_MAX: Final = 1_000  # Of one order.
META_MAX: Final = 10_000  # Fields that plugins leave on one refunded line.


def parse_order(document: object, refunds: Sequence[object] = ()) -> OrderSnapshot | MalformedOrder:
    """Read one order with the documents of its refunds; a bad one is told, never raised."""
    raw = raw_document(document)
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else "a single value"
        return MalformedOrder("", f"the order is not an object but {kind}", raw)
    try:
        return _order(document, refunds, raw)
    except UnreadableFieldError as error:
        return malformed_order(document, str(error))


def malformed_order(document: object, problem: str) -> MalformedOrder:
    """Keep an order that could not be read, with its id if that much can be read."""
    return MalformedOrder(order_id(document), problem, raw_document(document))


def order_id(document: object) -> str:
    """Read an order's id; empty when it cannot be read."""
    try:
        return read_id(document, "id") if isinstance(document, dict) else ""
    except UnreadableFieldError:
        return ""


def has_refunds(document: object) -> bool:
    """Tell whether the order's refunds are worth reading: it has an id and names at least one."""
    refunds = document.get("refunds") if isinstance(document, dict) else None
    return isinstance(refunds, list) and len(refunds) > 0 and order_id(document) != ""


def raw_document(document: object) -> bytes:
    """Write a document as it came: the same fields and values, in JSON without blanks.

    Half characters (lone surrogates) are written as escapes, so that every reader takes the bytes.
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=_number)
    return text.encode("utf-8", errors="backslashreplace")


def _number(value: object) -> float:
    if not isinstance(value, Decimal):  # Nothing else comes out of a JSON document.
        raise TypeError(f"cannot write {type(value).__name__}")
    return float(value)


def _order(document: Document, refunds: Sequence[object], raw: bytes) -> OrderSnapshot:
    external_id = read_id(document, "id")
    currency = read_currency(document, "currency")
    status = read_text(document, "status", characters_max=CODE_CHARACTERS_MAX)
    placed_at, updated_at = _dates(document)
    meaning = STATUS_MEANINGS.get(status, UNKNOWN_STATUS_MEANING)
    has_paid_date = read_instant(document, "date_paid_gmt") is not None
    is_paid = has_paid_date if meaning.is_paid is None else meaning.is_paid
    billing, shipping = read_object(document, "billing"), read_object(document, "shipping")
    goes_out = is_paid and not meaning.is_cancelled and not meaning.is_fulfilled
    return OrderSnapshot(
        external_id=external_id,
        number=read_text(document, "number", characters_max=CODE_CHARACTERS_MAX) or external_id,
        store_status=status,
        currency=currency,
        total=read_money(document, "total", currency),
        placed_at=placed_at,
        updated_at=updated_at,
        is_paid=is_paid,
        is_cancelled=meaning.is_cancelled,
        is_fulfilled=meaning.is_fulfilled,
        customer_name=read_name(billing) or read_name(shipping),
        customer_email=read_text(billing, "email", characters_max=EMAIL_CHARACTERS_MAX),
        address=choose_address(shipping, billing, must_be_there=goes_out),
        lines=_lines(document, currency, _removed_quantities(refunds)),
        raw=raw,
        note=read_text(document, "customer_note", characters_max=NOTE_CHARACTERS_MAX),
        refunded=_refunded(document, currency),
    )


def _dates(document: Document) -> tuple[int, int]:
    """Read when the order was placed and last changed; one of them stands in for the other."""
    placed_at = read_instant(document, "date_created_gmt")
    updated_at = read_instant(document, "date_modified_gmt")
    known = updated_at if placed_at is None else placed_at
    if known is None:
        raise UnreadableFieldError("date_created_gmt and date_modified_gmt are missing")
    return known, known if updated_at is None else updated_at


def _lines(
    document: Document, currency: str, removed: Mapping[str, int]
) -> tuple[LineSnapshot, ...]:
    items = read_list(document, "line_items", items_max=LINES_MAX)
    lines: dict[str, LineSnapshot] = {}
    for position, item in enumerate(items, start=1):
        line = _line(item, f"line {position}", currency, removed)
        if line.external_id in lines:
            raise UnreadableFieldError(f"line {position}: id {line.external_id} appears twice")
        lines[line.external_id] = line
    return tuple(lines.values())


def _line(item: object, place: str, currency: str, removed: Mapping[str, int]) -> LineSnapshot:
    if not isinstance(item, dict):
        raise UnreadableFieldError(f"{place} is not an object")
    try:
        external_id = read_id(item, "id")
        quantity = read_quantity(item, "quantity")
        title = read_text(item, "name", characters_max=TITLE_CHARACTERS_MAX)
        return LineSnapshot(
            external_id=external_id,
            # A product that the store has deleted is 0 here (orders-by-modified-page2, order 161).
            product_id=read_optional_id(item, "product_id"),
            variant_id=read_optional_id(item, "variation_id"),
            title=html.unescape(title),  # WordPress stores titles as HTML: Cat's &amp; Dog's Bed.
            sku=read_text(item, "sku", characters_max=CODE_CHARACTERS_MAX),
            quantity=quantity,
            price=_unit_price(item, quantity, currency),
            removed_quantity=min(removed.get(external_id, 0), quantity),
        )
    except UnreadableFieldError as error:
        raise UnreadableFieldError(f"{place}: {error}") from None


def _unit_price(item: Document, quantity: int, currency: str) -> Money:
    """Read the price of one unit, which old versions leave out next to the line's total."""
    if item.get("price") is not None:
        return read_money(item, "price", currency)
    total = read_money(item, "total", currency)
    return Money(currency, total.amount_minor // max(quantity, 1))


def _refunded(document: Document, currency: str) -> Money | None:
    """Sum what was given back, which the order itself names as negative totals."""
    amounts: list[Money] = []
    for refund in read_list(document, "refunds", items_max=LINES_MAX):
        if not isinstance(refund, dict):
            raise UnreadableFieldError("a refund is not an object")
        amounts.append(_given_back(refund, currency))
    return sum(amounts[1:], start=amounts[0]) if amounts else None


def _given_back(refund: Document, currency: str) -> Money:
    text = read_text(refund, "total", characters_max=CODE_CHARACTERS_MAX)
    try:
        return parse_money(text.removeprefix("-") or "0", currency)
    except ValueError:
        raise UnreadableFieldError(f"the total of a refund is no amount: {shown(text)}") from None


def _removed_quantities(refunds: Iterable[object]) -> Mapping[str, int]:
    """Sum the units that refunds took out, by line id; a refund of money alone takes out none.

    A refund's line has a negative quantity and names the order's line in the meta field
    `_refunded_item_id` (refunds-of-order.json).
    """
    removed: dict[str, int] = {}
    for refund in refunds:
        if not isinstance(refund, dict):
            raise UnreadableFieldError("a refund is not an object")
        for item in read_list(refund, "line_items", items_max=LINES_MAX):
            if not isinstance(item, dict):
                raise UnreadableFieldError("a refund's line is not an object")
            quantity = read_whole_number(item, "quantity")
            line_id = _refunded_line_id(item)
            if quantity < 0 and line_id:
                removed[line_id] = removed.get(line_id, 0) - quantity
    return removed


def _refunded_line_id(item: Document) -> str:
    for meta in read_list(item, "meta_data", items_max=META_MAX):
        if isinstance(meta, dict) and meta.get("key") == "_refunded_item_id":
            return read_text(meta, "value", characters_max=CODE_CHARACTERS_MAX)
    return ""
