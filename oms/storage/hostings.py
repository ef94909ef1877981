"""Hostings: which vendor fulfils which product, for the merchant and for planning."""

from collections.abc import Mapping, Sequence

from oms.domain.catalog import Hosting, HostingState
from oms.domain.errors import NotFound
from oms.domain.money import Money
from oms.domain.planning import HostingRule
from oms.storage.database import Database, Row, marks

_HOSTING = (
    "SELECT h.id, h.merchant_id, h.product_id, h.variant_id, h.vendor_id, h.countries, h.priority,"
    " h.vendor_sku, h.purchase_url, h.unit_cost_minor, h.shipping_cost_minor, h.currency, h.state,"
    " h.version, h.created_at, v.display_name, p.title, COALESCE(w.title, '')"
    " FROM hosting h JOIN vendor v ON v.id = h.vendor_id JOIN product p ON p.id = h.product_id"
    " LEFT JOIN variant w ON w.id = h.variant_id"
)


def insert(db: Database, hostings: Sequence[Hosting]) -> None:
    """Write new hostings."""
    db.many(
        "INSERT INTO hosting (id, merchant_id, product_id, variant_id, vendor_id, countries,"
        " priority, vendor_sku, purchase_url, unit_cost_minor, shipping_cost_minor, currency,"
        " state, version, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                hosting.id,
                hosting.merchant_id,
                hosting.product_id,
                hosting.variant_id,
                hosting.vendor_id,
                ",".join(hosting.countries),
                hosting.priority,
                hosting.vendor_sku,
                hosting.purchase_url,
                *_costs(hosting),
                hosting.state.value,
                hosting.version,
                hosting.created_at,
            )
            for hosting in hostings
        ],
    )


def update(db: Database, hosting: Hosting) -> None:
    """Write the changeable fields of a hosting that was read with a lock; its version grows."""
    db.run(
        "UPDATE hosting SET countries = ?, priority = ?, vendor_sku = ?, purchase_url = ?,"
        " unit_cost_minor = ?, shipping_cost_minor = ?, currency = ?, state = ?,"
        " version = version + 1 WHERE id = ?",
        ",".join(hosting.countries),
        hosting.priority,
        hosting.vendor_sku,
        hosting.purchase_url,
        *_costs(hosting),
        hosting.state.value,
        hosting.id,
    )


def delete(db: Database, hosting_id: str) -> None:
    """Delete a hosting that was read with a lock."""
    db.run("DELETE FROM hosting WHERE id = ?", hosting_id)


def get(db: Database, merchant_id: str, hosting_id: str, *, lock: bool = False) -> Hosting:
    """Read one hosting; raises NotFound."""
    locked = f"{db.lock_rows} OF h" if lock and db.lock_rows else ""
    row = db.one(
        f"{_HOSTING} WHERE h.id = ? AND h.merchant_id = ?{locked}", hosting_id, merchant_id
    )
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/hostings/{hosting_id}")
    return _hosting(row)


def page(
    db: Database, merchant_id: str, *, product_id: str, vendor_id: str, before: str, limit: int
) -> list[Hosting]:
    """Return hostings, newest first, older than the id `before`; empty filters match all."""
    rows = db.all(
        f"{_HOSTING} WHERE h.merchant_id = ? AND (? = '' OR h.product_id = ?)"
        " AND (? = '' OR h.vendor_id = ?) AND (? = '' OR h.id < ?) ORDER BY h.id DESC LIMIT ?",
        merchant_id,
        product_id,
        product_id,
        vendor_id,
        vendor_id,
        before,
        before,
        limit,
    )
    return [_hosting(row) for row in rows]


def of_product(db: Database, merchant_id: str, product_id: str) -> list[Hosting]:
    """Return every hosting of a product, in no order."""
    rows = db.all(
        f"{_HOSTING} WHERE h.merchant_id = ? AND h.product_id = ?", merchant_id, product_id
    )
    return [_hosting(row) for row in rows]


def rules(
    db: Database, merchant_id: str, product_ids: Sequence[str]
) -> Mapping[str, Sequence[HostingRule]]:
    """Return the rules that planning needs, by product id."""
    found: dict[str, list[HostingRule]] = {}
    for row in db.all(
        "SELECT h.id, h.product_id, h.variant_id, h.vendor_id, h.countries, h.priority, h.state,"
        " COALESCE(p.state, ''), h.vendor_sku, h.purchase_url, h.unit_cost_minor,"
        " h.shipping_cost_minor, h.currency FROM hosting h LEFT JOIN partnership p"
        " ON p.merchant_id = h.merchant_id AND p.vendor_id = h.vendor_id"
        f" WHERE h.merchant_id = ? AND h.product_id IN ({marks(product_ids)})",
        merchant_id,
        *product_ids,
    ):
        found.setdefault(row[1], []).append(_rule(row))
    return found


def _rule(row: Row) -> HostingRule:
    return HostingRule(
        id=row[0],
        product_id=row[1],
        variant_id=row[2],
        vendor_id=row[3],
        countries=frozenset(filter(None, row[4].split(","))),
        priority=row[5],
        is_active=row[6] == HostingState.ACTIVE,
        is_vendor_active=row[7] == "ACTIVE",
        vendor_sku=row[8],
        purchase_url=row[9],
        unit_cost=None if row[10] is None else Money(row[12], row[10]),
        shipping_cost=None if row[11] is None else Money(row[12], row[11]),
    )


def _costs(hosting: Hosting) -> tuple[int | None, int | None, str]:
    costs = [cost for cost in (hosting.unit_cost, hosting.shipping_cost) if cost is not None]
    return (
        None if hosting.unit_cost is None else hosting.unit_cost.amount_minor,
        None if hosting.shipping_cost is None else hosting.shipping_cost.amount_minor,
        costs[0].currency if costs else "",
    )


def _hosting(row: Row) -> Hosting:
    title = row[16] if row[17] in ("", row[16]) else f"{row[16]} - {row[17]}"
    return Hosting(
        id=row[0],
        merchant_id=row[1],
        product_id=row[2],
        variant_id=row[3],
        vendor_id=row[4],
        countries=tuple(filter(None, row[5].split(","))),
        priority=row[6],
        vendor_sku=row[7],
        purchase_url=row[8],
        unit_cost=None if row[9] is None else Money(row[11], row[9]),
        shipping_cost=None if row[10] is None else Money(row[11], row[10]),
        state=HostingState(row[12]),
        version=row[13],
        created_at=row[14],
        vendor_display_name=row[15],
        product_title=title,
    )
