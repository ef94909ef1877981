"""Holds on orders, and whether an order is held."""

from collections.abc import Mapping, Sequence

from oms.domain.holds import Hold, HoldReason
from oms.domain.ids import IdKind, new_id
from oms.storage.database import Database, marks


def put(db: Database, order_ids: Sequence[str], hold: Hold) -> None:
    """Put a hold on locked orders; one of the same reason and owner is replaced."""
    db.many(
        "INSERT INTO hold (id, order_id, reason, owner, note, expire_at, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id, reason, owner) DO UPDATE SET"
        " note = excluded.note, expire_at = excluded.expire_at",
        [
            (
                new_id(IdKind.HOLD, hold.created_at),
                order_id,
                hold.reason.value,
                hold.owner,
                hold.note,
                hold.expire_at,
                hold.created_at,
            )
            for order_id in order_ids
        ],
    )
    _mark(db, order_ids)


def release(db: Database, order_ids: Sequence[str], reason: HoldReason | None) -> None:
    """Release the holds of locked orders, of one reason or (None) all."""
    only = "" if reason is None else " AND reason = ?"
    parameters = [] if reason is None else [reason.value]
    db.run(
        f"DELETE FROM hold WHERE order_id IN ({marks(order_ids)}){only}", *order_ids, *parameters
    )
    _mark(db, order_ids)


def expired(db: Database, now_ms: int, limit: int) -> list[str]:
    """Return orders with a hold that has ended."""
    rows = db.all(
        "SELECT DISTINCT order_id FROM hold WHERE expire_at IS NOT NULL AND expire_at <= ?"
        " ORDER BY order_id LIMIT ?",
        now_ms,
        limit,
    )
    return [row[0] for row in rows]


def drop_expired(db: Database, order_ids: Sequence[str], now_ms: int) -> None:
    """Forget the ended holds of locked orders."""
    db.run(
        f"DELETE FROM hold WHERE order_id IN ({marks(order_ids)}) AND expire_at IS NOT NULL"
        " AND expire_at <= ?",
        *order_ids,
        now_ms,
    )
    _mark(db, order_ids)


def put_off(db: Database, order_id: str, now_ms: int, until: int) -> None:
    """Let the ended holds of an order last until another instant (epoch ms)."""
    db.run(
        "UPDATE hold SET expire_at = ? WHERE order_id = ? AND expire_at IS NOT NULL"
        " AND expire_at <= ?",
        until,
        order_id,
        now_ms,
    )


def of_orders(db: Database, order_ids: Sequence[str]) -> Mapping[str, tuple[Hold, ...]]:
    """Read the holds of orders by order id, oldest first."""
    found: dict[str, tuple[Hold, ...]] = {}
    for row in db.all(
        "SELECT order_id, reason, owner, note, expire_at, created_at FROM hold"
        f" WHERE order_id IN ({marks(order_ids)}) ORDER BY order_id, created_at, id",
        *order_ids,
    ):
        hold = Hold(HoldReason(row[1]), row[2], row[3], row[4], row[5])
        found[row[0]] = (*found.get(row[0], ()), hold)
    return found


def _mark(db: Database, order_ids: Sequence[str]) -> None:
    db.run(
        "UPDATE orders SET is_held = EXISTS (SELECT 1 FROM hold h WHERE h.order_id = orders.id),"
        f" version = version + 1 WHERE id IN ({marks(order_ids)})",
        *order_ids,
    )
