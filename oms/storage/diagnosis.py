"""What an operator looks at first: work that waits or was given up, and what stores refuse."""

from dataclasses import dataclass
from typing import Final

from oms.domain.jobs import REDISPATCH_MS, JobKind
from oms.storage.database import Database

_SHOWN_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Queue:
    """Jobs that are due and that nobody runs. Instants are epoch milliseconds, None for none.

    `waits_since` is when the one that has waited longest was written; jobs that failed and those of
    the timetable's next turn do not wait. `oldest_due` is (id, kind, since when it is due).
    """

    waiting: int
    waits_since: int | None
    oldest_due: tuple[str, JobKind, int] | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Things that need somebody: how many in all, and the first few with a word about each."""

    count: int
    first: tuple[tuple[str, str], ...]


def queue(db: Database, now_ms: int) -> Queue:
    """Look at the jobs that could run now."""
    # A relay puts off what it has handed on: due again soon is handed on and not begun.
    row = db.one(
        "SELECT COUNT(*), MIN(created_at) FROM job WHERE state = 'PENDING' AND failures = 0"
        " AND lease_token IS NULL AND cursor = '{}' AND due_at <= ?",
        now_ms + REDISPATCH_MS,
    )
    assert row is not None
    oldest = db.one(
        "SELECT id, kind, due_at FROM job WHERE state = 'PENDING' AND due_at <= ?"
        " ORDER BY due_at LIMIT 1",
        now_ms,
    )
    due = None if oldest is None else (str(oldest[0]), JobKind(oldest[1]), int(oldest[2]))
    return Queue(row[0], row[1], due)


def quarantined_jobs(db: Database) -> Trouble:
    """Count jobs that were given up, by kind."""
    return _by_group(
        db, "SELECT kind, COUNT(*) FROM job WHERE state = 'QUARANTINED' GROUP BY kind ORDER BY kind"
    )


def failed_write_backs(db: Database) -> Trouble:
    """Count what stores were to be told and were not, by store."""
    return _by_group(
        db,
        "SELECT store_id, COUNT(*) FROM write_back WHERE state = 'FAILED' GROUP BY store_id"
        " ORDER BY COUNT(*) DESC, store_id",
    )


def failing_syncs(db: Database) -> Trouble:
    """Find connected stores whose latest sync failed or fails, with the reason."""
    rows = db.all(
        "SELECT s.id, r.problem_reason FROM store s JOIN sync_run r ON r.id ="
        " (SELECT MAX(latest.id) FROM sync_run latest WHERE latest.store_id = s.id)"
        " WHERE s.state = 'CONNECTED' AND (r.state = 'FAILED' OR r.failure_count > 0)"
        " ORDER BY s.id"
    )
    return Trouble(len(rows), tuple((row[0], row[1]) for row in rows[:_SHOWN_MAX]))


def _by_group(db: Database, sql: str) -> Trouble:
    rows = db.all(sql)
    first = tuple((str(row[0]), str(row[1])) for row in rows[:_SHOWN_MAX])
    return Trouble(sum(row[1] for row in rows), first)
