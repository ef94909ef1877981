"""Compares what the database holds, after everything has come to rest, with the shop's own data."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from app.demo.habits import handling_of
from app.demo.shop_records import Order, Product
from oms.domain.allocations import AllocationState
from oms.domain.ledger import AllocatedUnits, LineLedger, PackedUnits, recount, shipping_status
from oms.domain.packages import is_in_trouble
from oms.domain.tracking import PackageState

COSTS_PER_ALLOCATION = 3  # Product, shipping and service fee, as the vendors record them.

_LINES = """
    SELECT l.*, o.external_id AS order_external_id, o.admission, p.external_id AS product
    FROM order_line l JOIN orders o ON o.id = l.order_id LEFT JOIN product p ON p.id = l.product_id
"""
_PARTS = """
    SELECT al.*, a.state, a.order_id FROM allocation_line al
    JOIN allocation a ON a.id = al.allocation_id
"""
_PARCELS = """
    SELECT pl.*, p.state, p.handed_over_at, p.allocation_id, p.order_id
    FROM package_line pl JOIN package p ON p.id = pl.package_id
"""
_COUNTERS = [
    "ordered",
    "removed",
    "elsewhere",
    "excluded",
    "allocated",
    "packed",
    "handed_over",
    "delivered",
    "settled",
]


class Reckoning:
    """Everything that the tables say, read at once from the file of a server that is stopped."""

    def __init__(self, file: Path) -> None:
        with closing(sqlite3.connect(file)) as db:
            db.row_factory = sqlite3.Row
            self.integrity = [row[0] for row in db.execute("PRAGMA integrity_check")]
            self.orders = db.execute("SELECT * FROM orders").fetchall()
            self.lines = db.execute(_LINES).fetchall()
            self.parts = db.execute(_PARTS).fetchall()
            self.parcels = db.execute(_PARCELS).fetchall()
            self.allocations = db.execute(
                "SELECT a.*, v.display_name, o.number FROM allocation a"
                " JOIN vendor v ON v.id = a.vendor_id JOIN orders o ON o.id = a.order_id"
            ).fetchall()
            self.packages = db.execute("SELECT * FROM package").fetchall()
            self.costs = db.execute("SELECT * FROM cost_entry WHERE source = 'ACTUAL'").fetchall()
            self.events = db.execute("SELECT kind, subject FROM event").fetchall()
            self.jobs = db.execute("SELECT * FROM job").fetchall()
            self.write_backs = db.execute("SELECT * FROM write_back").fetchall()

    def wrong_orders(self, shop: Sequence[Order], products: Sequence[Product]) -> list[str]:
        """Compare orders, admissions and lines with the shop's; each is there exactly once."""
        found = Counter(row["external_id"] for row in self.orders)
        expected = Counter(str(order.id) for order in shop)
        wrong = [f"orders {found - expected} too many, {expected - found} missing"]
        wrong = wrong if found != expected else []
        admission = {row["external_id"]: row["admission"] for row in self.orders}
        lines = {row["external_id"]: row for row in self.lines}
        virtual = {product.id for product in products if product.is_virtual}
        for order in shop:
            is_admitted = admission.get(str(order.id)) == "ADMITTED"
            if is_admitted != _is_to_be_shipped(order, virtual):
                wrong.append(f"order {order.id} ({order.status}): {admission.get(str(order.id))}")
            for line_id, quantity, removed in _bought(order) if is_admitted else ():
                row = lines.pop(str(line_id))
                if (row["ordered"], row["removed"]) != (quantity, removed):
                    wrong.append(f"line {line_id}: {dict(row)}")
        return wrong

    def wrong_allocations(self, unhosted_products: Collection[str]) -> list[str]:
        """Compare every admitted line with the sum of its allocations."""
        held: Counter[str] = Counter()
        for part in self.parts:
            held[part["line_id"]] += part["quantity"] - part["returned"]
        return [
            f"line {dict(line)}: {held[line['id']]} units are allocated"
            for line in self.lines
            if line["admission"] == "ADMITTED"
            and held[line["id"]]
            != (0 if line["product"] in unhosted_products else _units_to_ship(line))
        ]

    def wrong_counters(self) -> list[str]:
        """Recompute every ledger and every status from allocations and parcels."""
        ledgers: dict[str, list[LineLedger]] = {row["id"]: [] for row in self.orders}
        wrong = [] if self.integrity == ["ok"] else list(self.integrity)
        for line in self.lines:
            stored = LineLedger(*(line[name] for name in _COUNTERS))
            counted = recount(stored, self._allocated(line["id"]), self._packed(line["id"]))
            if counted != stored or stored.broken_rules() or stored.open != line["open_units"]:
                wrong.append(f"line {dict(line)} should be {counted}")
            ledgers[line["order_id"]].append(counted)
        troubled = {
            row["order_id"] for row in self.packages if is_in_trouble(PackageState(row["state"]))
        }
        for order in self.orders:
            is_troubled = order["id"] in troubled
            status = shipping_status(ledgers[order["id"]], has_parcel_in_trouble=is_troubled)
            if order["status"] != (status if order["admission"] == "ADMITTED" else None):
                wrong.append(f"order {dict(order)} should be {status}")
        return wrong

    def wrong_work(self) -> list[str]:
        """Look for what a vendor's repeated call could have done twice, or not at all."""
        packages = Counter(row["allocation_id"] for row in self.packages)
        costs = Counter(row["allocation_id"] for row in self.costs)
        units: Counter[str] = Counter()
        for part in self.parts:
            units[part["allocation_id"]] += part["quantity"]
        wrong = []
        for row in self.allocations:
            is_rejected = row["state"] == "REJECTED"
            parcels = 0 if is_rejected else _parcels_meant(row, units[row["id"]])
            charges = 0 if is_rejected else COSTS_PER_ALLOCATION
            if (packages[row["id"]], costs[row["id"]]) != (parcels, charges):
                wrong.append(f"{dict(row)}: {packages[row['id']]} parcels, not {parcels}")
        wrong += [
            f"{dict(part)} is not packed to the last unit"
            for part in self.parts
            if part["packed"] + part["returned"] != part["quantity"]
        ]
        wrong += list(_doubled(row["tracking_number"] for row in self.packages))
        once = ("allocation.submitted", "allocation.accepted", "order.admitted")
        wrong += list(_doubled(tuple(row) for row in self.events if row["kind"] in once))
        return wrong

    def wrong_write_backs(self, shop: Sequence[Order]) -> list[str]:
        """Compare what the shop was told with what is known of it: each parcel once, none too much.

        A write-back that is under way may or may not be in the shop.
        """
        told = Counter(
            dict(item.meta)["_fbali_package"] for order in shop for item in order.fulfillments
        )
        wrong = list(_doubled(told.elements()))
        for row in self.write_backs:
            count = told.pop(row["package_id"], 0)
            if (row["state"], count) not in _TOLD:
                wrong.append(f"{dict(row)} is in the shop {count} times")
        wrong += [f"{package_id} is in the shop and nobody knows" for package_id in told]
        for order in shop:
            units = Counter(_told_units(order))
            wrong += [
                f"line {item.id} of {item.quantity}: {units[item.id]} are told"
                for item in order.items
                if units[item.id] > item.quantity
            ]
        return wrong

    def given_up_jobs(self) -> list[dict[str, Any]]:
        """Return the jobs that are quarantined."""
        return [dict(row) for row in self.jobs if row["state"] == "QUARANTINED"]

    def _allocated(self, line_id: str) -> list[AllocatedUnits]:
        return [
            AllocatedUnits(
                AllocationState(row["state"]), row["quantity"], row["packed"], row["returned"]
            )
            for row in self.parts
            if row["line_id"] == line_id
        ]

    def _packed(self, line_id: str) -> list[PackedUnits]:
        return [
            PackedUnits(
                PackageState(row["state"]), row["handed_over_at"] is not None, row["quantity"]
            )
            for row in self.parcels
            if row["line_id"] == line_id
        ]


# States with how often the shop then has the parcel.
_TOLD = {("PENDING", 0), ("SENT", 0), ("SENT", 1), ("CONFIRMED", 1)}


def _told_units(order: Order) -> Iterator[int]:
    for fulfillment in order.fulfillments:
        for item in dict(fulfillment.meta)["_items"]:
            yield from [item["item_id"]] * item["qty"]


def _is_to_be_shipped(order: Order, virtual: Collection[int]) -> bool:
    """Read the shop's order as a merchant would; what we completed was to be shipped."""
    is_open = order.status == "processing" or bool(order.fulfillments)
    if not is_open or all(item.product_id in virtual for item in order.items):
        return False
    return any(quantity > removed for _, quantity, removed in _bought(order))


def _bought(order: Order) -> Iterator[tuple[int, int, int]]:
    """Give line id, units bought and units refunded."""
    for item in order.items:
        refunded = sum(refund.units.get(item.id, 0) for refund in order.refunds)
        yield item.id, item.quantity, refunded


def _units_to_ship(line: sqlite3.Row) -> int:
    return line["ordered"] - line["removed"] if line["needs_shipping"] else 0


def _parcels_meant(allocation: sqlite3.Row, units: int) -> int:
    prefix = allocation["display_name"][:2].upper()
    return min(handling_of(prefix, allocation["number"]).parcels, units)


def _doubled(values: Iterator[Any]) -> Iterator[str]:
    return (
        f"{value} is there {count} times" for value, count in Counter(values).items() if count > 1
    )
