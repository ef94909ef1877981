"""`fbali allocations watch`: tell a vendor what happens to its parts of orders."""

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.invocation import Invocation

INTERVAL_SECONDS = 30
WATCH_SECONDS_MAX = 90 * 86400


@click.command("watch", cls=Verb, example="fbali allocations watch --stop-after 2")
@click.argument("allocation", type=names.ALLOCATION, required=False)
@click.option(
    "--stop-after",
    type=click.FloatRange(min=1, max=WATCH_SECONDS_MAX),
    default=WATCH_SECONDS_MAX,
    metavar="SECONDS",
    help="Stop after so long, instead of with Ctrl-C.",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=1, max=86400),
    default=INTERVAL_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Ask this often, where the server cannot tell of changes by itself.",
)
@click.pass_obj
def watch(
    invocation: Invocation, *, allocation: str | None, stop_after: float, interval: float
) -> None:
    """Tell of new parts of orders, and when they or their parcels change, line by line.

    At first all that is not finished is told, or the one ALLOCATION. With -o json the allocations
    are printed once, at the end.
    """
    from fbali.cli.allocation_watching import Work
    from fbali.cli.changes import changes_between, tell
    from fbali.cli.news import Outage, Watcher
    from fbali.cli.sync_following import Patience
    from fbali.v1.fulfillment_service_pb2 import ListAllocationsResponse, WatchAllocationsRequest

    client = invocation.client
    work = Work(client, allocation)
    wanted = WatchAllocationsRequest(
        parent=allocation.partition("/allocations/")[0] if allocation else "vendors/-",
        allocations=[allocation] if allocation else [],
    )
    watcher = Watcher(Patience(stop_after), interval, Outage(invocation.say))
    known: dict[tuple[str, str], str] = {}
    for states in watcher.news(
        work.look, lambda patience: client.watch_allocations(wanted, patience)
    ):
        tell(invocation, changes_between(known, states), is_first=not known)
        known |= states
    if invocation.choices.output == "json":
        found = ListAllocationsResponse(allocations=work.allocations.values())
        invocation.answer(found, list)
