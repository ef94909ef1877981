"""Shows lists of orders under the counts of their tags."""

from collections.abc import Iterator, Mapping

from fbali.cli.document import Block, Cell, Column, Note, Table
from fbali.cli.views.order_detail import status_word
from fbali.cli.views.values import last_part, moment, money
from fbali.cli.views.words import text_of
from fbali.v1.allocation_pb2 import AllocationState
from fbali.v1.order_pb2 import Order
from fbali.v1.order_service_pb2 import (
    CountOrdersResponse,
    ListOrdersResponse,
    ListQuarantinedOrdersResponse,
    OrderTag,
)

TAGS: Mapping[str, OrderTag.ValueType] = {
    "all": OrderTag.ORDER_TAG_UNSPECIFIED,
    "pending": OrderTag.ORDER_TAG_PENDING,
    "processing": OrderTag.ORDER_TAG_PROCESSING,
    "in-transit": OrderTag.ORDER_TAG_IN_TRANSIT,
    "exception": OrderTag.ORDER_TAG_EXCEPTION,
    "delivered": OrderTag.ORDER_TAG_DELIVERED,
    "not-admitted": OrderTag.ORDER_TAG_NOT_ADMITTED,
    "ended": OrderTag.ORDER_TAG_ENDED,
}
_ENDED_STATES = {
    AllocationState.ALLOCATION_STATE_REJECTED,
    AllocationState.ALLOCATION_STATE_EXPIRED,
    AllocationState.ALLOCATION_STATE_CANCELLED,
}
_COLUMNS = [
    Column("ORDER"),
    Column("STATUS"),
    Column("PLACED"),
    Column("CUSTOMER", flexible=True),
    Column("TO", spare=2),
    Column("UNITS", right=True, spare=4),
    Column("TOTAL", right=True, spare=3),
    Column("VENDORS", flexible=True, spare=1),
    Column("ID"),
]


def order_list(orders: ListOrdersResponse, counts: CountOrdersResponse) -> Iterator[Block]:
    """Show the counts of all tags, then the orders."""
    yield Note(_counts_line(counts))
    yield order_table(orders)
    if counts.quarantined_count:
        yield Note(
            f"{counts.quarantined_count} more could not be taken; see: fbali orders quarantined"
        )


def order_table(orders: ListOrdersResponse) -> Table:
    """Show the orders alone."""
    return Table(_COLUMNS, [_row(order) for order in orders.orders], "No orders.")


def quarantined_list(found: ListQuarantinedOrdersResponse) -> Iterator[Block]:
    """Show the orders that could not be taken, and why."""
    rows = [
        [
            order.external_id,
            order.problem,
            moment(order, "create_time"),
            moment(order, "update_time"),
            last_part(order.store),
        ]
        for order in found.quarantined_orders
    ]
    columns = [
        Column("ID IN THE STORE"),
        Column("PROBLEM", flexible=True, width_min=30),
        Column("SINCE", spare=2),
        Column("LAST SEEN"),
        Column("STORE", spare=3),
    ]
    yield Table(columns, rows, "No orders are quarantined.")


def _counts_line(counts: CountOrdersResponse) -> str:
    parts = [
        f"{text_of(OrderTag, count.tag, unspecified='all')} {count.order_count}"
        for count in counts.counts
    ]
    return "  ".join(parts)


def _row(order: Order) -> list[Cell]:
    vendors = {
        allocation.vendor_display_name: None
        for allocation in order.allocations
        if allocation.state not in _ENDED_STATES
    }
    return [
        order.number,
        status_word(order),
        moment(order, "place_time"),
        order.customer_name,
        order.recipient.region_code,
        sum(line.ordered_quantity for line in order.lines),
        money(order, "total"),
        ", ".join(vendors),
        last_part(order.name),
    ]
