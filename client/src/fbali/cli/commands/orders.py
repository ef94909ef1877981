"""`fbali orders`: see orders with vendors, costs and parcels."""

import click

from fbali.cli import names
from fbali.cli.command import Noun, fields_option
from fbali.cli.commands.order_files import export, import_file, import_runs
from fbali.cli.commands.order_holds import cancel, hold, release
from fbali.cli.commands.order_placing import place
from fbali.cli.commands.order_selection import Selection, selection_fields, selection_options
from fbali.cli.commands.order_watch import watch
from fbali.cli.invocation import Invocation, message_as_dict
from fbali.cli.listing import Paging, answer_list, paging_options, read_list, say_more, stream_list

SORTINGS = ["newest", "oldest", "total"]


@click.group(cls=Noun)
def orders() -> None:
    """See orders with vendors, costs and parcels."""


for command in (hold, release, cancel, place, watch, import_file, import_runs, export):
    orders.add_command(command)


@orders.command("list", example="fbali orders list --tag pending")
@selection_options
@click.option(
    "--sort",
    type=click.Choice(SORTINGS),
    default="newest",
    help="Newest or oldest first, or highest total first.",
)
@paging_options
@click.pass_obj
def list_orders(invocation: Invocation, *, selection: Selection, sort: str, paging: Paging) -> None:
    """List orders under the number of orders of each tag.

    Pending orders wait for a vendor, processing ones are with vendors, in-transit ones with
    carriers; exception means that a parcel is in trouble.
    """
    from fbali.cli.contract_values import value_of
    from fbali.cli.views.order_list import order_list, order_table
    from fbali.v1.order_service_pb2 import CountOrdersRequest, ListOrdersRequest, OrderSorting

    store = selection.store or ""
    request = ListOrdersRequest(
        parent="merchants/-",
        sorting=value_of(OrderSorting, "ORDER_SORTING", None if sort == "newest" else sort),
        **selection_fields(selection),
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
