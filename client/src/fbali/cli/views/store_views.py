"""Shows stores and their sync runs."""

from collections.abc import Iterable, Iterator

from fbali.cli.document import Block, Cell, Column, Fields, Heading, Note, Table
from fbali.cli.views.values import last_part, moment
from fbali.cli.views.words import text_of, word
from fbali.v1.hosting_service_pb2 import TestStoreResponse
from fbali.v1.store_pb2 import (
    Processing,
    Store,
    StorePlatform,
    StoreState,
    SyncRun,
    SyncRunState,
    WriteBackMode,
)

_STORE_COLUMNS = [
    Column("STORE", flexible=True),
    Column("STATE"),
    Column("NEW ORDERS", spare=2),
    Column("SYNCED UNTIL"),
    Column("ADDRESS", flexible=True, spare=1),
    Column("ID"),
]
_RUN_COLUMNS = [
    Column("ASKED FOR"),
    Column("STATE"),
    Column("READ", right=True, spare=3),
    Column("CREATED", right=True),
    Column("CHANGED", right=True),
    Column("UNCHANGED", right=True, spare=2),
    Column("QUARANTINED", right=True),
    Column("FINISHED", spare=1),
    Column("PROBLEM", flexible=True, width_min=24),
]


def store_list(stores: Iterable[Store]) -> Iterator[Block]:
    """Show stores."""
    rows: list[list[Cell]] = [
        [
            store.display_name,
            word(StoreState, store.state),
            text_of(Processing, store.processing),
            moment(store, "synced_until_time"),
            store.base_url,
            last_part(store.name),
        ]
        for store in stores
    ]
    yield Table(_STORE_COLUMNS, rows, "No stores. Connect one with: fbali stores connect ADDRESS")


def store_document(store: Store) -> Iterator[Block]:
    """Show one store."""
    yield Heading(store.display_name, word(StoreState, store.state))
    yield Fields(
        [
            ("Address", store.base_url),
            ("Platform", text_of(StorePlatform, store.platform)),
            ("New orders", f"{text_of(Processing, store.processing)} processing"),
            ("Is told", text_of(WriteBackMode, store.write_back_mode)),
            ("Synced every", _interval(store)),
            ("Synced until", moment(store, "synced_until_time")),
            ("Newest sync", last_part(store.latest_sync_run)),
            ("Connected", moment(store, "create_time")),
            ("Id", last_part(store.name)),
        ]
    )


def working_document(found: TestStoreResponse) -> Iterator[Block]:
    """Show whether a store answers as it should."""
    if found.works:
        yield Note(f"The store works: {found.store_title or 'it answers as it should'}.")
    else:
        yield Note(f"The store does not work: {found.problem.message} ({found.problem.reason})")


def run_list(runs: Iterable[SyncRun]) -> Iterator[Block]:
    """Show the sync runs of one store."""
    rows: list[list[Cell]] = [
        [
            moment(run, "create_time"),
            word(SyncRunState, run.state),
            run.order_count,
            run.created_count,
            run.changed_count,
            run.unchanged_count,
            run.quarantined_count,
            moment(run, "finish_time"),
            run.problem.message,
        ]
        for run in runs
    ]
    yield Table(_RUN_COLUMNS, rows, "No sync yet.")


def _interval(store: Store) -> str:
    if store.platform == StorePlatform.STORE_PLATFORM_FILES:
        return ""
    seconds = store.sync_interval_seconds
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min" if minutes and not rest else f"{seconds} s"
