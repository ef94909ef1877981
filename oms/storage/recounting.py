"""The recount: the one place that writes ledgers and statuses from allocations and packages."""

from collections.abc import Sequence

from oms.domain.allocations import AllocationState
from oms.domain.ledger import (
    AllocatedUnits,
    LineLedger,
    PackedUnits,
    recount,
    shipping_status,
)
from oms.domain.packages import is_in_trouble
from oms.domain.tracking import PackageState
from oms.storage import sales
from oms.storage.database import Database, marks
from oms.storage.orders import lines_of, write_ledgers


def refresh(db: Database, order_ids: Sequence[str]) -> None:
    """Recount the ledgers and the status of orders from their allocations and packages.

    The one place that writes either; called in every transaction that touches their inputs, with
    the orders locked. Each order's version grows. What the lines sold and cost follows.
    """
    lines = lines_of(db, order_ids)
    allocated = _allocated_units(db, order_ids)
    packed, troubled = _packed_units(db, order_ids)
    cancelled = _cancelled(db, order_ids)
    recounted = {
        line.id: recount(
            line.ledger,
            allocated.get(line.id, ()),
            packed.get(line.id, ()),
            line.word,
            is_cancelled=line.order_id in cancelled,
        )
        for group in lines.values()
        for line in group
    }
    write_ledgers(
        db,
        [
            (line.id, recounted[line.id])
            for group in lines.values()
            for line in group
            if recounted[line.id] != line.ledger
        ],
    )
    db.many(
        "UPDATE orders SET status = CASE WHEN admission = 'ADMITTED' THEN ? END,"
        " has_open_units = ? AND admission = 'ADMITTED', version = version + 1 WHERE id = ?",
        [
            (
                *_state_of(
                    [recounted[line.id] for line in group], is_troubled=order_id in troubled
                ),
                order_id,
            )
            for order_id, group in lines.items()
        ],
    )
    sales.refresh(db, order_ids)


def _cancelled(db: Database, order_ids: Sequence[str]) -> set[str]:
    rows = db.all(
        f"SELECT id FROM orders WHERE id IN ({marks(order_ids)}) AND cancelled_at IS NOT NULL",
        *order_ids,
    )
    return {row[0] for row in rows}


def _state_of(ledgers: Sequence[LineLedger], *, is_troubled: bool) -> tuple[str | None, bool]:
    status = shipping_status(ledgers, has_parcel_in_trouble=is_troubled)
    return status, any(ledger.open for ledger in ledgers)


def _allocated_units(db: Database, order_ids: Sequence[str]) -> dict[str, list[AllocatedUnits]]:
    found: dict[str, list[AllocatedUnits]] = {}
    for row in db.all(
        "SELECT al.line_id, a.state, al.quantity, al.packed, al.returned FROM allocation a"
        " JOIN allocation_line al ON al.allocation_id = a.id"
        f" WHERE a.order_id IN ({marks(order_ids)})",
        *order_ids,
    ):
        units = AllocatedUnits(AllocationState(row[1]), row[2], row[3], row[4])
        found.setdefault(row[0], []).append(units)
    return found


def _packed_units(
    db: Database, order_ids: Sequence[str]
) -> tuple[dict[str, list[PackedUnits]], set[str]]:
    found: dict[str, list[PackedUnits]] = {}
    troubled: set[str] = set()
    for row in db.all(
        "SELECT pl.line_id, p.state, p.handed_over_at, pl.quantity, p.order_id FROM package p"
        f" JOIN package_line pl ON pl.package_id = p.id WHERE p.order_id IN ({marks(order_ids)})",
        *order_ids,
    ):
        state = PackageState(row[1])
        units = PackedUnits(state, row[2] is not None, row[3])
        found.setdefault(row[0], []).append(units)
        if is_in_trouble(state):
            troubled.add(row[4])
    return found, troubled
