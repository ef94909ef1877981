"""Which workers and schedulers run, and what they lack: one row each, written again and again."""

from dataclasses import dataclass

from oms.storage.database import Database

SEEN_MS = 15_000  # A process that was not seen for this long is taken for dead.
_FORGOTTEN_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Process:
    """A process; `problem` says in words what it lacks, empty when nothing."""

    id: str
    kind: str
    host: str
    problem: str
    started_at: int


def beat(db: Database, process: Process, now_ms: int) -> None:
    """Say that a process lives, and forget those that ended without a word long ago."""
    with db.transaction():
        db.run(
            "INSERT INTO process (id, kind, host, problem, started_at, seen_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " problem = excluded.problem, seen_at = excluded.seen_at",
            process.id,
            process.kind,
            process.host,
            process.problem,
            process.started_at,
            now_ms,
        )
        db.run("DELETE FROM process WHERE seen_at < ?", now_ms - _FORGOTTEN_MS)


def forget(db: Database, process_id: str) -> None:
    """Remove a process that ends in order."""
    db.run("DELETE FROM process WHERE id = ?", process_id)


def living(db: Database, now_ms: int) -> list[Process]:
    """Return the processes that were seen lately, oldest first."""
    rows = db.all(
        "SELECT id, kind, host, problem, started_at FROM process WHERE seen_at > ? ORDER BY id",
        now_ms - SEEN_MS,
    )
    return [Process(*row) for row in rows]
