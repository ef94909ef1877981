"""`fbali stores`: connect and watch over web stores."""

from dataclasses import dataclass

import click

from fbali.cli import names
from fbali.cli.command import Noun, fields_option, options_as
from fbali.cli.credentials import credentials_option, read_credentials
from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options


@dataclass(frozen=True, slots=True)
class Handling:
    """How a store is handled; None keeps what is there, or takes the server's default."""

    display_name: str | None
    processing: str | None
    interval: int | None
    write_back: str | None


handling_options = options_as(
    Handling,
    "handling",
    click.option("--name", "display_name", help="What people call it."),
    click.option(
        "--processing",
        type=click.Choice(["automatic", "manual"]),
        help="Send new orders to vendors at once, or let them wait.",
    ),
    click.option(
        "--interval", type=click.IntRange(1, 86400), metavar="SECONDS", help="Sync this often."
    ),
    click.option(
        "--write-back",
        type=click.Choice(["separate", "together", "off"]),
        help="Tell the store of each parcel, of all of an order together, or of none.",
    ),
)


@click.group(cls=Noun)
def stores() -> None:
    """Connect and watch over web stores."""


@stores.command("connect", example="fbali stores connect https://shop.example --name 'My shop'")
@click.argument("address")
@handling_options
@click.option(
    "--files", "is_of_files", is_flag=True, help="No web store: orders come by fbali orders import."
)
@credentials_option
@click.pass_obj
def connect(
    invocation: Invocation,
    *,
    address: str,
    handling: Handling,
    is_of_files: bool,
    credentials_file: str | None,
) -> None:
    """Connect a WooCommerce store and start its first sync.

    Create the key in WooCommerce under Settings, Advanced, REST API, with read and write access, or
    read alone with --write-back off. It is asked for, or taken from FBALI_CONSUMER_KEY and
    FBALI_CONSUMER_SECRET, or from a file with the lines consumer_key = "ck_..." and
    consumer_secret = "cs_...".

    With --files there is no web store behind it: ADDRESS is a name of your choice, without a key.
    """
    from fbali.cli.document import Note
    from fbali.cli.views.store_views import store_document
    from fbali.v1.hosting_service_pb2 import ConnectStoreRequest
    from fbali.v1.store_pb2 import Processing, StorePlatform, WriteBackMode

    request = ConnectStoreRequest(
        parent="merchants/-",
        display_name=handling.display_name or "",
        platform=StorePlatform.STORE_PLATFORM_FILES,
        base_url=address,
        processing=Processing.Value(f"PROCESSING_{(handling.processing or 'unspecified').upper()}"),
        sync_interval_seconds=handling.interval or 0,
        write_back_mode=WriteBackMode.Value(
            f"WRITE_BACK_MODE_{(handling.write_back or 'unspecified').upper()}"
        ),
    )
    if not is_of_files:
        credentials = read_credentials(invocation, credentials_file)
        request.platform = StorePlatform.STORE_PLATFORM_WOOCOMMERCE
        request.consumer_key, request.consumer_secret = credentials.key, credentials.secret
    found = invocation.client.hosting.ConnectStore(request)
    store = names.last_part(found.store.name)
    next_step = f"Import its orders: fbali orders import FILE --store {store}"
    if not is_of_files:
        next_step = f"Its first sync has begun; follow it: fbali sync {store}"
    invocation.answer(found, lambda: [*store_document(found.store), Note(next_step)])


@stores.command("list", example="fbali stores list")
@paging_options
@click.pass_obj
def list_stores(invocation: Invocation, *, paging: Paging) -> None:
    """List your stores."""
    from fbali.cli.views.store_views import store_list
    from fbali.v1.hosting_service_pb2 import ListStoresRequest

    request = ListStoresRequest(parent="merchants/-")
    answer_list(
        invocation,
        invocation.client.hosting.ListStores,
        request,
        paging,
        lambda found: store_list(found.stores),
    )


@stores.command("show", example="fbali stores show s0store")
@click.argument("store", type=names.STORE)
@fields_option
@click.pass_obj
def show(invocation: Invocation, *, store: str) -> None:
    """Show a store."""
    from fbali.cli.views.store_views import store_document
    from fbali.v1.hosting_service_pb2 import GetStoreRequest

    found = invocation.client.hosting.GetStore(GetStoreRequest(name=store))
    invocation.answer(found, lambda: store_document(found.store))


@stores.command("test", example="fbali stores test s0store")
@click.argument("store", type=names.STORE)
@click.pass_obj
def test(invocation: Invocation, *, store: str) -> int:
    """Ask a store whether its address and key work; change nothing.

    Fails when the store does not work.
    """
    from fbali.cli.views.store_views import working_document
    from fbali.v1.hosting_service_pb2 import TestStoreRequest

    found = invocation.client.hosting.TestStore(TestStoreRequest(name=store))
    invocation.answer(found, lambda: working_document(found))
    return ExitCode.OK if found.works else ExitCode.ERROR


@stores.command("update", example="fbali stores update s0store --processing manual")
@click.argument("store", type=names.STORE)
@handling_options
@click.option("--new-credentials", is_flag=True, help="Take a new key, as connect does.")
@credentials_option
@click.pass_obj
def update(
    invocation: Invocation,
    *,
    store: str,
    handling: Handling,
    new_credentials: bool,
    credentials_file: str | None,
) -> None:
    """Change a store; what you do not name stays. A new key connects it again."""
    from fbali.cli.views.store_views import store_document
    from fbali.v1.hosting_service_pb2 import UpdateStoreRequest
    from fbali.v1.store_pb2 import Processing, WriteBackMode

    request = UpdateStoreRequest(
        name=store,
        display_name=handling.display_name or "",
        processing=Processing.Value(f"PROCESSING_{(handling.processing or 'unspecified').upper()}"),
        sync_interval_seconds=handling.interval or 0,
        write_back_mode=WriteBackMode.Value(
            f"WRITE_BACK_MODE_{(handling.write_back or 'unspecified').upper()}"
        ),
    )
    if new_credentials or credentials_file:
        credentials = read_credentials(invocation, credentials_file)
        request.consumer_key, request.consumer_secret = credentials.key, credentials.secret
    if request == UpdateStoreRequest(name=store):
        raise click.UsageError("say what is to change, for example --processing manual")
    found = invocation.client.hosting.UpdateStore(request)
    invocation.answer(found, lambda: store_document(found.store))


@stores.command("disconnect", example="fbali stores disconnect s0store --yes")
@click.argument("store", type=names.STORE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def disconnect(invocation: Invocation, *, store: str, yes: bool) -> None:
    """Stop syncing a store and forget its key; its orders stay and go on."""
    from fbali.cli.views.store_views import store_document
    from fbali.v1.hosting_service_pb2 import DisconnectStoreRequest, GetStoreRequest

    known = invocation.client.hosting.GetStore(GetStoreRequest(name=store)).store
    invocation.confirm(f"Disconnect {known.display_name} ({known.base_url})?", yes=yes)
    request = DisconnectStoreRequest(name=store, etag=known.etag)
    found = invocation.client.hosting.DisconnectStore(request)
    invocation.answer(found, lambda: store_document(found.store))


@stores.command("runs", example="fbali stores runs s0store --limit 5")
@click.argument("store", type=names.STORE)
@paging_options
@click.pass_obj
def runs(invocation: Invocation, *, store: str, paging: Paging) -> None:
    """List the syncs of a store, newest first."""
    from fbali.cli.views.store_views import run_list
    from fbali.v1.order_service_pb2 import ListSyncRunsRequest

    request = ListSyncRunsRequest(parent=store)
    answer_list(
        invocation,
        invocation.client.orders.ListSyncRuns,
        request,
        paging,
        lambda found: run_list(found.sync_runs),
    )
