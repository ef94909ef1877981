"""Says how syncs go on and how they ended."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from fbali.cli.document import Block, Cell, Column, Note, Table
from fbali.cli.times import format_time
from fbali.cli.views.values import moment
from fbali.cli.views.words import word
from fbali.v1.store_pb2 import SyncRun, SyncRunState

_COLUMNS = [
    Column("STORE", flexible=True),
    Column("RESULT"),
    Column("CREATED", right=True),
    Column("CHANGED", right=True),
    Column("UNCHANGED", right=True, spare=1),
    Column("QUARANTINED", right=True),
    Column("TOOK", right=True, spare=2),
]


def progress_line(run: SyncRun, now_seconds: float) -> str:
    """Say in one sentence how far a run is."""
    read = f"{run.order_count}"
    if run.order_count_expected:
        read = f"{run.order_count} of about {run.order_count_expected}"
    match run.state:
        case SyncRunState.SYNC_RUN_STATE_QUEUED:
            return "waits for a worker"
        case SyncRunState.SYNC_RUN_STATE_RUNNING:
            return f"read {read} orders, {run.product_count} products"
        case SyncRunState.SYNC_RUN_STATE_WAITING:
            return f"waits: {problem_sentence(run)}{_next_attempt(run, now_seconds)}"
        case SyncRunState.SYNC_RUN_STATE_SUCCEEDED:
            return f"done, read {run.order_count} orders"
        case SyncRunState.SYNC_RUN_STATE_FAILED:
            return f"failed: {problem_sentence(run)}"
        case _:
            return word(SyncRunState, run.state).text


def bar_words(run: SyncRun, now_seconds: float) -> str:
    """Say the same as briefly as fits beside a bar; the problem itself is said above it."""
    match run.state:
        case SyncRunState.SYNC_RUN_STATE_WAITING:
            return f"waits{_next_attempt(run, now_seconds)}"
        case SyncRunState.SYNC_RUN_STATE_FAILED:
            return "failed"
        case _:
            return progress_line(run, now_seconds)


def problem_sentence(run: SyncRun) -> str:
    """Say what went wrong last, in the server's words and with its reason."""
    if not run.HasField("problem"):
        return "the server does not say why"
    reason = f" ({run.problem.reason})" if run.problem.reason else ""
    return f"{run.problem.message.rstrip('.')}{reason}"


def sync_summary(runs: Mapping[str, SyncRun], refused: Mapping[str, str]) -> Iterator[Block]:
    """Show how the syncs ended: runs by the store's display name, and stores that could not be."""
    rows: list[list[Cell]] = [
        [
            store,
            word(SyncRunState, run.state),
            run.created_count,
            run.changed_count,
            run.unchanged_count,
            run.quarantined_count,
            _duration(run),
        ]
        for store, run in runs.items()
    ]
    yield Table(_COLUMNS, rows, "No store was synced.")
    for store, run in runs.items():
        if run.state == SyncRunState.SYNC_RUN_STATE_FAILED:
            yield Note(f"{store}: {problem_sentence(run)}. The next sync catches up.")
    for store, problem in refused.items():
        yield Note(f"{store}: {problem}")
    if any(run.quarantined_count for run in runs.values()):
        yield Note("Orders that could not be taken: fbali orders quarantined")


def _next_attempt(run: SyncRun, now_seconds: float) -> str:
    attempt = moment(run, "next_attempt_time")
    if attempt is None:
        return ""
    seconds = (attempt - datetime.fromtimestamp(now_seconds, UTC)).total_seconds()
    if seconds < 1:
        return "; next try now"
    return f"; next try in {_span(seconds)}, at {format_time(attempt)}"


def _duration(run: SyncRun) -> str:
    start = moment(run, "start_time") or moment(run, "create_time")
    finish = moment(run, "finish_time")
    if start is None or finish is None:
        return ""
    return _span((finish - start).total_seconds())


def _span(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
