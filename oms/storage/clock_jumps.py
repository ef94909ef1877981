"""Instants that only a clock which ran ahead can have written: set right when it is put back.

On SQLite the machine's clock counts, and it may jump. Who waits for an instant that was written an
hour ahead would wait for that hour. Instants that a clock behind has written are past already.
"""

from typing import Final

from oms.domain.jobs import LEASE_MS, Lane
from oms.storage.database import Database, marks
from oms.storage.turns import PACE_AHEAD_MAX_MS

SKEW_MS: Final = 1_000  # By how much the clocks of processes may differ without being wrong.


def set_right(db: Database, now_ms: int) -> int:
    """Let jobs and turns wait as long as they were meant to, from now on; return how many.

    A lease begins anew: whoever holds it and lives goes on to prolong it. Where no clock jumped,
    that is two short questions and nothing is written.
    """
    return _set_jobs_right(db, now_ms) + _set_turns_right(db, now_ms)


def _set_jobs_right(db: Database, now_ms: int) -> int:
    lanes = [lane.value for lane in Lane]
    # What nobody holds was due at the latest when somebody said so, and what is held is so for a
    # lease at the most. The first comparison is for the index.
    wrong = (
        f"SELECT id FROM job WHERE state = 'PENDING' AND lane IN ({marks(lanes)}) AND due_at > ?"
        " AND CASE WHEN lease_token IS NULL THEN due_set_at > ? ELSE lease_until > ? END"
    )
    latest = now_ms + SKEW_MS
    parameters = (*lanes, latest, latest, latest + LEASE_MS)
    with db.session():
        if db.one(f"{wrong} LIMIT 1", *parameters) is None:
            return 0
    with db.transaction():
        rows = db.all(f"{wrong}{db.lock_free_rows}", *parameters)
        db.many(
            "UPDATE job SET due_at = CASE WHEN lease_token IS NULL THEN ? + due_at - due_set_at"
            " ELSE ? END, lease_until = CASE WHEN lease_token IS NULL THEN 0 ELSE ? END,"
            " due_set_at = ? WHERE id = ?",
            [(now_ms, now_ms + LEASE_MS, now_ms + LEASE_MS, now_ms, row[0]) for row in rows],
        )
    return len(rows)


def _set_turns_right(db: Database, now_ms: int) -> int:
    latest = now_ms + SKEW_MS
    wrong = "(held_until > ? OR asked_at > ? OR next_call_at > ?)"
    parameters = (latest + LEASE_MS, latest, latest + PACE_AHEAD_MAX_MS)
    with db.session():
        names = [row[0] for row in db.all(f"SELECT name FROM turn WHERE {wrong}", *parameters)]
    for name in names:  # One by one: a turn is locked last, and alone.
        with db.transaction():
            db.run(
                "UPDATE turn SET held_until = CASE WHEN held_until > ? THEN ? ELSE held_until END,"
                " not_before = CASE WHEN asked_at > ? THEN ? + not_before - asked_at"
                " ELSE not_before END,"
                " asked_at = CASE WHEN asked_at > ? THEN ? ELSE asked_at END,"
                " next_call_at = CASE WHEN next_call_at > ? THEN ? ELSE next_call_at END"
                " WHERE name = ?",
                latest + LEASE_MS,
                now_ms + LEASE_MS,
                latest,
                now_ms,
                latest,
                now_ms,
                latest + PACE_AHEAD_MAX_MS,
                now_ms,
                name,
            )
    return len(names)
