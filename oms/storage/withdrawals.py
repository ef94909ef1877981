"""Units that vendors have and orders have no need of: found, given back, and asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oms.domain.allocations import AllocationState
from oms.domain.withdrawal import LiveUnits
from oms.storage.database import Database, marks


@dataclass(frozen=True, slots=True)
class LineUnits:
    """A line that is over-allocated, or whose units a vendor is asked for."""

    line_id: str
    excess: int
    live: tuple[LiveUnits, ...]
    asked: dict[str, int]


def lines_to_settle(db: Database, order_ids: Sequence[str]) -> list[LineUnits]:
    """Read the lines of locked orders on which something is to be withdrawn or asked."""
    rows = db.all(
        "SELECT l.id, l.excluded + l.allocated + l.packed - (l.ordered - l.removed - l.elsewhere),"
        " a.id, a.state, al.quantity - al.packed - al.returned, al.kept, al.asked_back"
        " FROM order_line l JOIN allocation_line al ON al.line_id = l.id"
        " JOIN allocation a ON a.id = al.allocation_id"
        f" WHERE l.order_id IN ({marks(order_ids)}) AND (l.over_allocated OR al.asked_back > 0)"
        " AND a.state IN ('SUBMITTED', 'ACCEPTED', 'CANCELLATION_REQUESTED') ORDER BY l.id, a.id",
        *order_ids,
    )
    lines: dict[str, tuple[int, list[LiveUnits], dict[str, int]]] = {}
    for line_id, excess, allocation_id, state, waiting, kept, asked_back in rows:
        _, live, asked = lines.setdefault(line_id, (excess, [], {}))
        live.append(LiveUnits(allocation_id, AllocationState(state), waiting, kept))
        asked[allocation_id] = asked_back
    return [
        LineUnits(line_id, excess, tuple(live), asked)
        for line_id, (excess, live, asked) in lines.items()
    ]


def give_back(db: Database, allocation_id: str, units: Iterable[tuple[str, int]]) -> None:
    """Return (line id, units) of an allocation to the order."""
    db.many(
        "UPDATE allocation_line SET returned = returned + ? WHERE allocation_id = ?"
        " AND line_id = ?",
        [(count, allocation_id, line_id) for line_id, count in units],
    )


def ask_back(db: Database, allocation_id: str, units: Iterable[tuple[str, int]]) -> None:
    """Set how many units of (line id, units) a vendor is asked for."""
    db.many(
        "UPDATE allocation_line SET asked_back = ? WHERE allocation_id = ? AND line_id = ?",
        [(count, allocation_id, line_id) for line_id, count in units],
    )


def asked_of(db: Database, allocation_id: str) -> dict[str, int]:
    """Read how many units per line a vendor is asked for; only those above 0."""
    rows = db.all(
        "SELECT line_id, asked_back FROM allocation_line WHERE allocation_id = ?"
        " AND asked_back > 0",
        allocation_id,
    )
    return {row[0]: row[1] for row in rows}


def keep(db: Database, allocation_id: str) -> None:
    """Note that the vendor keeps what it was asked for, so that it is not asked again."""
    db.run(
        "UPDATE allocation_line SET kept = kept + asked_back, asked_back = 0"
        " WHERE allocation_id = ?",
        allocation_id,
    )


def ask_nothing(db: Database, allocation_id: str) -> None:
    """Note that a vendor is not asked for anything any more."""
    db.run("UPDATE allocation_line SET asked_back = 0 WHERE allocation_id = ?", allocation_id)


def set_deadline(db: Database, allocation_id: str, deadline_at: int) -> None:
    """Set until when a cancellation request is to be answered."""
    db.run(
        "UPDATE allocation SET cancellation_deadline_at = ? WHERE id = ?",
        deadline_at,
        allocation_id,
    )


def overdue(db: Database, now_ms: int, limit: int) -> list[tuple[str, str]]:
    """Return (allocation id, order id) of requests that were not answered in time."""
    rows = db.all(
        "SELECT id, order_id FROM allocation WHERE cancellation_deadline_at IS NOT NULL"
        " AND cancellation_deadline_at <= ? ORDER BY cancellation_deadline_at LIMIT ?",
        now_ms,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


def put_off_deadline(db: Database, allocation_id: str, until: int) -> None:
    """Let a vendor answer until another instant (epoch ms)."""
    db.run("UPDATE allocation SET cancellation_deadline_at = ? WHERE id = ?", until, allocation_id)
