"""Orders as they are shown: pages in three statements, one order with everything about it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oms.domain.admission import Admission
from oms.domain.errors import NotFound
from oms.domain.ledger import LineLedger, ShippingStatus
from oms.domain.money import Money
from oms.domain.snapshots import Address
from oms.domain.views import LineView, OrderView
from oms.storage import allocation_views, events
from oms.storage.database import Database, Row, marks

PageKey = tuple[int, str]  # (placed_at, id) of the last order of the page before.

_ORDER = (
    "SELECT o.id, o.merchant_id, o.store_id, o.external_id, o.number, o.store_status, o.admission,"
    " o.status, o.currency, o.total_minor, o.customer_name, o.country, o.placed_at,"
    " o.store_updated_at, o.version, o.created_at FROM orders o"
)

# Tag -> what an order must be. The words are the condition of an index each.
TAG_CONDITIONS = {
    "ADMITTED": "o.admission = 'ADMITTED'",
    "PENDING": "o.has_open_units",
    "PROCESSING": "o.status = 'PROCESSING'",
    "IN_TRANSIT": "o.status = 'IN_TRANSIT'",
    "EXCEPTION": "o.status = 'EXCEPTION'",
    "DELIVERED": "o.status = 'DELIVERED'",
    "NOT_ADMITTED": "o.admission <> 'ADMITTED'",
    "ENDED": "o.admission = 'ADMITTED' AND o.status IS NULL",
}


_HAS_LIVE_PART = (
    "EXISTS (SELECT 1 FROM allocation a WHERE a.order_id = o.id AND a.vendor_id = ?"
    " AND a.state NOT IN ('REJECTED', 'EXPIRED', 'CANCELLED'))"
)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders of a merchant. Empty texts match all; instants are epoch milliseconds."""

    merchant_id: str
    tag: str = "ADMITTED"
    store_id: str = ""
    vendor_id: str = ""
    placed_from: int | None = None
    placed_before: int | None = None


def page(db: Database, wanted: OrderFilter, after: PageKey | None, limit: int) -> list[OrderView]:
    """Return orders, newest first, with lines and the summary of their allocations."""
    conditions, parameters = _conditions(wanted)
    if after is not None:
        conditions.append("(o.placed_at, o.id) < (?, ?)")
        parameters.extend(after)
    rows = db.all(
        f"{_ORDER} WHERE {' AND '.join(conditions)} ORDER BY o.placed_at DESC, o.id DESC LIMIT ?",
        *parameters,
        limit,
    )
    ids = [row[0] for row in rows]
    lines = lines_of(db, rows)
    allocations = allocation_views.summaries_of_orders(db, ids)
    return [
        _order(row, lines=tuple(lines[row[0]]), allocations=tuple(allocations.get(row[0], ())))
        for row in rows
    ]


def count_by_tag(db: Database, merchant_id: str, store_id: str) -> dict[str, int]:
    """Count a merchant's orders per tag in one statement."""
    of_store = " AND store_id = ?" if store_id else ""
    rows = db.all(
        f"SELECT admission, status, has_open_units, COUNT(*) FROM orders WHERE merchant_id = ?"
        f"{of_store} GROUP BY store_id, admission, status, has_open_units",
        merchant_id,
        *((store_id,) if store_id else ()),
    )
    counts = dict.fromkeys(TAG_CONDITIONS, 0)
    for admission, status, has_open_units, count in rows:
        is_admitted = admission == Admission.ADMITTED
        counts["ADMITTED" if is_admitted else "NOT_ADMITTED"] += count
        if has_open_units:
            counts["PENDING"] += count
        if is_admitted and status is None:
            counts["ENDED"] += count
        if status is not None and status != ShippingStatus.PENDING:
            counts[status] += count
    return counts


def get(db: Database, merchant_id: str, order_id: str) -> OrderView:
    """Read everything about one order; raises NotFound."""
    row = db.one(f"{_ORDER} WHERE o.id = ? AND o.merchant_id = ?", order_id, merchant_id)
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/orders/{order_id}")
    detail = db.one(
        "SELECT customer_email, note, address FROM order_detail WHERE order_id = ?", order_id
    )
    assert detail is not None
    return _order(
        row,
        customer_email=detail[0],
        note=detail[1],
        recipient=Address(**json.loads(detail[2])),
        lines=tuple(lines_of(db, [row])[order_id]),
        allocations=allocation_views.of_order(db, order_id),
        history=events.of_order(db, order_id),
    )


def lines_of(db: Database, orders: Sequence[Row]) -> dict[str, list[LineView]]:
    """Read the lines of order rows in one statement, by order id."""
    currencies = {row[0]: row[8] for row in orders}
    found: dict[str, list[LineView]] = {order_id: [] for order_id in currencies}
    for row in db.all(
        "SELECT id, order_id, external_id, product_id, variant_id, title, sku, price_minor,"
        " pending_reason, open_units, ordered, removed, elsewhere, excluded, allocated, packed,"
        f" handed_over, delivered, settled FROM order_line WHERE order_id IN ({marks(orders)})"
        " ORDER BY order_id, position",
        *currencies,
    ):
        found[row[1]].append(
            LineView(
                id=row[0],
                order_id=row[1],
                external_id=row[2],
                product_id=row[3],
                variant_id=row[4],
                title=row[5],
                sku=row[6],
                price=Money(currencies[row[1]], row[7]),
                pending_reason=row[8] if row[9] else "",
                ledger=LineLedger(*row[10:19]),
            )
        )
    return found


def _conditions(wanted: OrderFilter) -> tuple[list[str], list[object]]:
    conditions = ["o.merchant_id = ?", TAG_CONDITIONS[wanted.tag]]
    parameters: list[object] = [wanted.merchant_id]
    for condition, value in (
        ("o.store_id = ?", wanted.store_id or None),
        (_HAS_LIVE_PART, wanted.vendor_id or None),
        ("o.placed_at >= ?", wanted.placed_from),
        ("o.placed_at < ?", wanted.placed_before),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    return conditions, parameters


def _order(row: Row, **more: Any) -> OrderView:
    """Build an order with `more` fields; building it twice (replace) costs as much again."""
    return OrderView(
        id=row[0],
        merchant_id=row[1],
        store_id=row[2],
        external_id=row[3],
        number=row[4],
        store_status=row[5],
        admission=Admission(row[6]),
        status=None if row[7] is None else ShippingStatus(row[7]),
        total=Money(row[8], row[9]),
        customer_name=row[10],
        country=row[11],
        placed_at=row[12],
        store_updated_at=row[13],
        version=row[14],
        created_at=row[15],
        **more,
    )
