"""Which workers and schedulers run, and what they lack: one row each, written again and again."""

from dataclasses import dataclass

from oms.storage.database import Database

SEEN_MS = 8_000  # A process that was not seen for this long is taken for dead.
_FORGOTTEN_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Process:
    """A process; `problem` says in words what it lacks, empty when nothing.

    `life` is what its machine knows it by, empty where that does not tell.
    """

    id: str
    kind: str
    host: str
    problem: str
    started_at: int
    life: str = ""


def beat(db: Database, process: Process, now_ms: int) -> None:
    """Say that a process lives, and forget those that ended without a word long ago."""
    with db.transaction():
        db.run(
            "INSERT INTO process (id, kind, host, problem, started_at, life, seen_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " problem = excluded.problem, seen_at = excluded.seen_at",
            process.id,
            process.kind,
            process.host,
            process.problem,
            process.started_at,
            process.life,
            now_ms,
        )
    with db.transaction():  # With its own row in hand it could meet another one that does the same.
        db.run("DELETE FROM process WHERE seen_at < ?", now_ms - _FORGOTTEN_MS)


def forget(db: Database, process_id: str) -> None:
    """Remove a process that ends in order."""
    db.run("DELETE FROM process WHERE id = ?", process_id)


def bury(db: Database, process_id: str) -> None:
    """Remove a process that has ended in whatever way, unless it still has jobs in hand."""
    db.run(
        "DELETE FROM process WHERE id = ? AND NOT EXISTS"
        " (SELECT 1 FROM job WHERE state = 'PENDING' AND process_id = ?)",
        process_id,
        process_id,
    )


def living(db: Database, now_ms: int) -> list[Process]:
    """Return the processes that were seen lately, oldest first."""
    rows = db.all(
        "SELECT id, kind, host, problem, started_at, life FROM process WHERE seen_at > ?"
        " ORDER BY id",
        now_ms - SEEN_MS,
    )
    return [Process(*row) for row in rows]


def lives(db: Database) -> list[tuple[str, str]]:
    """Return (id, life) of the processes that did not end in order, as far as they are told."""
    return [(row[0], row[1]) for row in db.all("SELECT id, life FROM process WHERE life <> ''")]
