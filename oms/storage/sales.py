"""What every line sold and cost: derived from lines, allocations and costs, never counted up.

Reports add these rows up. From the ledgers themselves the same sums would take three joins and one
division of costs per allocation, several seconds over 100,000 orders (docs/reports.md).
"""

from collections.abc import Sequence
from typing import Any, Protocol

from oms.domain.costs import CostKind, CostSource
from oms.domain.sales import Part, PartCost, PartLine, Sale, SoldLine, sales_of
from oms.storage.database import Row, marks


class Statements(Protocol):
    """What a refresh needs of a database, which a migration has too."""

    def all(self, sql: str, *parameters: object) -> list[Any]:
        """Return every row."""
        ...

    def many(self, sql: str, rows: list[Any]) -> None:
        """Run one statement for many rows."""
        ...


_COLUMNS = (
    "order_id, line_id, vendor_id, cost_currency, merchant_id, placed_at, store_id, country,"
    " currency, status, product_id, is_first_of_product, is_first_of_vendor, units, sales_minor,"
    " product_minor, shipping_minor, service_fee_minor, tax_minor, adjustment_minor"
)
_KEY = 4  # Columns of the key.
KINDS = (
    CostKind.PRODUCT,
    CostKind.SHIPPING,
    CostKind.SERVICE_FEE,
    CostKind.TAX,
    CostKind.ADJUSTMENT,
)  # In the order of their columns.


def refresh(db: Statements, order_ids: Sequence[str]) -> None:
    """Derive the rows of orders anew, with the orders locked; only what differs is written."""
    wanted = {row[:_KEY]: row for row in _derived(db, order_ids)}
    found = {
        row[:_KEY]: row
        for row in db.all(
            f"SELECT {_COLUMNS} FROM sale WHERE order_id IN ({marks(order_ids)})", *order_ids
        )
    }
    db.many(
        "DELETE FROM sale WHERE order_id = ? AND line_id = ? AND vendor_id = ?"
        " AND cost_currency = ?",
        [key for key in found if key not in wanted],
    )
    names = _COLUMNS.split(", ")
    values = ", ".join(f"{name} = excluded.{name}" for name in names[_KEY:])
    db.many(
        f"INSERT INTO sale ({_COLUMNS}) VALUES ({marks(names)})"
        f" ON CONFLICT (order_id, line_id, vendor_id, cost_currency) DO UPDATE SET {values}",
        [row for key, row in wanted.items() if found.get(key) != row],
    )


def _derived(db: Statements, order_ids: Sequence[str]) -> list[Row]:
    heads: dict[str, Row] = {}
    lines: dict[str, list[SoldLine]] = {}
    for row in db.all(
        "SELECT o.id, o.merchant_id, o.placed_at, o.store_id, o.country, o.currency, o.status,"
        " l.id, l.product_id, l.price_minor,"
        " CASE WHEN l.kind = 'ORIGINAL' THEN l.ordered - l.removed ELSE 0 END"
        " FROM orders o JOIN order_line l ON l.order_id = o.id"
        f" WHERE o.id IN ({marks(order_ids)}) AND o.admission = 'ADMITTED'"
        " ORDER BY o.id, l.position, l.id",
        *order_ids,
    ):
        heads[row[0]] = row[1:7]
        lines.setdefault(row[0], []).append(SoldLine(*row[7:]))
    parts = _parts(db, list(heads))
    return [
        _row(order_id, head, sale)
        for order_id, head in heads.items()
        for sale in sales_of(head[4], lines[order_id], parts.get(order_id, ()))
    ]


def _parts(db: Statements, order_ids: Sequence[str]) -> dict[str, list[Part]]:
    costs: dict[str, list[PartCost]] = {}
    for allocation_id, kind, source, currency, amount in db.all(
        "SELECT allocation_id, kind, source, currency, SUM(amount_minor) FROM cost_entry"
        f" WHERE order_id IN ({marks(order_ids)}) GROUP BY allocation_id, kind, source, currency"
        " ORDER BY allocation_id, kind, source, currency",
        *order_ids,
    ):
        cost = PartCost(CostKind(kind), CostSource(source), currency, int(amount))
        costs.setdefault(allocation_id, []).append(cost)
    vendors: dict[str, tuple[str, str]] = {}
    lines: dict[str, list[PartLine]] = {}
    for row in db.all(
        "SELECT a.order_id, a.vendor_id, a.id, al.line_id, al.quantity - al.returned,"
        " COALESCE(al.unit_cost_minor, 0), COALESCE(al.shipping_cost_minor, 0), al.currency"
        " FROM allocation a JOIN allocation_line al ON al.allocation_id = a.id"
        f" JOIN order_line l ON l.id = al.line_id WHERE a.order_id IN ({marks(order_ids)})"
        " ORDER BY a.id, l.position, l.id",
        *order_ids,
    ):
        vendors[row[2]] = row[:2]
        lines.setdefault(row[2], []).append(PartLine(*row[3:]))
    found: dict[str, list[Part]] = {}
    for allocation_id, (order_id, vendor_id) in vendors.items():
        part = Part(vendor_id, tuple(lines[allocation_id]), tuple(costs.get(allocation_id, ())))
        found.setdefault(order_id, []).append(part)
    return found


def _row(order_id: str, head: Row, sale: Sale) -> Row:
    return (
        order_id,
        sale.line_id,
        sale.vendor_id,
        sale.cost_currency,
        *head,
        sale.product_id,
        sale.is_first_of_product,
        sale.is_first_of_vendor,
        sale.units,
        sale.sales_minor,
        *(sale.costs.get(kind, 0) for kind in KINDS),
    )


def costs_of_lines(db: Statements, order_id: str) -> list[tuple[str, str, int]]:
    """Read (line id, currency, sum of costs) of an order's lines."""
    return db.all(
        "SELECT line_id, cost_currency, product_minor + shipping_minor + service_fee_minor"
        " + tax_minor + adjustment_minor FROM sale WHERE order_id = ? ORDER BY line_id, vendor_id,"
        " cost_currency",
        order_id,
    )
