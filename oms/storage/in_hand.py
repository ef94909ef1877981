"""Jobs that one process has in hand: prolonged together, and released together when it has died."""

from collections.abc import Sequence

from oms.domain.jobs import LEASE_MS
from oms.storage.database import Database


def prolong(db: Database, leases: Sequence[tuple[str, str]], now_ms: int) -> None:
    """Prolong the leases (job id, token) that this process holds.

    A job that is being written is passed over: its step prolongs it, a trigger ends soon. Waiting
    for one job with others in hand could meet somebody who goes the other way.
    """
    until = now_ms + LEASE_MS
    with db.transaction():
        db.many(
            "UPDATE job SET lease_until = ?, due_at = ? WHERE id ="
            f" (SELECT id FROM job WHERE id = ? AND lease_token = ?{db.lock_free_rows})",
            [(until, until, job_id, token) for job_id, token in leases],
        )


def release(db: Database, process_id: str, now_ms: int) -> int:
    """Make due at once what a process had in hand that has ended for certain; return how many.

    What it ran counts as a crash, as if the lease had run out; wake-ups in its memory do not. Its
    lease tokens are void from now on, and so are the turns that they held. Jobs that are being
    written are passed over, as by heartbeats: call again until the process is buried.
    """
    with db.transaction():
        rows = db.all(
            "SELECT id, lease_token FROM job WHERE state = 'PENDING' AND process_id = ?"
            f"{db.lock_free_rows}",
            process_id,
        )
        db.many(
            "UPDATE job SET crashes = crashes + CASE WHEN lease_token IS NULL THEN 0 ELSE 1 END,"
            " lease_token = NULL, lease_until = 0, process_id = '', due_at = ?, due_set_at = ?"
            " WHERE id = ?",
            [(now_ms, now_ms, row[0]) for row in rows],
        )
        db.many(
            "UPDATE turn SET holder = NULL, held_until = 0, taken_at = 0 WHERE holder = ?",
            [(row[1],) for row in rows if row[1] is not None],
        )
    return len(rows)
