"""Turns at outside systems: one caller at a time, not too early, at a pace; over all hosts.

A system is named `stores/{store}` or `carriers/{name}`. A turn is held by the lease token of a job,
prolonged and given back with the job's lease, and free for others when that has run out.
"""

from collections.abc import Sequence

from oms.domain.jobs import LEASE_MS
from oms.storage.database import Database

WATCH_MS = 1_000  # A holder may let go at any moment.
SLOW_MS = 5_000  # A system whose turn took longer is slow.
SLOW_KEPT_MS = 600_000  # For so long after that.
PACE_AHEAD_MAX_MS = 60_000  # One caller at a time reserves no call so far ahead.


def take(db: Database, name: str, holder: str, now_ms: int) -> int:
    """Take or keep a turn; return 0, or the instant (epoch ms) from which it may be had.

    One statement decides, so of any number of callers one wins.
    """
    taken = db.run(
        "INSERT INTO turn (name, holder, held_until, taken_at, not_before, next_call_at)"
        " VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
        " held_until = excluded.held_until, taken_at = excluded.taken_at WHERE turn.not_before <= ?"
        " AND (turn.holder IS NULL OR turn.holder = excluded.holder OR turn.held_until <= ?)",
        name,
        holder,
        now_ms + LEASE_MS,
        now_ms,
        now_ms,
        now_ms,
    )
    if taken:
        return 0
    row = db.one("SELECT not_before, held_until FROM turn WHERE name = ?", name)
    assert row is not None
    return int(row[0]) if row[0] > now_ms else min(int(row[1]), now_ms + WATCH_MS)


def prolong(db: Database, holders: Sequence[str], now_ms: int) -> None:
    """Keep the turns of jobs whose leases are prolonged."""
    db.many(
        "UPDATE turn SET held_until = ? WHERE holder = ?",
        [(now_ms + LEASE_MS, holder) for holder in holders],
    )


def let_go(db: Database, holder: str, now_ms: int) -> None:
    """Give a turn back; one that was lost already stays with whoever has it."""
    db.run(
        "UPDATE turn SET holder = NULL, held_until = 0, taken_at = 0,"
        " slow_until = CASE WHEN taken_at < ? THEN ? ELSE slow_until END WHERE holder = ?",
        now_ms - SLOW_MS,
        now_ms + SLOW_KEPT_MS,
        holder,
    )


def is_slow(db: Database, name: str, now_ms: int) -> bool:
    """Tell whether a call to a system took long lately."""
    row = db.one("SELECT slow_until FROM turn WHERE name = ?", name)
    return row is not None and now_ms < row[0] <= now_ms + SLOW_KEPT_MS


def rest(db: Database, name: str, not_before: int, now_ms: int) -> None:
    """Let nobody call a system before an instant (epoch ms) that it asked for; it never shrinks."""
    db.run(
        "INSERT INTO turn (name, held_until, not_before, next_call_at, asked_at)"
        " VALUES (?, 0, ?, 0, ?) ON CONFLICT (name) DO UPDATE SET"
        " not_before = excluded.not_before, asked_at = excluded.asked_at"
        " WHERE turn.not_before < excluded.not_before",
        name,
        not_before,
        now_ms,
    )


def rests_until(db: Database, name: str) -> int:
    """Tell the instant (epoch ms) before which a system wants no call; 0 if it never asked."""
    row = db.one("SELECT not_before FROM turn WHERE name = ?", name)
    return 0 if row is None else int(row[0])


def reserve_call(db: Database, name: str, now_ms: int, spacing_ms: int) -> int:
    """Reserve the next call to a system that takes one each `spacing_ms`; return its instant."""
    row = db.one(
        "INSERT INTO turn (name, held_until, not_before, next_call_at) VALUES (?, 0, 0, ?)"
        " ON CONFLICT (name) DO UPDATE SET next_call_at = ? + CASE"
        " WHEN turn.next_call_at > ? THEN turn.next_call_at ELSE ? END RETURNING next_call_at",
        name,
        now_ms + spacing_ms,
        spacing_ms,
        now_ms,
        now_ms,
    )
    assert row is not None
    return int(row[0]) - spacing_ms
