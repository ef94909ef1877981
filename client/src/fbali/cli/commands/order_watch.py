"""`fbali orders watch`: tell what happens to an order until it is where it should be."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation
from fbali.cli.terminal_text import neutral

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.cli.order_watching import Change

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
    help="Ask this often.",
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
    from fbali.cli.order_watching import (
        WATCH_SECONDS_MAX,
        answers,
        changes_between,
        is_over,
        is_reached,
    )
    from fbali.cli.sync_following import Patience
    from fbali.v1.order_pb2 import Order
    from fbali.v1.order_service_pb2 import GetOrderRequest, GetOrderResponse

    def get_order() -> Order:
        return invocation.client.orders.GetOrder(GetOrderRequest(name=order)).order

    before: Order | None = None
    for now in answers(get_order, Patience(WATCH_SECONDS_MAX), interval, invocation.say):
        _tell(invocation, changes_between(before, now), is_first=before is None)
        before = now
        if is_reached(now, until) or is_over(now):
            break
    if before and invocation.choices.output == "json":
        invocation.answer(GetOrderResponse(order=before), list)
    is_there = before is not None and is_reached(before, until)
    return ExitCode.ERROR if exit_status and not is_there else ExitCode.OK


def _tell(invocation: Invocation, changes: "list[Change]", *, is_first: bool) -> None:
    """Print changes at once; somebody may be reading them from a pipe."""
    from fbali.cli.document import Column, Table
    from fbali.cli.times import format_time_exactly

    if not changes or invocation.choices.output == "json":
        return
    moment = format_time_exactly(datetime.now(UTC))  # noqa: TID251 - When it was seen here.
    rows = [[moment, one.subject, one.name, one.before, one.after] for one in changes]
    titles = ["time", "subject", "name", "before", "after"]
    if invocation.choices.output == "jsonl":
        for row in rows:
            invocation.answer(dict(zip(titles, row, strict=True)), list)
    elif invocation.choices.output == "csv":
        table = Table([Column(title.upper()) for title in titles], rows)
        invocation.answer_rows({}, lambda: [table], is_first=is_first)
    else:
        for one in changes:
            click.echo(neutral(f"{moment}  {one.subject} {one.name}: {_words(one)}"))
    sys.stdout.flush()


def _words(change: "Change") -> str:
    return f"{change.before} -> {change.after}" if change.before else change.after
