"""`fbali orders`: see orders with vendors, costs and parcels."""

from dataclasses import dataclass
from datetime import datetime

import click

from fbali.cli import names
from fbali.cli.command import Noun, fields_option, options_as
from fbali.cli.commands.order_holds import cancel, hold, release
from fbali.cli.commands.order_placing import place
from fbali.cli.commands.order_watch import watch
from fbali.cli.invocation import Invocation, message_as_dict
from fbali.cli.listing import Paging, answer_list, paging_options, read_list, say_more, stream_list
from fbali.cli.parameters import MOMENT

TAGS = [
    "all",
    "pending",
    "processing",
    "in-transit",
    "exception",
    "delivered",
    "not-admitted",
    "ended",
]
HOLD_REASONS = [
    "merchant",
    "address",
    "payment",
    "fraud-risk",
    "out-of-stock",
    "margin",
    "duplicate-suspect",
    "cool-off",
]
SORTINGS = ["newest", "oldest", "total"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which orders are listed."""

    tag: str
    store: str | None
    vendor: str | None
    since: datetime | None
    until: datetime | None
    search: str
    country: str
    peculiarity: str | None
    hold_reason: str | None
    sort: str


selection_options = options_as(
    Selection,
    "selection",
    click.option("--tag", type=click.Choice(TAGS), default="all", help="Only orders of this tag."),
    click.option("--store", type=names.STORE, help="Only orders of this store."),
    click.option("--vendor", type=names.VENDOR, help="Only orders that this vendor has a part of."),
    click.option(
        "--since", type=MOMENT, metavar="DATE", help="Ordered at or after this local time."
    ),
    click.option("--until", type=MOMENT, metavar="DATE", help="Ordered before this local time."),
    click.option(
        "--search",
        metavar="TEXT",
        default="",
        help="Only orders with all these words, or beginnings of them, in their number, customer,"
        " SKUs, product titles or tracking numbers.",
    ),
    click.option(
        "--country", metavar="CODE", default="", help="Only orders to this country, such as DE."
    ),
    click.option("--held", "peculiarity", flag_value="held", help="Only orders on hold."),
    click.option(
        "--unhosted",
        "peculiarity",
        flag_value="unhosted",
        help="Only orders with products that no vendor hosts.",
    ),
    click.option(
        "--over-allocated",
        "peculiarity",
        flag_value="over-allocated",
        help="Only orders of which vendors have more than is left.",
    ),
    click.option(
        "--stalled",
        "peculiarity",
        flag_value="tracking-stalled",
        help="Only orders with a parcel that shows no progress for longer than is usual.",
    ),
    click.option(
        "--hold-reason", type=click.Choice(HOLD_REASONS), help="Only orders on hold for this."
    ),
    click.option(
        "--sort",
        type=click.Choice(SORTINGS),
        default="newest",
        help="Newest or oldest first, or highest total first.",
    ),
)


@click.group(cls=Noun)
def orders() -> None:
    """See orders with vendors, costs and parcels."""


for command in (hold, release, cancel, place, watch):
    orders.add_command(command)


@orders.command("list", example="fbali orders list --tag pending")
@selection_options
@paging_options
@click.pass_obj
def list_orders(invocation: Invocation, *, selection: Selection, paging: Paging) -> None:
    """List orders under the number of orders of each tag.

    Pending orders wait for a vendor, processing ones are with vendors, in-transit ones with
    carriers; exception means that a parcel is in trouble.
    """
    from fbali.cli.contract_values import timestamp, value_of
    from fbali.cli.views.order_list import TAGS as TAG_VALUES
    from fbali.cli.views.order_list import order_list, order_table
    from fbali.v1.hold_pb2 import HoldReason
    from fbali.v1.order_service_pb2 import (
        CountOrdersRequest,
        ListOrdersRequest,
        OrderPeculiarity,
        OrderSorting,
    )

    store = selection.store or ""
    request = ListOrdersRequest(
        parent="merchants/-",
        tag=TAG_VALUES[selection.tag],
        store=store,
        vendor=selection.vendor or "",
        placed_after_time=timestamp(selection.since),
        placed_before_time=timestamp(selection.until),
        search=selection.search,
        region_code=selection.country.upper(),
        hold_reason=value_of(HoldReason, "HOLD_REASON", selection.hold_reason),
        peculiarity=value_of(OrderPeculiarity, "ORDER_PECULIARITY", selection.peculiarity),
        sorting=value_of(
            OrderSorting, "ORDER_SORTING", None if selection.sort == "newest" else selection.sort
        ),
    )
    if invocation.is_streamed:  # The counts are no rows.
        list_call = invocation.client.orders.ListOrders
        stream_list(invocation, list_call, request, paging, lambda page: [order_table(page)])
        return
    found = read_list(invocation.client.orders.ListOrders, request, paging)
    counts = invocation.client.orders.CountOrders(
        CountOrdersRequest(parent="merchants/-", store=store)
    )
    document = invocation.as_dict(found) | message_as_dict(counts) if invocation.is_json else {}
    invocation.answer(document, lambda: order_list(found, counts))
    say_more(invocation, found.next_page_token)


@orders.command("show", example="fbali orders show o0order")
@click.argument("order", type=names.ORDER)
@fields_option
@click.pass_obj
def show(invocation: Invocation, *, order: str) -> None:
    """Show everything about an order.

    Customer, lines, and for every vendor what it fulfils, its costs, its parcels with their
    tracking; then the costs of all vendors and the history.
    """
    from fbali.cli.views.order_detail import order_document
    from fbali.v1.order_service_pb2 import GetOrderRequest

    found = invocation.client.orders.GetOrder(GetOrderRequest(name=order))
    invocation.answer(found, lambda: order_document(found.order))


@orders.command("quarantined", example="fbali orders quarantined")
@paging_options
@click.pass_obj
def quarantined(invocation: Invocation, *, paging: Paging) -> None:
    """List the orders that could not be taken from a store, and why.

    Each is tried again whenever the store sends it: correct it there.
    """
    from fbali.cli.views.order_list import quarantined_list
    from fbali.v1.order_service_pb2 import ListQuarantinedOrdersRequest

    request = ListQuarantinedOrdersRequest(parent="merchants/-")
    answer_list(
        invocation,
        invocation.client.orders.ListQuarantinedOrders,
        request,
        paging,
        quarantined_list,
    )
