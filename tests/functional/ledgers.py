"""What the stored ledgers and statuses ought to be, counted from allocations and parcels alone."""

from collections import defaultdict
from dataclasses import asdict

from oms.domain.allocations import LIVE_STATES, AllocationState
from oms.domain.ledger import (
    AllocatedUnits,
    LineLedger,
    PackedUnits,
    StoreWord,
    recount,
    shipping_status,
)
from oms.domain.packages import is_in_trouble
from oms.domain.tracking import PackageState
from oms.storage.database import Database

COUNTERS = tuple(asdict(LineLedger(0)))
LIVE = ", ".join(f"'{state.value}'" for state in sorted(LIVE_STATES))


def wrong_ledgers(db: Database) -> list[str]:
    """List everything that is stored otherwise than a count from scratch comes to."""
    with db.session():
        wrong, by_order = _wrong_lines(db)
        wrong += _wrong_units(db)
        troubled = {
            row[0]
            for row in db.all("SELECT order_id, state FROM package")
            if is_in_trouble(PackageState(row[1]))
        }
        orders = db.all("SELECT id, admission, status, has_open_units FROM orders")
    for order_id, admission, status, has_open_units in orders:
        ledgers = by_order[order_id]
        expected = shipping_status(ledgers, has_parcel_in_trouble=order_id in troubled)
        is_admitted = admission == "ADMITTED"
        if status != (expected if is_admitted else None):
            wrong.append(f"{order_id} is {status}, not {expected}")
        if bool(has_open_units) != (is_admitted and any(ledger.open for ledger in ledgers)):
            wrong.append(f"{order_id} has open units: {has_open_units}")
    return wrong


def _wrong_lines(db: Database) -> tuple[list[str], dict[str, list[LineLedger]]]:
    allocated, packed = _allocated(db), _packed(db)
    wrong = []
    by_order: dict[str, list[LineLedger]] = defaultdict(list)
    for line_id, order_id, open_units, over, wanted, fulfilled, is_cancelled, *counters in db.all(
        "SELECT l.id, l.order_id, open_units, over_allocated, wanted, is_fulfilled,"
        f" cancelled_at IS NOT NULL, {', '.join(COUNTERS)}"
        " FROM order_line l JOIN orders o ON o.id = l.order_id"
    ):
        stored = LineLedger(*counters)
        word = StoreWord(wanted, bool(fulfilled))
        counted = recount(
            stored, allocated[line_id], packed[line_id], word, is_cancelled=bool(is_cancelled)
        )
        by_order[order_id].append(counted)
        if stored != counted:
            wrong.append(f"{line_id}: {stored} is stored, {counted} is counted")
        if (open_units, bool(over)) != (counted.open, counted.is_over_allocated):
            wrong.append(f"{line_id}: {open_units} open, over {over}; {counted}")
        wrong += [f"{line_id}: {rule}" for rule in counted.broken_rules()]
    return wrong, by_order


def _wrong_units(db: Database) -> list[str]:
    """Look for parts whose units do not add up, and for lines that vendors have too much of.

    A vendor may have more than is wanted only while he is asked for it, or after he refused.
    """
    wrong = [
        f"{row} does not add up"
        for row in db.all(
            "SELECT al.allocation_id, a.state, quantity, packed, returned, asked_back"
            " FROM allocation_line al JOIN allocation a ON a.id = al.allocation_id"
            " WHERE packed + returned > quantity OR packed < 0 OR returned < 0"
            f" OR a.state NOT IN ({LIVE}) AND packed + returned <> quantity"
            " OR asked_back > quantity - packed - returned"
            " OR asked_back > 0 AND a.state <> 'CANCELLATION_REQUESTED'"
        )
    ]
    wrong += [
        f"allocation {row[0]} has packed {row[1]} in its parcels, and counts {row[2]}"
        for row in db.all(
            "SELECT al.allocation_id, COALESCE(SUM(pl.quantity), 0), al.packed"
            " FROM allocation_line al"
            " LEFT JOIN package p ON p.allocation_id = al.allocation_id AND p.state <> 'VOIDED'"
            " LEFT JOIN package_line pl ON pl.package_id = p.id AND pl.line_id = al.line_id"
            " GROUP BY al.allocation_id, al.line_id, al.packed"
            " HAVING COALESCE(SUM(pl.quantity), 0) <> al.packed"
        )
    ]
    wrong += [
        f"line {row[0]} is over-allocated by {row[1]}, and vendors are asked for or keep {row[2]}"
        for row in db.all(
            "SELECT l.id, l.excluded + l.allocated + l.packed - l.ordered + l.removed"
            " + l.elsewhere, SUM(al.asked_back + al.kept) FROM order_line l"
            " JOIN allocation_line al ON al.line_id = l.id"
            " JOIN allocation a ON a.id = al.allocation_id"
            f" WHERE l.over_allocated AND a.state IN ({LIVE})"
            " GROUP BY l.id, l.excluded, l.allocated, l.packed, l.ordered, l.removed, l.elsewhere"
            " HAVING SUM(al.asked_back + al.kept) < l.excluded + l.allocated + l.packed - l.ordered"
            " + l.removed + l.elsewhere"
        )
    ]
    return wrong


def wrong_costs(db: Database) -> list[str]:
    """Compare the quoted costs of every part with its units that did not go back."""
    with db.session():
        rows = db.all(
            "SELECT al.allocation_id, SUM((quantity - returned)"
            " * (COALESCE(unit_cost_minor, 0) + COALESCE(shipping_cost_minor, 0))),"
            " (SELECT COALESCE(SUM(amount_minor), 0) FROM cost_entry c"
            "  WHERE c.allocation_id = al.allocation_id AND source = 'QUOTED')"
            " FROM allocation_line al GROUP BY al.allocation_id"
        )
    return [
        f"{allocation_id} is quoted at {quoted}, not {due}"
        for allocation_id, due, quoted in rows
        if due != quoted
    ]


def _allocated(db: Database) -> dict[str, list[AllocatedUnits]]:
    found: dict[str, list[AllocatedUnits]] = defaultdict(list)
    for line_id, state, *counts in db.all(
        "SELECT al.line_id, a.state, al.quantity, al.packed, al.returned FROM allocation_line al"
        " JOIN allocation a ON a.id = al.allocation_id"
    ):
        found[line_id].append(AllocatedUnits(AllocationState(state), *counts))
    return found


def _packed(db: Database) -> dict[str, list[PackedUnits]]:
    found: dict[str, list[PackedUnits]] = defaultdict(list)
    for line_id, state, handed_over_at, quantity in db.all(
        "SELECT pl.line_id, p.state, p.handed_over_at, pl.quantity FROM package_line pl"
        " JOIN package p ON p.id = pl.package_id"
    ):
        is_handed_over = handed_over_at is not None
        found[line_id].append(PackedUnits(PackageState(state), is_handed_over, quantity))
    return found
