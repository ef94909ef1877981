"""Shows import runs and their broken rows."""

from collections.abc import Iterable, Iterator

from fbali.cli.document import Block, Cell, Column, Fields, Heading, Note, Table
from fbali.cli.views.values import last_part, moment
from fbali.cli.views.words import text_of, word
from fbali.v1.import_run_pb2 import ImportFormat, ImportRun, ImportRunState

_RUN_COLUMNS = [
    Column("RUN", flexible=True),
    Column("STATE"),
    Column("BEGUN", spare=1),
    Column("ORDERS", right=True),
    Column("CREATED", right=True),
    Column("CHANGED", right=True),
    Column("UNCHANGED", right=True, spare=2),
    Column("BROKEN", right=True),
    Column("STORE", spare=3),
]
_BROKEN_COLUMNS = [
    Column("LINE", right=True),
    Column("ORDER"),
    Column("PROBLEM", flexible=True, width_min=24),
]


def import_list(runs: Iterable[ImportRun]) -> Iterator[Block]:
    """Show import runs."""
    rows: list[list[Cell]] = [
        [
            last_part(run.name),
            word(ImportRunState, run.state),
            moment(run, "start_time"),
            run.order_count,
            run.created_count,
            run.changed_count,
            run.unchanged_count,
            run.broken_count,
            last_part(run.store),
        ]
        for run in runs
    ]
    yield Table(_RUN_COLUMNS, rows, "No imports. Begin one with: fbali orders import FILE --store")


def import_document(run: ImportRun) -> Iterator[Block]:
    """Show one run, and the rows that could not be taken."""
    yield Heading(last_part(run.name), word(ImportRunState, run.state))
    yield Fields(
        [
            ("File", text_of(ImportFormat, run.format)),
            ("Lines", run.line_count),
            ("Orders", run.order_count),
            ("Created", run.created_count),
            ("Changed", run.changed_count),
            ("Unchanged", run.unchanged_count),
            ("Broken", run.broken_count),
            ("Problem", run.problem_message),
            ("Begun", moment(run, "start_time")),
            ("Ended", moment(run, "finish_time")),
            ("Store", last_part(run.store)),
        ]
    )
    if run.broken_rows:
        rows: list[list[Cell]] = [
            [row.line_number, row.external_id, row.problem] for row in run.broken_rows
        ]
        yield Table(_BROKEN_COLUMNS, rows)
    if run.broken_count > len(run.broken_rows):
        yield Note(
            f"Shown are the first {len(run.broken_rows):,} of {run.broken_count:,} problems."
        )
    if run.state == ImportRunState.IMPORT_RUN_STATE_INTERRUPTED:
        yield Note("Import the same file under the same name to finish it.")
