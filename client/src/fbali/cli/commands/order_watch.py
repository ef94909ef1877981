"""`fbali orders watch`: tell what happens to an order until it is where it should be."""

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation

INTERVAL_SECONDS = 10
UNTIL = ["processing", "in-transit", "exception", "delivered"]


@click.command("watch", cls=Verb, example="fbali orders watch o0order --until exception")
@click.argument("order", type=names.ORDER)
@click.option(
    "--until",
    type=click.Choice(UNTIL),
    default="delivered",
    show_default=True,
    help="Stop when it is as far as this.",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=1, max=86400),
    default=INTERVAL_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Ask this often, where the server cannot tell of changes by itself.",
)
@click.option("--exit-status", is_flag=True, help="Fail when it ends without having been there.")
@click.pass_obj
def watch(
    invocation: Invocation, *, order: str, until: str, interval: float, exit_status: bool
) -> int:
    """Tell when status, vendors' parts or parcels of an order change, line by line.

    Also stops when the order has ended otherwise, such as cancelled. With -o json the order is
    printed once, at the end.
    """
    from fbali.cli.changes import changes_between, tell
    from fbali.cli.news import Outage, Watcher
    from fbali.cli.order_watching import WATCH_SECONDS_MAX, is_over, is_reached, states_in
    from fbali.cli.sync_following import Patience
    from fbali.v1.order_service_pb2 import GetOrderRequest, GetOrderResponse, WatchOrdersRequest

    client = invocation.client
    wanted = WatchOrdersRequest(parent=order.partition("/orders/")[0], orders=[order])
    watcher = Watcher(Patience(WATCH_SECONDS_MAX), interval, Outage(invocation.say))
    before, now = None, None
    for now in watcher.news(
        lambda _event: client.orders.GetOrder(GetOrderRequest(name=order)).order,
        lambda patience: client.watch_orders(wanted, patience),
    ):
        changes = changes_between(states_in(before) if before else {}, states_in(now))
        tell(invocation, changes, is_first=before is None)
        before = now
        if is_reached(now, until) or is_over(now):
            break
    if now and invocation.choices.output == "json":
        invocation.answer(GetOrderResponse(order=now), list)
    is_there = now is not None and is_reached(now, until)
    return ExitCode.ERROR if exit_status and not is_there else ExitCode.OK
