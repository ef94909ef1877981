"""`fbali sync`: fetch new and changed orders from the stores."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation
from fbali.errors import FbaliError

if TYPE_CHECKING:  # Loading them here would cost `fbali sync --help` the start of gRPC.
    from fbali.cli.sync_following import Progress
    from fbali.v1.store_pb2 import Store, SyncRun

WAIT_SECONDS = 3600


@click.command("sync", cls=Verb, example="fbali sync")
@click.argument("store", type=names.STORE, required=False)
@click.option("--no-wait", is_flag=True, help="Ask for it and do not follow it.")
@click.option(
    "--wait",
    type=click.IntRange(min=1),
    default=WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Follow it for so long.",
)
@click.pass_obj
def sync(invocation: Invocation, *, store: str | None, no_wait: bool, wait: int) -> int:
    """Fetch new and changed orders from the stores.

    Syncs STORE, or all connected stores. Follows the sync to its end and fails when it fails; the
    sync itself goes on at the server even if you interrupt this command.
    """
    from fbali.cli.sync_following import is_unfinished
    from fbali.cli.views.sync_views import sync_summary
    from fbali.v1.order_service_pb2 import ListSyncRunsResponse

    chosen = _chosen_stores(invocation, store)
    runs, refused = _start(invocation, chosen, is_only_one=store is not None)
    if not no_wait:
        runs = _follow(invocation, runs, wait)
    found = ListSyncRunsResponse(sync_runs=runs.values())
    invocation.answer(found, lambda: sync_summary(runs, refused))
    if not no_wait and is_unfinished(runs):
        invocation.say("It still goes on at the server; follow it with: fbali sync")
        return ExitCode.UNAVAILABLE
    return ExitCode.ERROR if refused or _has_failure(runs) else ExitCode.OK


def _chosen_stores(invocation: Invocation, store: str | None) -> "list[Store]":
    """Give the named store, or all that are connected."""
    from fbali.pages import each_item
    from fbali.v1.hosting_service_pb2 import GetStoreRequest, ListStoresRequest
    from fbali.v1.store_pb2 import StorePlatform, StoreState

    hosting = invocation.client.hosting
    if store:
        return [hosting.GetStore(GetStoreRequest(name=store)).store]
    known = list(each_item(hosting.ListStores, ListStoresRequest(parent="merchants/-")))
    if not known:
        raise click.ClickException("there are no stores; run: fbali stores connect ADDRESS")
    connected = [
        one
        for one in known
        if one.state == StoreState.STORE_STATE_CONNECTED
        and one.platform != StorePlatform.STORE_PLATFORM_FILES
    ]
    if not connected:
        raise click.ClickException("no connected store can be synced; see: fbali stores list")
    return connected


def _start(
    invocation: Invocation, stores: "list[Store]", *, is_only_one: bool
) -> "tuple[dict[str, SyncRun], dict[str, str]]":
    """Ask for the syncs; of several stores, one that is refused does not stop the others."""
    from fbali.v1.order_service_pb2 import SyncOrdersRequest

    runs: dict[str, SyncRun] = {}
    refused: dict[str, str] = {}
    for store in stores:
        label = store.display_name
        if label in runs or label in refused:
            label = f"{label} {names.last_part(store.name)}"
        try:
            request = SyncOrdersRequest(name=store.name)
            runs[label] = invocation.client.orders.SyncOrders(request).sync_run
        except FbaliError as error:
            if is_only_one:
                raise
            refused[label] = error.message
    return runs, refused


def _follow(invocation: Invocation, runs: "dict[str, SyncRun]", wait: int) -> "dict[str, SyncRun]":
    from fbali.cli.sync_following import Patience, follow
    from fbali.v1.order_service_pb2 import GetSyncRunRequest

    def get_run(name: str) -> "SyncRun":
        return invocation.client.orders.GetSyncRun(GetSyncRunRequest(name=name)).sync_run

    try:
        with _progress(invocation) as progress:
            return follow(runs, get_run, progress, Patience(wait))
    except KeyboardInterrupt:
        invocation.say("The sync goes on at the server; see: fbali stores runs STORE")
        raise


@contextlib.contextmanager
def _progress(invocation: Invocation) -> "Iterator[Progress]":
    from fbali.cli.sync_progress import Bars, Lines, Silence

    if invocation.is_json:
        yield Silence()
    elif sys.stderr.isatty() and invocation.environment.get("TERM") != "dumb":
        with Bars() as bars:
            yield bars
    else:
        yield Lines()


def _has_failure(runs: "dict[str, SyncRun]") -> bool:
    from fbali.v1.store_pb2 import SyncRunState

    return any(run.state == SyncRunState.SYNC_RUN_STATE_FAILED for run in runs.values())
