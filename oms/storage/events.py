"""History: one append-only row for everything that happens to an order. Ids and numbers only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.views import EventView
from oms.storage.database import Database, Row

HISTORY_ROWS_MAX = 200  # The newest rows that an order's detail shows.


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A row of history before it is written."""

    merchant_id: str
    order_id: str
    kind: str
    actor: str
    subject: str
    details: Mapping[str, str] = field(default_factory=dict)


def append(db: Database, events: Sequence[NewEvent], now_ms: int) -> None:
    """Write rows in the transaction that changed what they tell of, and has locked its orders."""
    db.many(
        "INSERT INTO event (merchant_id, order_id, kind, actor, subject, details, created_at,"
        " vendor_id, allocation_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                event.merchant_id,
                event.order_id,
                event.kind,
                event.actor,
                event.subject,
                json.dumps(event.details) if event.details else "{}",
                now_ms,
                *vendor_and_allocation(event.subject),
            )
            for event in events
        ],
    )


def vendor_and_allocation(subject: str) -> tuple[str | None, str | None]:
    """Tell whose log a row is in besides the merchant's, and of which allocation."""
    match subject.split("/"):
        case ["vendors", vendor_id, "allocations", allocation_id, *_]:
            return vendor_id, allocation_id
    return None, None


def of_order(db: Database, order_id: str) -> tuple[EventView, ...]:
    """Read the newest rows of an order's history, oldest first."""
    rows = db.all(
        "SELECT sequence, kind, actor, subject, details, created_at FROM event"
        " WHERE order_id = ? ORDER BY sequence DESC LIMIT ?",
        order_id,
        HISTORY_ROWS_MAX,
    )
    return tuple(_event(row) for row in reversed(rows))


def of_subject(db: Database, order_id: str, subject: str) -> tuple[EventView, ...]:
    """Read the newest rows of an order's history that are about one thing, oldest first."""
    rows = db.all(
        "SELECT sequence, kind, actor, subject, details, created_at FROM event"
        " WHERE order_id = ? AND subject = ? ORDER BY sequence DESC LIMIT ?",
        order_id,
        subject,
        HISTORY_ROWS_MAX,
    )
    return tuple(_event(row) for row in reversed(rows))


def _event(row: Row) -> EventView:
    return EventView(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5])
