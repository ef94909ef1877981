"""History as merchants and vendors follow it: scoped by its reader, oldest first, a page at a time.

Whoever reads on from where it was passes `upto`, a position up to which no row can still come
(event_tail.py); numbers above it may not be there yet although higher ones are.
"""

import json
from dataclasses import dataclass

from oms.domain.principals import SYSTEM, Role
from oms.domain.views import EventView
from oms.storage.database import Database, Row, marks

COLUMNS = (
    "sequence, merchant_id, order_id, vendor_id, allocation_id, kind, actor, subject, details,"
    " created_at"
)
_OWNER = {Role.MERCHANT: "merchant_id", Role.VENDOR: "vendor_id"}
_THING = {Role.MERCHANT: "order_id", Role.VENDOR: "allocation_id"}
# What a vendor may see of an allocation's history; the rest stays the merchant's.
VENDOR_DETAILS = frozenset({"before", "after", "reason", "units", "entries", "package"})


@dataclass(frozen=True, slots=True)
class Log:
    """The log of a merchant or a vendor; `ids` are orders or allocations, empty for all."""

    role: Role
    owner_id: str
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """A row of a log; `thing_id` is the order, or the allocation in a vendor's log."""

    thing_id: str
    event: EventView


def page(db: Database, log: Log, after: int, upto: int, limit: int) -> list[LoggedEvent]:
    """Read what happened after a position, up to another one."""
    of_these = f" AND {_THING[log.role]} IN ({marks(tuple(log.ids))})" if log.ids else ""
    rows = db.all(
        f"SELECT {COLUMNS} FROM event WHERE {_OWNER[log.role]} = ?{of_these}"
        " AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?",
        log.owner_id,
        *sorted(log.ids),
        after,
        upto,
        limit,
    )
    return [seen_by(log.role, row) for row in rows]


def owners(row: Row) -> tuple[tuple[Role, str], ...]:
    """Tell in whose logs a row of COLUMNS is."""
    merchant = (Role.MERCHANT, row[1])
    return (merchant,) if row[3] is None else (merchant, (Role.VENDOR, row[3]))


def seen_by(role: Role, row: Row) -> LoggedEvent:
    """Show a row of COLUMNS to its merchant or its vendor."""
    sequence, _, order_id, vendor_id, allocation_id, kind, actor, subject, details, at = row
    if role == Role.MERCHANT:
        return LoggedEvent(
            order_id, EventView(sequence, kind, actor, subject, json.loads(details), at)
        )
    seen = {key: value for key, value in json.loads(details).items() if key in VENDOR_DETAILS}
    if actor.startswith("vendors/") and actor != f"vendors/{vendor_id}":
        actor = SYSTEM  # What another vendor did to the order had consequences for this one.
    return LoggedEvent(allocation_id, EventView(sequence, kind, actor, subject, seen, at))


def highest(db: Database) -> int:
    """Return the highest number that was ever drawn, also by a transaction that is not over."""
    sql = "SELECT COALESCE(MAX(sequence), 0) FROM event"
    if not db.is_sqlite:
        sql = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_sequence_seq"
    row = db.one(sql)
    assert row is not None
    return int(row[0])


def position_before(db: Database, since_ms: int) -> int | None:
    """Return the position before the first row written since an instant, if there is one."""
    row = db.one(
        "SELECT sequence FROM event WHERE created_at >= ? ORDER BY created_at, sequence LIMIT 1",
        since_ms,
    )
    return None if row is None else int(row[0]) - 1


def missing(db: Database, log: Log) -> list[str]:
    """Return those ids of a log's filter that are not its owner's, or not there."""
    table = "orders" if log.role == Role.MERCHANT else "allocation"
    found = db.all(
        f"SELECT id FROM {table} WHERE {_OWNER[log.role]} = ? AND id IN ({marks(tuple(log.ids))})",
        log.owner_id,
        *log.ids,
    )
    return sorted(log.ids - {row[0] for row in found})
