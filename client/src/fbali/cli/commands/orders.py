"""`fbali orders`: see orders with vendors, costs and parcels."""

from dataclasses import dataclass
from datetime import datetime

import click

from fbali.cli import names
from fbali.cli.command import Noun, options_as
from fbali.cli.invocation import Invocation, message_as_dict
from fbali.cli.listing import Paging, paging_options, read_list, say_more
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


@dataclass(frozen=True, slots=True)
class Selection:
    """Which orders are listed."""

    tag: str
    store: str | None
    vendor: str | None
    since: datetime | None
    until: datetime | None


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
)


@click.group(cls=Noun)
def orders() -> None:
    """See orders with vendors, costs and parcels."""


@orders.command("list", example="fbali orders list --tag pending")
@selection_options
@paging_options
@click.pass_obj
def list_orders(invocation: Invocation, *, selection: Selection, paging: Paging) -> None:
    """List orders, newest first, under the number of orders of each tag.

    Pending orders wait for a vendor, processing ones are with vendors, in-transit ones with
    carriers; exception means that a parcel is in trouble.
    """
    from fbali.cli.contract_values import timestamp
    from fbali.cli.views.order_list import TAGS as TAG_VALUES
    from fbali.cli.views.order_list import order_list
    from fbali.v1.order_service_pb2 import CountOrdersRequest, ListOrdersRequest

    store = selection.store or ""
    request = ListOrdersRequest(
        parent="merchants/-",
        tag=TAG_VALUES[selection.tag],
        store=store,
        vendor=selection.vendor or "",
        placed_after_time=timestamp(selection.since),
        placed_before_time=timestamp(selection.until),
    )
    found = read_list(invocation.client.orders.ListOrders, request, paging)
    counts = invocation.client.orders.CountOrders(
        CountOrdersRequest(parent="merchants/-", store=store)
    )
    document = message_as_dict(found) | message_as_dict(counts) if invocation.is_json else {}
    invocation.answer(document, lambda: order_list(found, counts))
    say_more(invocation, found.next_page_token)


@orders.command("show", example="fbali orders show o0order")
@click.argument("order", type=names.ORDER)
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
    found = read_list(invocation.client.orders.ListQuarantinedOrders, request, paging)
    invocation.answer(found, lambda: quarantined_list(found))
    say_more(invocation, found.next_page_token)
