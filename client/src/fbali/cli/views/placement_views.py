"""Shows what placing orders comes to: per order, per vendor, and what still waits."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from fbali.cli.document import (
    Block,
    Cell,
    Column,
    Heading,
    Note,
    Table,
    Tone,
    Word,
    without_zero_columns,
)
from fbali.cli.views.order_results import refusal
from fbali.cli.views.product_views import product_list
from fbali.cli.views.values import amounts, last_part, money
from fbali.cli.views.words import text_of
from fbali.v1.money_pb2 import Money
from fbali.v1.order_pb2 import PendingReason
from fbali.v1.placement_pb2 import OrderPlacement, PlacementPart
from fbali.v1.product_pb2 import Product

_ORDER_COLUMNS = [
    Column("ORDER"),
    Column("RESULT", flexible=True, width_min=24),
    Column("UNITS", right=True, spare=2),
    Column("WAITING", right=True),
    Column("DONE", right=True),
    Column("REVENUE", right=True, spare=3),
    Column("QUOTED COST", right=True),
    Column("MARGIN", right=True),
    Column("ID", spare=1),
]
_PART_COLUMNS = [
    Column("ORDER"),
    Column("UNITS", right=True),
    Column("PRODUCTS", flexible=True, width_min=24),
    Column("QUOTED COST", right=True),
    Column("ALLOCATION", spare=1),
]
_WAITING_COLUMNS = [
    Column("ORDER"),
    Column("UNITS", right=True),
    Column("PRODUCT", flexible=True, width_min=24),
    Column("WHY", flexible=True),
]
_Parts = list[tuple[OrderPlacement, PlacementPart]]


def preview_document(
    placements: Sequence[OrderPlacement], unhosted_products: Sequence[Product]
) -> Iterator[Block]:
    """Show what would happen, and the products that a choice is to be made for."""
    yield from _placements(placements, "can be placed")
    if unhosted_products:
        yield Heading("Products that no vendor hosts")
        yield from product_list(unhosted_products, "")


def placed_document(placements: Sequence[OrderPlacement]) -> Iterator[Block]:
    """Show what happened."""
    yield from _placements(placements, "placed")


def _placements(placements: Sequence[OrderPlacement], placed: str) -> Iterator[Block]:
    yield Heading("Orders")
    table = Table(_ORDER_COLUMNS, [_order_row(one, placed) for one in placements], "No orders.")
    yield without_zero_columns(table, {"WAITING", "DONE", "REVENUE", "QUOTED COST", "MARGIN"})
    yield from _totals(placements)
    for parts in _by_vendor(placements).values():
        yield from _vendor_blocks(parts)
    rows: list[list[Cell]] = [
        [_number(one), line.quantity, line.title, text_of(PendingReason, line.reason, "open")]
        for one in placements
        for line in one.waiting_lines
    ]
    if rows:
        yield Heading("Waiting")
        yield Table(_WAITING_COLUMNS, rows)


def _order_row(one: OrderPlacement, placed: str) -> list[Cell]:
    return [
        _number(one),
        _result(one, placed),
        sum(_units(part) for part in one.parts),
        sum(line.quantity for line in one.waiting_lines),
        one.excluded_quantity,
        money(one, "revenue"),
        amounts(one.quoted_totals),
        money(one, "margin"),
        last_part(one.order),
    ]


def _result(one: OrderPlacement, placed: str) -> Word:
    if one.refusal_reason:
        return refusal(one.refusal_reason, one.refusal_message)
    if one.parts:
        return Word(f"{placed} in part" if one.waiting_lines else placed, Tone.GOOD)
    return Word("waits", Tone.WAITING) if one.waiting_lines else Word("nothing to place")


def _totals(placements: Sequence[OrderPlacement]) -> Iterator[Note]:
    """Add up what many orders come to, per currency."""
    with_parts = [one for one in placements if one.parts]
    if not with_parts:
        return
    costs = _summed(total for one in with_parts for total in one.quoted_totals)
    margins = _summed(one.margin for one in with_parts if one.HasField("margin"))
    unknown = sum(not one.HasField("margin") for one in with_parts)
    text = f"Quoted costs: {costs or 'none'}; margin: {margins or 'not known'}"
    if margins and unknown:
        text += f", and not known for {unknown} orders"
    yield Note(text)
    pairs = sorted({pair for one in with_parts for pair in one.missing_rates})
    if pairs:
        yield Note(f"Missing exchange rates: {', '.join(pairs)}; see: fbali exchange-rates set")


def _by_vendor(placements: Sequence[OrderPlacement]) -> dict[str, _Parts]:
    found: dict[str, _Parts] = defaultdict(list)
    for one in placements:
        for part in one.parts:
            found[part.vendor].append((one, part))
    return found


def _vendor_blocks(parts: _Parts) -> Iterator[Block]:
    """Show all that one vendor gets."""
    costs = _summed(total for _, part in parts for total in part.quoted_totals)
    units = sum(_units(part) for _, part in parts)
    aside = f"{len(parts)} orders, {units} units, {costs or 'no quoted cost'}"
    yield Heading(f"Vendor: {parts[0][1].vendor_display_name}", Word(aside, Tone.QUIET))
    rows: list[list[Cell]] = [
        [
            _number(one),
            _units(part),
            ", ".join(f"{line.quantity} x {line.title}" for line in part.lines),
            amounts(part.quoted_totals),
            last_part(part.allocation),
        ]
        for one, part in parts
    ]
    yield without_zero_columns(Table(_PART_COLUMNS, rows), {"QUOTED COST", "ALLOCATION"})


def _summed(found: Iterable[Money]) -> str:
    sums: Counter[str] = Counter()
    for one in found:
        sums[one.currency_code] += one.amount_minor
    return amounts(
        Money(currency_code=code, amount_minor=total) for code, total in sorted(sums.items())
    )


def _units(part: PlacementPart) -> int:
    return sum(line.quantity for line in part.lines)


def _number(one: OrderPlacement) -> str:
    return one.order_number or last_part(one.order)
