"""Allocations: what planning reads, and every write to a vendor's part of an order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oms.domain.allocations import REFUSED_STATES, AllocationState
from oms.domain.costs import Cost
from oms.domain.errors import NotFound
from oms.domain.ids import IdKind, new_id
from oms.domain.money import Money
from oms.domain.planning import HostingRule, PlanLine, PlannedLine
from oms.storage.database import Database, Row, marks


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An admitted order with open units, as planning needs it."""

    id: str
    merchant_id: str
    processing: str
    country: str
    is_held: bool
    lines: tuple[PlanLine, ...]


@dataclass(frozen=True, slots=True)
class NewAllocation:
    """One vendor's part before it is written."""

    id: str
    merchant_id: str
    order_id: str
    vendor_id: str
    accept_deadline_at: int | None
    lines: tuple[PlannedLine, ...]
    costs: tuple[Cost, ...]


@dataclass(frozen=True, slots=True)
class AllocationLineRecord:
    """Units of one line in an allocation."""

    line_id: str
    quantity: int
    packed: int
    returned: int
    unit_cost: Money | None
    shipping_cost: Money | None

    @property
    def unpacked(self) -> int:
        """Units that the vendor has neither packed nor given back."""
        return self.quantity - self.packed - self.returned


@dataclass(frozen=True, slots=True)
class AllocationRecord:
    """A locked allocation as decisions need it."""

    id: str
    merchant_id: str
    order_id: str
    vendor_id: str
    state: AllocationState
    version: int
    lines: tuple[AllocationLineRecord, ...]


def waiting_orders(db: Database, order_ids: Sequence[str]) -> list[WaitingOrder]:
    """Lock orders in id order and return those that have open units."""
    ids = sorted(set(order_ids))
    orders = db.all(
        "SELECT o.id, o.merchant_id, s.processing, o.country, o.is_held FROM orders o"
        f" JOIN store s ON s.id = o.store_id WHERE o.id IN ({marks(ids)}) AND o.has_open_units"
        f" ORDER BY o.id{db.lock_rows + ' OF o' if db.lock_rows else ''}",
        *ids,
    )
    found = [row[0] for row in orders]
    refused: dict[str, set[str]] = {}
    for line_id, vendor_id in db.all(
        "SELECT al.line_id, a.vendor_id FROM allocation a JOIN allocation_line al"
        f" ON al.allocation_id = a.id WHERE a.order_id IN ({marks(found)})"
        f" AND (a.state IN ({marks(tuple(REFUSED_STATES))})"
        # Closed short: what a vendor gave back with a reason is not offered to it again either.
        # What was taken back from it is: the order may need it again.
        " OR al.returned > 0 AND a.reject_reason <> '')",
        *found,
        *sorted(REFUSED_STATES),
    ):
        refused.setdefault(line_id, set()).add(vendor_id)
    lines: dict[str, list[PlanLine]] = {order_id: [] for order_id in found}
    for row in db.all(
        "SELECT id, order_id, product_id, variant_id, open_units FROM order_line"
        f" WHERE order_id IN ({marks(found)}) AND open_units > 0 ORDER BY order_id, position",
        *found,
    ):
        refused_by = frozenset(refused.get(row[0], ()))
        lines[row[1]].append(PlanLine(row[0], row[2], row[3], row[4], refused_by))
    return [
        WaitingOrder(
            id=row[0],
            merchant_id=row[1],
            processing=row[2],
            country=row[3],
            is_held=bool(row[4]),
            lines=tuple(lines[row[0]]),
        )
        for row in orders
    ]


def orders_waiting(
    db: Database, merchant_id: str, after: tuple[int, str], limit: int
) -> list[tuple[int, str]]:
    """Return (placed at, id) above `after` of a merchant's orders with open units."""
    rows = db.all(
        "SELECT placed_at, id FROM orders WHERE merchant_id = ? AND has_open_units"
        " AND (placed_at, id) > (?, ?) ORDER BY placed_at, id LIMIT ?",
        merchant_id,
        *after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


def orders_waiting_for(
    db: Database, merchant_id: str, product_id: str, after: str, limit: int
) -> list[str]:
    """Return ids above `after` of a merchant's orders with open units of a product."""
    # The lines come first (CROSS JOIN): there are fewer of them than of the merchant's orders.
    rows = db.all(
        "SELECT DISTINCT l.order_id FROM order_line l CROSS JOIN orders o WHERE l.product_id = ?"
        " AND l.open_units > 0 AND l.order_id > ? AND o.id = l.order_id AND o.has_open_units"
        " AND o.merchant_id = ? ORDER BY l.order_id LIMIT ?",
        product_id,
        after,
        merchant_id,
        limit,
    )
    return [row[0] for row in rows]


def insert(db: Database, allocations: Sequence[NewAllocation], now_ms: int) -> None:
    """Write new allocations with their lines and quoted costs."""
    db.many(
        "INSERT INTO allocation (id, merchant_id, order_id, vendor_id, state, reject_reason, note,"
        " accept_deadline_at, version, created_at)"
        " VALUES (?, ?, ?, ?, 'SUBMITTED', '', '', ?, 1, ?)",
        [
            (
                allocation.id,
                allocation.merchant_id,
                allocation.order_id,
                allocation.vendor_id,
                allocation.accept_deadline_at,
                now_ms,
            )
            for allocation in allocations
        ],
    )
    db.many(
        "INSERT INTO allocation_line (allocation_id, line_id, quantity, packed, returned,"
        " hosting_id, vendor_sku, purchase_url, unit_cost_minor, shipping_cost_minor, currency)"
        " VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?)",
        [
            (
                allocation.id,
                line.line_id,
                line.quantity,
                line.rule.id,
                line.rule.vendor_sku,
                line.rule.purchase_url,
                *_quote_columns(line.rule),
            )
            for allocation in allocations
            for line in allocation.lines
        ],
    )
    insert_costs(
        db,
        [
            (allocation.id, allocation.order_id, cost)
            for allocation in allocations
            for cost in allocation.costs
        ],
        now_ms,
    )


def _quote_columns(rule: HostingRule) -> tuple[int | None, int | None, str]:
    quotes = [quote for quote in (rule.unit_cost, rule.shipping_cost) if quote is not None]
    return (
        None if rule.unit_cost is None else rule.unit_cost.amount_minor,
        None if rule.shipping_cost is None else rule.shipping_cost.amount_minor,
        quotes[0].currency if quotes else "",
    )


def insert_costs(db: Database, costs: Iterable[tuple[str, str, Cost]], now_ms: int) -> None:
    """Append (allocation id, order id, cost) to the cost ledger."""
    db.many(
        "INSERT INTO cost_entry (id, allocation_id, order_id, kind, source, amount_minor, currency,"
        " note, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                new_id(IdKind.COST_ENTRY, now_ms),
                allocation_id,
                order_id,
                cost.kind.value,
                cost.source.value,
                cost.amount.amount_minor,
                cost.amount.currency,
                cost.note,
                now_ms,
            )
            for allocation_id, order_id, cost in costs
        ],
    )


def order_of(db: Database, vendor_id: str, allocation_id: str) -> str:
    """Return the order of a vendor's allocation, which is to be locked first; raises NotFound."""
    row = db.one(
        "SELECT order_id FROM allocation WHERE id = ? AND vendor_id = ?", allocation_id, vendor_id
    )
    if row is None:
        raise NotFound.of(f"vendors/{vendor_id}/allocations/{allocation_id}")
    return str(row[0])


def record(db: Database, allocation_id: str) -> AllocationRecord:
    """Read an allocation whose order is locked."""
    row = db.one(
        "SELECT id, merchant_id, order_id, vendor_id, state, version FROM allocation WHERE id = ?",
        allocation_id,
    )
    assert row is not None
    lines = db.all(
        "SELECT line_id, quantity, packed, returned, unit_cost_minor, shipping_cost_minor, currency"
        " FROM allocation_line WHERE allocation_id = ? ORDER BY line_id",
        allocation_id,
    )
    return AllocationRecord(
        id=row[0],
        merchant_id=row[1],
        order_id=row[2],
        vendor_id=row[3],
        state=AllocationState(row[4]),
        version=row[5],
        lines=tuple(_line(line) for line in lines),
    )


def _line(row: Row) -> AllocationLineRecord:
    return AllocationLineRecord(
        line_id=row[0],
        quantity=row[1],
        packed=row[2],
        returned=row[3],
        unit_cost=None if row[4] is None else Money(row[6], row[4]),
        shipping_cost=None if row[5] is None else Money(row[6], row[5]),
    )


def move(
    db: Database,
    allocation: AllocationRecord,
    state: AllocationState,
    now_ms: int,
    *,
    reject_reason: str = "",
    note: str = "",
) -> None:
    """Write a state that the table gave; its version grows. Reason and note are kept if empty."""
    accepted = state == AllocationState.ACCEPTED
    ended = state not in _OPEN_STATES
    db.run(
        "UPDATE allocation SET state = ?, version = version + 1,"
        " accepted_at = COALESCE(accepted_at, ?), closed_at = ?, cancellation_deadline_at ="
        " CASE WHEN ? = 'CANCELLATION_REQUESTED' THEN cancellation_deadline_at END,"
        " reject_reason = CASE WHEN ? = '' THEN reject_reason ELSE ? END,"
        " note = CASE WHEN ? = '' THEN note ELSE ? END WHERE id = ?",
        state.value,
        now_ms if accepted else None,
        now_ms if ended else None,
        state.value,
        reject_reason,
        reject_reason,
        note,
        note,
        allocation.id,
    )


_OPEN_STATES = frozenset(
    {
        AllocationState.SUBMITTED,
        AllocationState.ACCEPTED,
        AllocationState.CANCELLATION_REQUESTED,
    }
)


def return_unpacked(db: Database, allocation: AllocationRecord) -> None:
    """Give back the units that are not packed."""
    db.run(
        "UPDATE allocation_line SET returned = quantity - packed WHERE allocation_id = ?",
        allocation.id,
    )


def add_packed(db: Database, allocation_id: str, units: Iterable[tuple[str, int]]) -> None:
    """Count (line id, units) into parcels; negative units when a parcel was voided."""
    db.many(
        "UPDATE allocation_line SET packed = packed + ? WHERE allocation_id = ? AND line_id = ?",
        [(quantity, allocation_id, line_id) for line_id, quantity in units],
    )


def overdue(db: Database, now_ms: int, limit: int) -> list[tuple[str, str]]:
    """Return (allocation id, order id) of allocations that were not accepted in time."""
    rows = db.all(
        "SELECT id, order_id FROM allocation WHERE state = 'SUBMITTED'"
        " AND accept_deadline_at IS NOT NULL AND accept_deadline_at <= ?"
        " ORDER BY accept_deadline_at LIMIT ?",
        now_ms,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


def put_off_deadline(db: Database, allocation_id: str, until: int) -> None:
    """Let a vendor accept until another instant (epoch ms)."""
    db.run("UPDATE allocation SET accept_deadline_at = ? WHERE id = ?", until, allocation_id)


def acceptance_hours(db: Database, merchant_id: str, vendor_ids: Sequence[str]) -> dict[str, int]:
    """Return the hours to accept, of those vendors who must accept by word."""
    rows = db.all(
        "SELECT vendor_id, acceptance_hours FROM partnership WHERE merchant_id = ?"
        f" AND vendor_id IN ({marks(vendor_ids)}) AND acceptance_required",
        merchant_id,
        *vendor_ids,
    )
    return {row[0]: row[1] for row in rows}


def note_address_change(db: Database, order_id: str, now_ms: int) -> None:
    """Tell the vendors who work on a part of an order that its address changed.

    Who has not accepted yet sees the new address alone, but may not accept by the old etag; who has
    packed is told as long as a parcel of his is not with the carrier.
    """
    db.run(
        "UPDATE allocation SET version = version + 1, address_changed_at ="
        " CASE WHEN state = 'SUBMITTED' THEN address_changed_at ELSE ? END WHERE order_id = ?"
        " AND (state IN ('SUBMITTED', 'ACCEPTED', 'CANCELLATION_REQUESTED') OR EXISTS ("
        "SELECT 1 FROM package p WHERE p.allocation_id = allocation.id"
        " AND p.handed_over_at IS NULL AND p.state <> 'VOIDED'))",
        now_ms,
        order_id,
    )


def touch(db: Database, allocation_id: str) -> None:
    """Let the version of a locked allocation grow."""
    db.run("UPDATE allocation SET version = version + 1 WHERE id = ?", allocation_id)
