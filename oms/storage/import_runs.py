"""Import runs and their broken rows."""

from collections.abc import Sequence
from dataclasses import replace

from oms.domain.errors import NotFound
from oms.domain.imports import BROKEN_ROWS_SHOWN_MAX, BrokenRow, ImportFormat, ImportRun
from oms.domain.imports import ImportRunState as State
from oms.storage.database import Database, Row

_RUN = (
    "SELECT id, merchant_id, name, store_id, format, state, attempt, line_count, order_count,"
    " created_count, changed_count, unchanged_count, broken_count, problem, heard_at, started_at,"
    " finished_at FROM import_run"
)


def lock(db: Database, merchant_id: str, name: str) -> ImportRun | None:
    """Find and lock a merchant's run by its name."""
    row = db.one(f"{_RUN} WHERE merchant_id = ? AND name = ?{db.lock_rows}", merchant_id, name)
    return None if row is None else _run(row)


def get(db: Database, merchant_id: str, name: str) -> ImportRun:
    """Read a merchant's run by its name; raises NotFound."""
    row = db.one(f"{_RUN} WHERE merchant_id = ? AND name = ?", merchant_id, name)
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/importRuns/{name}")
    return _run(row)


def page(
    db: Database, merchant_id: str, before: tuple[int, str] | None, limit: int
) -> list[ImportRun]:
    """Return a merchant's runs, begun last first, before a page's last (started_at, id)."""
    after = "" if before is None else " AND (started_at, id) < (?, ?)"
    rows = db.all(
        f"{_RUN} WHERE merchant_id = ?{after} ORDER BY started_at DESC, id DESC LIMIT ?",
        merchant_id,
        *(before or ()),
        limit,
    )
    return [_run(row) for row in rows]


def insert(db: Database, run: ImportRun) -> bool:
    """Write a new run; False when another one of that name came first."""
    return bool(
        db.run(
            "INSERT INTO import_run (id, merchant_id, name, store_id, format, state, attempt,"
            " line_count, order_count, created_count, changed_count, unchanged_count,"
            " broken_count, problem, heard_at, started_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, '', ?, ?) ON CONFLICT DO NOTHING",
            run.id,
            run.merchant_id,
            run.name,
            run.store_id,
            run.format.value,
            run.state.value,
            run.attempt,
            run.heard_at,
            run.started_at,
        )
    )


def write(db: Database, run: ImportRun, *, attempt: int) -> bool:
    """Write a run, if `attempt` is still the one that takes rows; say whether it is."""
    return bool(
        db.run(
            "UPDATE import_run SET store_id = ?, format = ?, state = ?, attempt = ?,"
            " line_count = ?, order_count = ?, created_count = ?, changed_count = ?,"
            " unchanged_count = ?, broken_count = ?, problem = ?, heard_at = ?, started_at = ?,"
            " finished_at = ? WHERE id = ? AND attempt = ?",
            run.store_id,
            run.format.value,
            run.state.value,
            run.attempt,
            run.line_count,
            run.order_count,
            run.created_count,
            run.changed_count,
            run.unchanged_count,
            run.broken_count,
            run.problem,
            run.heard_at,
            run.started_at,
            run.finished_at,
            run.id,
            attempt,
        )
    )


def forget_broken_rows(db: Database, run_id: str) -> None:
    """Forget what an earlier attempt found."""
    db.run("DELETE FROM broken_row WHERE import_run_id = ?", run_id)


def add_broken_rows(db: Database, run: ImportRun, rows: Sequence[BrokenRow]) -> None:
    """Keep broken rows behind those that the run has counted, as far as they are shown."""
    room = max(0, BROKEN_ROWS_SHOWN_MAX - run.broken_count)
    db.many(
        "INSERT INTO broken_row (import_run_id, position, line_number, external_id, problem)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (run.id, position, row.line_number, row.external_id, row.problem)
            for position, row in enumerate(rows[:room], start=run.broken_count)
        ],
    )


def broken_rows(db: Database, run_id: str) -> list[BrokenRow]:
    """Read the broken rows of a run in the order of the file."""
    rows = db.all(
        "SELECT line_number, external_id, problem FROM broken_row WHERE import_run_id = ?"
        " ORDER BY position",
        run_id,
    )
    return [BrokenRow(*row) for row in rows]


def _run(row: Row) -> ImportRun:
    return replace(ImportRun(*row), format=ImportFormat(row[4]), state=State(row[5]))
