"""Allocations as they are shown, to the merchant inside an order and to the vendor."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from oms.domain.allocations import AllocationState
from oms.domain.costs import CostKind, CostSource
from oms.domain.errors import NotFound
from oms.domain.money import Money
from oms.domain.views import AllocationLineView, AllocationView, CostEntry, PackageView
from oms.storage import orders, package_views
from oms.storage.database import Database, Row, marks

_ALLOCATION = (
    "SELECT a.id, a.merchant_id, a.order_id, o.number, a.vendor_id, v.display_name,"
    " m.display_name, a.state, a.reject_reason, a.note, a.accept_deadline_at, a.accepted_at,"
    " a.closed_at, a.version, a.created_at, a.cancellation_deadline_at, a.address_changed_at,"
    " a.case_id FROM allocation a JOIN orders o ON o.id = a.order_id"
    " JOIN vendor v ON v.id = a.vendor_id JOIN merchant m ON m.id = a.merchant_id"
)
_LINE_COLUMNS = (
    "al.line_id, l.title, l.sku, al.vendor_sku, al.purchase_url, al.quantity, al.packed,"
    " al.returned, al.unit_cost_minor, al.currency, al.asked_back"
)


@dataclass(frozen=True, slots=True)
class AllocationFilter:
    """Which allocations of a vendor; empty matches all."""

    vendor_id: str
    states: tuple[AllocationState, ...] = ()
    merchant_id: str = ""
    ids: tuple[str, ...] = ()


def summaries_of_orders(db: Database, order_ids: Sequence[str]) -> dict[str, list[AllocationView]]:
    """Read allocations with their lines by order id, in one statement, oldest first."""
    rows = db.all(
        "SELECT a.id, a.merchant_id, a.order_id, '', a.vendor_id, v.display_name, '', a.state,"
        " a.reject_reason, a.note, a.accept_deadline_at, a.accepted_at, a.closed_at, a.version,"
        " a.created_at, a.cancellation_deadline_at, a.address_changed_at, a.case_id,"
        f" {_LINE_COLUMNS} FROM allocation a JOIN vendor v ON v.id = a.vendor_id"
        " JOIN allocation_line al ON al.allocation_id = a.id"
        f" JOIN order_line l ON l.id = al.line_id WHERE a.order_id IN ({marks(order_ids)})"
        " ORDER BY a.id, l.position",
        *order_ids,
    )
    heads: dict[str, Row] = {}
    lines: dict[str, list[AllocationLineView]] = {}
    for row in rows:
        heads.setdefault(row[0], row)
        lines.setdefault(row[0], []).append(_line(row[18:]))
    found: dict[str, list[AllocationView]] = {}
    for allocation_id, head in heads.items():
        view = _allocation(head, lines=tuple(lines[allocation_id]))
        found.setdefault(view.order_id, []).append(view)
    return found


def of_order(db: Database, order_id: str) -> tuple[AllocationView, ...]:
    """Read the allocations of one order with everything, oldest first."""
    rows = db.all(f"{_ALLOCATION} WHERE a.order_id = ? ORDER BY a.id", order_id)
    return tuple(_complete(db, rows, with_events=True))


def get(db: Database, vendor_id: str, allocation_id: str) -> AllocationView:
    """Read one allocation of a vendor with everything; raises NotFound."""
    rows = db.all(f"{_ALLOCATION} WHERE a.id = ? AND a.vendor_id = ?", allocation_id, vendor_id)
    if not rows:
        raise NotFound.of(f"vendors/{vendor_id}/allocations/{allocation_id}")
    view = _complete(db, rows, with_events=True)[0]
    return replace(view, recipient=orders.addresses(db, [view.order_id])[view.order_id])


def page(db: Database, wanted: AllocationFilter, before: str, limit: int) -> list[AllocationView]:
    """Return a vendor's allocations, newest first, older than the id `before`."""
    states = f" AND a.state IN ({marks(wanted.states)})" if wanted.states else ""
    of_these = f" AND a.id IN ({marks(wanted.ids)})" if wanted.ids else ""
    rows = db.all(
        f"{_ALLOCATION} WHERE a.vendor_id = ?{states}{of_these} AND (? = '' OR a.merchant_id = ?)"
        " AND (? = '' OR a.id < ?) ORDER BY a.id DESC LIMIT ?",
        wanted.vendor_id,
        *wanted.states,
        *wanted.ids,
        wanted.merchant_id,
        wanted.merchant_id,
        before,
        before,
        limit,
    )
    views = _complete(db, rows, with_events=False)
    recipients = orders.addresses(db, [view.order_id for view in views])
    return [replace(view, recipient=recipients[view.order_id]) for view in views]


def _complete(db: Database, rows: Sequence[Row], *, with_events: bool) -> list[AllocationView]:
    ids = [row[0] for row in rows]
    lines = _lines(db, ids)
    costs = _costs(db, ids)
    packages: dict[str, list[PackageView]] = {}
    for package in package_views.of_allocations(db, ids, with_events=with_events):
        packages.setdefault(package.allocation_id, []).append(package)
    return [
        _allocation(
            row,
            lines=tuple(lines.get(row[0], ())),
            costs=tuple(costs.get(row[0], ())),
            packages=tuple(packages.get(row[0], ())),
        )
        for row in rows
    ]


def _lines(db: Database, ids: Sequence[str]) -> dict[str, list[AllocationLineView]]:
    found: dict[str, list[AllocationLineView]] = {}
    for row in db.all(
        f"SELECT al.allocation_id, {_LINE_COLUMNS} FROM allocation_line al"
        f" JOIN order_line l ON l.id = al.line_id WHERE al.allocation_id IN ({marks(ids)})"
        " ORDER BY l.position",
        *ids,
    ):
        found.setdefault(row[0], []).append(_line(row[1:]))
    return found


def _costs(db: Database, ids: Sequence[str]) -> dict[str, list[CostEntry]]:
    found: dict[str, list[CostEntry]] = {}
    for row in db.all(
        "SELECT allocation_id, kind, source, currency, amount_minor, note, created_at"
        f" FROM cost_entry WHERE allocation_id IN ({marks(ids)}) ORDER BY created_at, id",
        *ids,
    ):
        entry = CostEntry(
            CostKind(row[1]), CostSource(row[2]), Money(row[3], row[4]), row[5], row[6]
        )
        found.setdefault(row[0], []).append(entry)
    return found


def _line(row: Row) -> AllocationLineView:
    return AllocationLineView(
        line_id=row[0],
        title=row[1],
        sku=row[2],
        vendor_sku=row[3],
        purchase_url=row[4],
        quantity=row[5],
        packed=row[6],
        returned=row[7],
        unit_cost=None if row[8] is None else Money(row[9], row[8]),
        asked_back=row[10],
    )


def _allocation(row: Row, **more: Any) -> AllocationView:
    """Build an allocation with `more` fields."""
    return AllocationView(
        id=row[0],
        merchant_id=row[1],
        order_id=row[2],
        order_number=row[3],
        vendor_id=row[4],
        vendor_display_name=row[5],
        merchant_display_name=row[6],
        state=AllocationState(row[7]),
        reject_reason=row[8],
        note=row[9],
        accept_deadline_at=row[10],
        accepted_at=row[11],
        closed_at=row[12],
        version=row[13],
        created_at=row[14],
        cancellation_deadline_at=row[15],
        address_changed_at=row[16],
        case_id=row[17],
        **more,
    )
