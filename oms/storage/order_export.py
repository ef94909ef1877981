"""Orders with everything that an export tells, batch by batch, in five statements each."""

import json
from collections.abc import Sequence

from oms.domain.admission import Admission
from oms.domain.exports import ExportedOrder
from oms.domain.ledger import LineLedger
from oms.domain.money import Money
from oms.domain.snapshots import Address, LineSnapshot, OrderSnapshot
from oms.storage.database import Database, Row, marks
from oms.storage.order_filter import OrderFilter
from oms.storage.order_page import PageKey, page_statement

_COLUMNS = (
    "o.id, o.store_id, o.external_id, o.number, o.store_status, o.admission, o.status, o.currency,"
    " o.total_minor, o.customer_name, o.placed_at, o.store_updated_at"
)


def batch(
    db: Database, wanted: OrderFilter, after: PageKey | None, limit: int
) -> list[ExportedOrder]:
    """Read a batch of orders, sorted as wanted, after the last key of the one before."""
    sql, parameters = page_statement(_COLUMNS, wanted, after, limit)
    rows = db.all(sql, *parameters)
    ids = [row[0] for row in rows]
    details = {
        row[0]: row[1:]
        for row in db.all(
            "SELECT order_id, customer_email, note, address FROM order_detail"
            f" WHERE order_id IN ({marks(ids)})",
            *ids,
        )
    }
    lines = _lines(db, ids)
    numbers = _tracking_numbers(db, ids)
    vendors = _vendors(db, ids)
    return [
        _order(row, details[row[0]], lines[row[0]], numbers.get(row[0], ()), vendors)
        for row in rows
    ]


def _lines(db: Database, ids: Sequence[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {order_id: [] for order_id in ids}
    for row in db.all(
        "SELECT order_id, id, external_id, title, sku, price_minor, needs_shipping, wanted,"
        " is_fulfilled, ordered, removed, elsewhere, excluded, allocated, packed, handed_over,"
        f" delivered, settled FROM order_line WHERE order_id IN ({marks(ids)}) AND"
        " kind = 'ORIGINAL' ORDER BY order_id, position, id",
        *ids,
    ):
        found[row[0]].append(row[1:])
    return found


def _tracking_numbers(db: Database, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for order_id, number in db.all(
        f"SELECT order_id, tracking_number FROM package WHERE order_id IN ({marks(ids)})"
        " AND state <> 'VOIDED' ORDER BY id",
        *ids,
    ):
        found[order_id] = (*found.get(order_id, ()), number)
    return found


def _vendors(db: Database, ids: Sequence[str]) -> dict[str, str]:
    """Name the vendors who have, or had, a live part of each line, by our id of the line."""
    found: dict[str, str] = {}
    for line_id, name in db.all(
        "SELECT DISTINCT l.line_id, v.display_name FROM allocation a"
        " JOIN allocation_line l ON l.allocation_id = a.id JOIN vendor v ON v.id = a.vendor_id"
        f" WHERE a.order_id IN ({marks(ids)})"
        " AND a.state NOT IN ('REJECTED', 'EXPIRED', 'CANCELLED') ORDER BY 1, 2",
        *ids,
    ):
        found[line_id] = f"{found[line_id]}; {name}" if line_id in found else name
    return found


def _order(
    row: Row, detail: Row, lines: Sequence[Row], numbers: tuple[str, ...], vendors: dict[str, str]
) -> ExportedOrder:
    admission, currency = row[5], row[7]
    is_cancelled = admission == Admission.CANCELLED
    return ExportedOrder(
        id=row[0],
        store_id=row[1],
        order=OrderSnapshot(
            external_id=row[2],
            number=row[3],
            store_status=row[4],
            currency=currency,
            total=Money(currency, row[8]),
            placed_at=row[10] // 1000,
            updated_at=row[11] // 1000,
            is_paid=admission != Admission.UNPAID,
            is_cancelled=is_cancelled,
            is_fulfilled=admission == Admission.FULFILLED_ELSEWHERE,
            customer_name=row[9],
            customer_email=detail[0],
            address=Address(**json.loads(detail[2])),
            lines=tuple(_line(line, currency, is_cancelled=is_cancelled) for line in lines),
            raw=b"",
            note=detail[1],
        ),
        admission=admission,
        shipping_status=row[6] or "",
        tracking_numbers=numbers,
        ledgers={line[1]: LineLedger(*line[8:17]) for line in lines},
        vendors={line[1]: vendors.get(line[0], "") for line in lines},
    )


def _line(row: Row, currency: str, *, is_cancelled: bool) -> LineSnapshot:
    ordered, wanted, needs_shipping = row[8], row[6], bool(row[5])
    return LineSnapshot(
        external_id=row[1],
        product_id="",
        variant_id="",
        title=row[2],
        sku=row[3],
        quantity=ordered,
        price=Money(currency, row[4]),
        removed_quantity=0 if is_cancelled else ordered - min(wanted, ordered),
        needs_shipping=needs_shipping,
        is_fulfilled=bool(row[7]) and needs_shipping,
    )
