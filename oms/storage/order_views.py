"""Orders as they are shown: pages in three statements, one order with everything about it."""

import json
from collections.abc import Sequence
from typing import Any

from oms.domain.admission import Admission
from oms.domain.errors import NotFound
from oms.domain.exchange_rates import ExchangeRates
from oms.domain.ledger import LineKind, LineLedger, ShippingStatus
from oms.domain.margins import fill_margins, foreign
from oms.domain.money import Money
from oms.domain.snapshots import Address
from oms.domain.views import LineView, OrderView
from oms.storage import allocation_views, events, exchange_rates, holds, sales, write_backs
from oms.storage.database import Database, Row, marks
from oms.storage.order_filter import TAG_CONDITIONS, OrderFilter
from oms.storage.order_page import PageKey, page_statement, unfinished_statement

_COLUMNS = (
    "o.id, o.merchant_id, o.store_id, o.external_id, o.number, o.store_status, o.admission,"
    " o.status, o.currency, o.total_minor, o.customer_name, o.country, o.placed_at,"
    " o.store_updated_at, o.version, o.created_at, o.cancelled_at,"
    " o.stalls_at, o.refunded_minor, o.charged_minor"
)


def page(db: Database, wanted: OrderFilter, after: PageKey | None, limit: int) -> list[OrderView]:
    """Return orders, sorted as wanted, with lines and the summary of their allocations."""
    sql, parameters = page_statement(_COLUMNS, wanted, after, limit)
    return _with_lines(db, db.all(sql, *parameters))


def unfinished(
    db: Database, merchant_id: str, ids: Sequence[str], after: PageKey | None, limit: int
) -> list[OrderView]:
    """Return admitted orders that are not finished, the oldest first, as a page shows them.

    Empty `ids` are all. Where an order moves between two pages, it stays where it is in the list.
    """
    sql, parameters = unfinished_statement(merchant_id, ids, after, limit)
    found = [row[0] for row in db.all(sql, *parameters)]
    rows = db.all(
        f"SELECT {_COLUMNS} FROM orders o WHERE o.id IN ({marks(found)})"
        " ORDER BY o.placed_at, o.id",
        *found,
    )
    return _with_lines(db, rows)


def _with_lines(db: Database, rows: Sequence[Row]) -> list[OrderView]:
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
    row = db.one(
        f"SELECT {_COLUMNS} FROM orders o WHERE o.id = ? AND o.merchant_id = ?",
        order_id,
        merchant_id,
    )
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/orders/{order_id}")
    detail = db.one(
        "SELECT customer_email, note, address FROM order_detail WHERE order_id = ?", order_id
    )
    assert detail is not None
    order = _order(
        row,
        customer_email=detail[0],
        note=detail[1],
        recipient=Address(**json.loads(detail[2])),
        holds=holds.of_orders(db, [order_id]).get(order_id, ()),
        lines=tuple(lines_of(db, [row])[order_id]),
        allocations=allocation_views.of_order(db, order_id),
        history=events.of_order(db, order_id),
        write_backs=write_backs.of_order(db, order_id),
    )
    costs = [
        (line_id, Money(currency, amount))
        for line_id, currency, amount in sales.costs_of_lines(db, order_id)
    ]
    rates = ExchangeRates.none()
    if foreign(order):
        rates = exchange_rates.towards(db, merchant_id, order.total.currency)
    fill_margins(order, costs, rates)
    return order


def lines_of(db: Database, orders: Sequence[Row]) -> dict[str, list[LineView]]:
    """Read the lines of order rows in one statement, by order id."""
    currencies = {row[0]: row[8] for row in orders}
    found: dict[str, list[LineView]] = {order_id: [] for order_id in currencies}
    for row in db.all(
        "SELECT id, order_id, external_id, product_id, variant_id, title, sku, price_minor,"
        " pending_reason, open_units, ordered, removed, elsewhere, excluded, allocated, packed,"
        " handed_over, delivered, settled, kind FROM order_line"
        f" WHERE order_id IN ({marks(orders)}) ORDER BY order_id, position",
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
                is_replacement=row[19] == LineKind.REPLACEMENT,
            )
        )
    return found


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
        cancelled_at=row[16],
        stalls_at=row[17],
        refunded=Money(row[8], row[18]) if row[18] else None,
        charged=Money(row[8], row[19]),
        **more,
    )
