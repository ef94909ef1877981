"""The timetable: rows that become jobs, by any number of schedulers, once per slot."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oms import crash_points
from oms.domain.jobs import JobKind
from oms.storage import jobs
from oms.storage.database import Database

_TICK_ROWS_MAX = 100


@dataclass(frozen=True, slots=True)
class Slot:
    """A row of the timetable: a kind of job, from an instant on (epoch ms), again and again."""

    name: str
    kind: JobKind
    every_ms: int
    first_at: int
    args: Mapping[str, Any] = field(default_factory=dict)
    merchant_id: str = ""


def put(db: Database, slot: Slot) -> None:
    """Set a row of the timetable; an existing one takes the new interval from its next slot on."""
    db.run(
        "INSERT INTO schedule (name, kind, merchant_id, args, every_ms, next_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET args = excluded.args,"
        " every_ms = excluded.every_ms,"
        " next_at = CASE WHEN schedule.next_at > excluded.next_at THEN excluded.next_at"
        " ELSE schedule.next_at END",
        slot.name,
        slot.kind.value,
        slot.merchant_id,
        json.dumps(slot.args),
        slot.every_ms,
        slot.first_at,
    )


def remove(db: Database, name: str) -> None:
    """Remove a row of the timetable."""
    db.run("DELETE FROM schedule WHERE name = ?", name)


def tick(db: Database, now_ms: int) -> int:
    """Turn due rows into jobs; return how many this caller turned.

    Slots that were missed are skipped. A slot further away than two intervals was written by a
    clock that ran ahead: it is turned now, and the next ones keep the interval again. The name of
    a row is the dedupe key of its jobs, so a job that still runs is followed by one more at the
    most.
    """
    due = db.all(
        "SELECT name, kind, merchant_id, args, every_ms, next_at FROM schedule"
        " WHERE next_at <= ? OR next_at > ? + 2 * every_ms ORDER BY next_at LIMIT ?",
        now_ms,
        now_ms,
        _TICK_ROWS_MAX,
    )
    return sum(_turn(db, row, now_ms) for row in due)


def _turn(db: Database, row: tuple[Any, ...], now_ms: int) -> bool:
    name, kind, merchant_id, args, every_ms, seen_next_at = row
    missed = (now_ms - seen_next_at) // every_ms
    with db.transaction():
        won = db.run(
            "UPDATE schedule SET next_at = ? WHERE name = ? AND next_at = ?",
            seen_next_at + (missed + 1) * every_ms,
            name,
            seen_next_at,
        )
        if won:
            jobs.enqueue(
                db,
                JobKind(kind),
                now_ms,
                args=json.loads(args),
                dedupe_key=name,
                merchant_id=merchant_id,
            )
            crash_points.reach("schedule.written")
    crash_points.reach("schedule.turned")
    return bool(won)
