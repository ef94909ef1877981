"""The part of `fbali orders` that stops orders: hold, release, cancel."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.commands.order_selection import HOLD_REASONS
from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation
from fbali.cli.order_batches import call_in_batches, exit_code_of_batches, orders_argument
from fbali.cli.parameters import MOMENT

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.hold_pb2 import HoldReason
    from fbali.v1.order_pb2 import Order


@click.command(
    "hold", cls=Verb, example="fbali orders hold o0order --reason address --note 'no house number'"
)
@orders_argument
@click.option("--reason", type=click.Choice(HOLD_REASONS), required=True, help="Why.")
@click.option("--note", default="", help="In your words.")
@click.option("--until", type=MOMENT, metavar="TIME", help="It ends by itself at this local time.")
@click.pass_obj
def hold(
    invocation: Invocation,
    *,
    order_names: tuple[str, ...],
    reason: str,
    note: str,
    until: datetime | None,
) -> ExitCode:
    """Keep orders from automatic allocation until they are released.

    An order may have several holds. You can still place a held order by hand.
    """
    from fbali.cli.contract_values import timestamp
    from fbali.cli.views.order_results import result_list
    from fbali.v1.order_service_pb2 import HoldOrdersRequest, HoldOrdersResponse

    def call(batch: list[str]) -> HoldOrdersResponse:
        request = HoldOrdersRequest(
            parent="merchants/-",
            orders=batch,
            reason=_reason_value(reason),
            note=note,
            expire_time=timestamp(until),
        )
        return invocation.client.orders.HoldOrders(request)

    found, error = call_in_batches(call, order_names)
    invocation.answer(found, lambda: result_list(found.results, "held"))
    refusal_count = sum(bool(one.refusal_reason) for one in found.results)
    return exit_code_of_batches(invocation, refusal_count, error)


@click.command("release", cls=Verb, example="fbali orders release o0order --reason address")
@orders_argument
@click.option("--reason", type=click.Choice(HOLD_REASONS), help="Only holds of this reason.")
@click.pass_obj
def release(
    invocation: Invocation, *, order_names: tuple[str, ...], reason: str | None
) -> ExitCode:
    """Release holds; orders that have none any more are allocated."""
    from fbali.cli.views.order_results import result_list
    from fbali.v1.order_service_pb2 import ReleaseOrdersRequest, ReleaseOrdersResponse

    def call(batch: list[str]) -> ReleaseOrdersResponse:
        request = ReleaseOrdersRequest(
            parent="merchants/-", orders=batch, reason=_reason_value(reason)
        )
        return invocation.client.orders.ReleaseOrders(request)

    found, error = call_in_batches(call, order_names)
    invocation.answer(found, lambda: result_list(found.results, "released"))
    refusal_count = sum(bool(one.refusal_reason) for one in found.results)
    return exit_code_of_batches(invocation, refusal_count, error)


@click.command("cancel", cls=Verb, example="fbali orders cancel o0order --yes")
@click.argument("order", type=names.ORDER)
@click.option("--note", default="", help="Why, in your words.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def cancel(invocation: Invocation, *, order: str, note: str, yes: bool) -> None:
    """Stop an order as far as it can be stopped; your store is not told.

    Units that no vendor accepted are withdrawn at once. Vendors who accepted are asked, and
    answer. What is in parcels goes on.
    """
    from fbali.cli.views.order_detail import order_document
    from fbali.v1.order_service_pb2 import CancelOrderRequest, GetOrderRequest

    request = CancelOrderRequest(name=order, note=note)
    if not yes:  # Only who was shown the order can mind that it changed meanwhile.
        known = invocation.client.orders.GetOrder(GetOrderRequest(name=order)).order
        invocation.confirm(f"Cancel order {known.number}{_units_with_vendors(known)}?", yes=yes)
        request.etag = known.etag
    found = invocation.client.orders.CancelOrder(request)
    invocation.answer(found, lambda: order_document(found.order))


def _units_with_vendors(order: "Order") -> str:
    allocated = sum(line.allocated_quantity for line in order.lines)
    packed = sum(line.packed_quantity for line in order.lines)
    if not allocated + packed:
        return ""
    return f" ({allocated} units are with vendors, {packed} in parcels go on)"


def _reason_value(reason: str | None) -> "HoldReason.ValueType":
    from fbali.v1.hold_pb2 import HoldReason

    word = (reason or "unspecified").upper().replace("-", "_")
    return HoldReason.Value(f"HOLD_REASON_{word}")
