"""Shows one vendor's part of an order: what it fulfils, every cost, every parcel with its scans."""

from collections.abc import Iterator

from fbali.cli.document import (
    Block,
    Cell,
    Column,
    Fields,
    Heading,
    Note,
    Table,
    Word,
    without_zero_columns,
)
from fbali.cli.views.values import address_lines, amount, amounts, last_part, moment, money
from fbali.cli.views.words import text_of, word
from fbali.v1.allocation_pb2 import Allocation, AllocationLine, AllocationState, RejectReason
from fbali.v1.cost_entry_pb2 import CostKind, CostSource
from fbali.v1.package_pb2 import (
    ExceptionReason,
    Package,
    PackageState,
    StallProblem,
    TrackingEvent,
)

_LINE_COLUMNS = [
    Column("UNITS", right=True),
    Column("PACKED", right=True),
    Column("RETURNED", right=True),
    Column("ASKED BACK", right=True),
    Column("PRODUCT", flexible=True),
    Column("SKU", spare=1),
    Column("VENDOR SKU", spare=2),
    Column("UNIT COST", right=True),
    Column("BUY AT", flexible=True, spare=3),
]
_SHOWN_WHEN_USED = {"RETURNED", "ASKED BACK", "SKU", "VENDOR SKU", "UNIT COST", "BUY AT"}
_COST_COLUMNS = [
    Column("WHEN"),
    Column("COST"),
    Column("SOURCE"),
    Column("AMOUNT", right=True),
    Column("NOTE", flexible=True),
]
_SCAN_COLUMNS = [
    Column("WHEN"),
    Column("STATUS"),
    Column("WHERE", flexible=True),
    Column("WHAT", flexible=True),
    Column("SAID BY", spare=1),
]


def allocation_blocks(allocation: Allocation) -> Iterator[Block]:
    """Show the parts below the heading that names the vendor or the order."""
    yield Fields(
        [
            ("Handed to the vendor", moment(allocation, "create_time")),
            ("Accept before", moment(allocation, "accept_deadline_time")),
            ("Accepted", moment(allocation, "accept_time")),
            ("Answer cancellation before", moment(allocation, "cancellation_deadline_time")),
            ("Address changed", moment(allocation, "address_change_time")),
            ("Ended", moment(allocation, "close_time")),
            ("Reason", text_of(RejectReason, allocation.reject_reason)),
            ("Vendor's words", allocation.note),
        ]
    )
    yield Heading("Fulfils", level=2)
    yield _lines(allocation)
    yield Heading("Costs", level=2)
    yield from _costs(allocation)
    for number, package in enumerate(allocation.packages, start=1):
        yield from _package(package, number, allocation)
    if not allocation.packages:
        yield Heading("Parcels", level=2)
        yield Table([], [], "No parcel yet.")


def _lines(allocation: Allocation) -> Table:
    rows: list[list[Cell]] = [
        [
            line.quantity,
            line.packed_quantity,
            line.returned_quantity,
            line.cancellation_quantity,
            line.title,
            line.sku,
            line.vendor_sku,
            money(line, "unit_cost"),
            line.purchase_url,
        ]
        for line in allocation.lines
    ]
    table = Table(_LINE_COLUMNS, rows, "No units.")
    return without_zero_columns(table, _SHOWN_WHEN_USED)


def _costs(allocation: Allocation) -> Iterator[Block]:
    rows: list[list[Cell]] = [
        [
            moment(entry, "create_time"),
            text_of(CostKind, entry.kind),
            text_of(CostSource, entry.source),
            amount(entry.amount),
            entry.note,
        ]
        for entry in allocation.costs
    ]
    yield without_zero_columns(Table(_COST_COLUMNS, rows, "No cost yet."), {"NOTE"})
    yield Fields(
        [
            ("Total quoted", amounts(allocation.quoted_totals)),
            ("Total recorded", amounts(allocation.actual_totals)),
        ]
    )


def _package(package: Package, number: int, allocation: Allocation) -> Iterator[Block]:
    state = word(PackageState, package.state)
    reason = text_of(ExceptionReason, package.exception_reason)
    aside = Word(f"{state.text}: {reason}", state.tone) if reason else state
    yield Heading(f"Parcel {number}: {package.tracking_number}", aside, level=2)
    yield Fields(
        [
            ("Id", last_part(package.name)),
            ("Carrier", package.carrier_code),
            ("Contents", _contents(package, allocation)),
            ("Announced", moment(package, "create_time")),
            ("Handed over", moment(package, "hand_over_time")),
            ("Delivered", moment(package, "deliver_time")),
            ("Looked up next", moment(package, "next_poll_time")),
            ("Not followed", package.tracking_problem),
            ("Stalled", text_of(StallProblem, package.stall_problem)),
        ]
    )
    yield _scans(package)


def _scans(package: Package) -> Table:
    """List the scans, the newest first, as carriers' pages do."""
    rows: list[list[Cell]] = [
        [
            moment(event, "occur_time"),
            _scan_word(event),
            event.location,
            event.description,
            event.source,
        ]
        for event in reversed(package.events)
    ]
    return Table(_SCAN_COLUMNS, rows, "No tracking news yet.")


def _scan_word(event: TrackingEvent) -> Word:
    state = word(PackageState, event.state, unspecified=event.raw_status)
    reason = text_of(ExceptionReason, event.exception_reason)
    return Word(f"{state.text}: {reason}", state.tone) if reason else state


def _contents(package: Package, allocation: Allocation) -> str:
    titles: dict[str, AllocationLine] = {line.line: line for line in allocation.lines}
    parts = []
    for line in package.lines:
        known = titles.get(line.line)
        parts.append(f"{line.quantity} x {known.title if known else last_part(line.line)}")
    return "\n".join(part.replace("\n", " ") for part in parts)


def allocation_document(allocation: Allocation) -> Iterator[Block]:
    """Show a vendor its part of an order."""
    state = word(AllocationState, allocation.state)
    yield Heading(f"Order {allocation.order_number} of {allocation.merchant_display_name}", state)
    yield Fields(
        [
            ("Allocation", last_part(allocation.name)),
            ("Ship to", address_lines(allocation.recipient)),
        ]
    )
    yield from allocation_blocks(allocation)
    yield from _next_steps(allocation)


def _next_steps(allocation: Allocation) -> Iterator[Note]:
    """Say what the vendor is asked for, and how to answer."""
    name = last_part(allocation.name)
    if allocation.state == AllocationState.ALLOCATION_STATE_SUBMITTED:
        yield Note(f"Answer it with: fbali allocations accept {name}")
    if allocation.state == AllocationState.ALLOCATION_STATE_CANCELLATION_REQUESTED:
        way = f"fbali allocations answer-cancellation {name} --agree, or --refuse"
        yield Note(f"Units are asked back; answer with: {way}")
    if allocation.HasField("address_change_time"):
        yield Note("The address changed after you accepted; send it to the one above.")
