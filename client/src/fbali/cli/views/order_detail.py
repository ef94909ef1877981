"""Shows everything about one order: the page that a merchant opens when a customer asks."""

from collections.abc import Iterator

from fbali.cli.document import (
    Block,
    Cell,
    Column,
    Fields,
    Heading,
    Note,
    Table,
    Tone,
    Word,
    without_zero_columns,
)
from fbali.cli.views.allocation_blocks import allocation_blocks
from fbali.cli.views.order_history import history_table
from fbali.cli.views.values import address_lines, amounts, last_part, moment, money
from fbali.cli.views.words import text_of, word
from fbali.cli.views.write_back_views import told_blocks
from fbali.v1.allocation_pb2 import AllocationState
from fbali.v1.hold_pb2 import HoldReason
from fbali.v1.order_pb2 import Admission, Order, OrderLine, PendingReason, ShippingStatus

_LINE_COLUMNS = [
    Column("PRODUCT", flexible=True, width_min=24),
    Column("SKU", spare=2),
    Column("PRICE", right=True, spare=1),
    Column("MARGIN", right=True, spare=3),
    Column("ORDERED", right=True),
    Column("REMOVED", right=True),
    Column("ELSEWHERE", right=True),
    Column("EXCLUDED", right=True),
    Column("OPEN", right=True),
    Column("ALLOCATED", right=True),
    Column("PACKED", right=True),
    Column("SHIPPED", right=True),
    Column("DELIVERED", right=True),
    Column("SETTLED", right=True),
]
_HOLD_COLUMNS = [
    Column("WHY", flexible=True),
    Column("UNTIL"),
    Column("SINCE", spare=1),
    Column("BY", spare=2),
    Column("NOTE", flexible=True),
]
_SHOWN_WHEN_USED = {
    "SKU",
    "MARGIN",
    "REMOVED",
    "ELSEWHERE",
    "EXCLUDED",
    "ALLOCATED",
    "PACKED",
    "SHIPPED",
    "DELIVERED",
    "SETTLED",
}


def order_document(order: Order) -> Iterator[Block]:
    """Show customer, lines, a part for every vendor, all costs, and the history."""
    yield Heading(f"Order {order.number}", status_word(order))
    yield _facts(order)
    yield from _holds(order)
    yield Heading("Lines")
    yield _lines(order)
    yield from _waiting_notes(order)
    if any(line.over_allocated for line in order.lines):
        yield Note(
            "The store removed units after a vendor accepted them; a cancellation is asked for."
        )
    for allocation in order.allocations:
        state = word(AllocationState, allocation.state)
        aside = Word(f"{state.text}  {last_part(allocation.name)}", state.tone)
        yield Heading(f"Vendor: {allocation.vendor_display_name}", aside)
        yield from allocation_blocks(allocation)
    if not order.allocations:
        yield Heading("Vendors")
        yield Table([], [], "No vendor has a part of this order yet.")
    yield from told_blocks(order)
    yield Heading("Costs of all vendors", Word(amounts(order.cost_totals) or "none yet"))
    yield from _margin(order)
    yield Heading("History")
    yield history_table(order)


def status_word(order: Order) -> Word:
    """Say where an order is, or why it is not processed."""
    if order.admission != Admission.ADMISSION_ADMITTED:
        return Word(text_of(Admission, order.admission, "not processed"), Tone.QUIET)
    status = word(ShippingStatus, order.shipping_status, unspecified="ended")
    return Word(f"{status.text}, stalled", Tone.BAD) if order.tracking_stalled else status


def _facts(order: Order) -> Fields:
    email = f" <{order.customer_email}>" if order.customer_email else ""
    return Fields(
        [
            ("Customer", f"{order.customer_name}{email}"),
            ("Customer's note", order.customer_note),
            ("Ship to", address_lines(order.recipient)),
            ("Ordered", moment(order, "place_time")),
            ("Cancelled", moment(order, "cancel_time")),
            ("Total", money(order, "total")),
            ("Refunded", money(order, "refunded")),
            ("Status in the store", order.store_status),
            ("Store", last_part(order.store)),
            ("Id in the store", order.external_id),
            ("Id", last_part(order.name)),
        ]
    )


def _holds(order: Order) -> Iterator[Block]:
    """List why it is held; an order without holds says nothing of them."""
    if not order.holds:
        return
    yield Heading("Holds")
    rows: list[list[Cell]] = [
        [
            text_of(HoldReason, hold.reason),
            moment(hold, "expire_time") or "released",
            moment(hold, "create_time"),
            "system" if hold.owner == "system" else "merchant",
            hold.note,
        ]
        for hold in order.holds
    ]
    yield without_zero_columns(Table(_HOLD_COLUMNS, rows), {"NOTE"})
    yield Note(f"Release it with: fbali orders release {last_part(order.name)}")


def _margin(order: Order) -> Iterator[Block]:
    """Say what stays, or which rates it takes to say so."""
    if order.HasField("margin"):
        tone = Tone.BAD if order.margin.amount_minor < 0 else Tone.GOOD
        yield Heading("Margin", Word(money(order, "margin"), tone))
    if order.missing_rates:
        yield Heading("Margin", Word("not known", Tone.WAITING))
        for pair in order.missing_rates:
            currencies = pair.replace("/", " ")
            yield Note(
                f"No rate {pair} was in force when it was placed; record one with: fbali"
                f" exchange-rates set {currencies} RATE --since DAY"
            )


def _lines(order: Order) -> Table:
    table = Table(_LINE_COLUMNS, [_line_row(line) for line in order.lines], "No lines.")
    return without_zero_columns(table, _SHOWN_WHEN_USED)


def _waiting_notes(order: Order) -> Iterator[Note]:
    """Say which units wait and why."""
    for line in order.lines:
        if line.open_quantity:
            reason = text_of(PendingReason, line.pending_reason, "it will be allocated soon")
            yield Note(f"Pending: {line.open_quantity} x {line.title}: {reason}")
    if any(line.pending_reason == PendingReason.PENDING_REASON_UNHOSTED for line in order.lines):
        yield Note("See all products that no vendor hosts with: fbali products unhosted")


def _line_row(line: OrderLine) -> list[str | int | Word]:
    return [
        f"{line.title} (sent again)" if line.replacement else line.title,
        line.sku,
        money(line, "price"),
        money(line, "margin"),
        line.ordered_quantity,
        line.removed_quantity,
        line.elsewhere_quantity,
        line.excluded_quantity,
        line.open_quantity,
        line.allocated_quantity,
        line.packed_quantity,
        line.handed_over_quantity,
        line.delivered_quantity,
        line.settled_quantity,
    ]
