"""Many merchants, each with an order at a vendor of its own, made from one; and changes of them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.demo.shop_catalog import Catalog
from benchmarks.scene import (
    FIRST_PLACED_AT,
    Scene,
    forget_jobs,
    host_all_with_one,
    order_pages,
    set_scene,
    take_products,
)
from oms.domain.costs import CostKind
from oms.domain.money import Money
from oms.domain.principals import Principal, Role
from oms.usecases.allocate_orders import allocate
from oms.usecases.answer_allocation import RecordCosts, record_costs
from oms.usecases.apply_orders import apply_orders
from oms.usecases.context import Oms, Transaction
from oms.usecases.manage_accounts import IssueToken, create_merchant, create_vendor, issue_token

# Table -> what tells a row's order, and the columns that are other ones in a copy.
_COPIED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "orders": ("id", ("id", "external_id")),
    "order_detail": ("order_id", ("order_id",)),
    "order_line": ("order_id", ("id", "order_id")),
    "allocation": ("order_id", ("id", "order_id")),
    "allocation_line": (
        "(SELECT a.order_id FROM allocation a WHERE a.id = allocation_id)",
        ("allocation_id", "line_id"),
    ),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A merchant and a vendor who share an order."""

    merchant_id: str
    vendor_id: str
    allocation_id: str
    secrets: tuple[str, str]


def make_pairs(oms: Oms, count: int) -> Sequence[Pair]:
    """Sync and allocate one order as in production, and copy it."""
    people = set_scene(oms)
    shop = Catalog(1, now=FIRST_PLACED_AT)
    take_products(people, shop)
    host_all_with_one(people)
    order_id, allocation_id = _first_order(people, shop)
    forget_jobs(people)
    with oms.db.transaction():
        tx = people.transaction()
        return [_pair(tx, order_id, allocation_id, f"{number:04}") for number in range(count)]


def change(oms: Oms, pair: Pair) -> tuple[int, int]:
    """Let a vendor record a cost; return the event's sequence, and when it was committed, in ns."""
    caller = Principal(Role.VENDOR, pair.vendor_id, "")
    cost = (CostKind.SHIPPING, Money("USD", 1), "")
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms, caller)
        record_costs(tx, RecordCosts(pair.allocation_id, [cost]))
        row = oms.db.one("SELECT MAX(sequence) FROM event WHERE vendor_id = ?", pair.vendor_id)
    assert row is not None
    return row[0], time.time_ns()


def _first_order(people: Scene, shop: Catalog) -> tuple[str, str]:
    [orders] = order_pages(shop, 1)
    db = people.oms.db
    with db.transaction():
        apply_orders(people.transaction(), people.store, orders[:10], ())
        waiting = [row[0] for row in db.all("SELECT id FROM orders WHERE has_open_units")]
        allocate(people.transaction(), waiting)
        row = db.one("SELECT order_id, id FROM allocation ORDER BY id LIMIT 1")
    assert row is not None
    return row[0], row[1]


def _pair(tx: Transaction, order_id: str, allocation_id: str, suffix: str) -> Pair:
    merchant_id = create_merchant(tx, f"Merchant {suffix}").id
    vendor_id = create_vendor(tx, f"Vendor {suffix}").id
    owners = {"merchant_id": merchant_id, "vendor_id": vendor_id}
    for table, (order_of, renamed) in _COPIED.items():
        for row in _rows(tx, f"SELECT * FROM {table} WHERE {order_of} = ?", order_id):
            copy = row | {name: owners[name] for name in owners.keys() & row.keys()}
            copy |= {name: row[name] + suffix for name in renamed}
            marks = ", ".join("?" * len(copy))
            columns = ", ".join(copy)
            tx.db.run(f"INSERT INTO {table} ({columns}) VALUES ({marks})", *copy.values())
    secrets = (
        issue_token(tx, IssueToken(Role.MERCHANT, merchant_id, "bench")).secret,
        issue_token(tx, IssueToken(Role.VENDOR, vendor_id, "bench")).secret,
    )
    return Pair(merchant_id, vendor_id, allocation_id + suffix, secrets)


def _rows(tx: Transaction, select: str, parameter: str) -> Iterator[dict[str, Any]]:
    sql = select if tx.db.is_sqlite else select.replace("?", "%s")
    cursor = tx.db.peewee.execute_sql(sql, (parameter,))
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        yield dict(zip(names, row, strict=True))
