"""The sales report worked out once more: from the raw rows, in plain Python, a row at a time.

Nothing of the product's own arithmetic is used; it is slow, and meant to be obviously right.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from oms.storage.database import Database

DIGITS = {"JPY": 0, "KWD": 3}
COSTS = ["PRODUCT", "SHIPPING", "SERVICE_FEE", "TAX", "ADJUSTMENT"]


@dataclass
class Wanted:
    merchant_id: str
    grouping: str
    currency: str
    begin: int
    end: int
    store_id: str = ""


class NaiveReport:
    """Exact amounts by (key, column); counts by (key, name); minutes by key."""

    def __init__(self, db: Database, wanted: Wanted) -> None:
        self.db, self.wanted = db, wanted
        self.tables: dict[tuple[str, str], dict[Any, list[dict[str, Any]]]] = {}
        self.amounts: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        self.counts: dict[tuple[str, str], int] = defaultdict(int)
        self.minutes: dict[str, list[int]] = defaultdict(list)
        self.all_minutes: list[int] = []
        self.total: dict[str, Fraction] = defaultdict(Fraction)
        self.gaps: set[str] = set()
        self.missing: dict[str, int] = defaultdict(int)
        self.seen: set[tuple[str, str]] = set()
        with db.session():
            for order in self._rows("orders"):
                if self._is_in(order):
                    self._add(order)

    def _rows(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        """Read a table once, and find rows by the first column asked for."""
        column = next(iter(equal), "")
        if (table, column) not in self.tables:
            cursor = self.db.peewee.execute_sql(f"SELECT * FROM {table}")
            names = [description[0] for description in cursor.description]
            found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
            for values in cursor.fetchall():
                row = dict(zip(names, values, strict=True))
                found[row.get(column)].append(row)
            self.tables[table, column] = found
        rows = self.tables[table, column][equal.get(column)]
        return [row for row in rows if all(row[name] == value for name, value in equal.items())]

    def _is_in(self, order: dict[str, Any]) -> bool:
        wanted = self.wanted
        return (
            order["merchant_id"] == wanted.merchant_id
            and order["admission"] == "ADMITTED"
            and wanted.begin <= order["placed_at"] < wanted.end
            and wanted.store_id in ("", order["store_id"])
        )

    def _add(self, order: dict[str, Any]) -> None:
        grouping = self.wanted.grouping
        lines = self._rows("order_line", order_id=order["id"])
        own = {
            "TOTAL": "",
            "DAY": datetime.fromtimestamp(order["placed_at"] / 1000, UTC).strftime("%Y-%m-%d"),
            "STORE": order["store_id"],
            "COUNTRY": order["country"] or "unknown",
        }.get(grouping, "unattributed")
        self.counts["", "orders"] += 1
        if own != "unattributed":
            self._count_order(own, order)
        self._amount(own, "SALES", order["charged_minor"], order["currency"], order)
        self._amount(own, "REFUNDS", order["refunded_minor"], order["currency"], order)
        with_vendors: dict[str, int] = defaultdict(int)
        for part in self._rows("allocation", order_id=order["id"]):
            self._add_part(part, order, lines, own, with_vendors)
        for line in lines:
            sold = line["ordered"] - line["removed"]
            if grouping == "VENDOR":
                self.counts[own, "units"] += sold - with_vendors[line["id"]]
            elif grouping == "PRODUCT":
                self._attribute(line["product_id"] or own, line, sold, order, own)
                if line["product_id"]:
                    self._count_once(line["product_id"], order)
            else:
                self.counts[own, "units"] += sold

    def _add_part(self, part, order, lines, own, with_vendors) -> None:
        grouping = self.wanted.grouping
        held = {
            row["line_id"]: row for row in self._rows("allocation_line", allocation_id=part["id"])
        }
        ordered = [line for line in lines if line["id"] in held]
        for line in ordered:
            row = held[line["id"]]
            count = row["quantity"] - row["returned"]
            with_vendors[line["id"]] += count
            if grouping == "VENDOR":
                self._attribute(part["vendor_id"], line, count, order, own)
                if count:
                    self._count_once(part["vendor_id"], order)
        self._add_costs(part, order, (ordered, held, own))
        for package in self._rows("package", allocation_id=part["id"], state="DELIVERED"):
            if package["handed_over_at"] is not None:
                took = (package["delivered_at"] - package["handed_over_at"]) // 60000
                self._deliver(package, took, part, lines, own)

    def _add_costs(self, part, order, means) -> None:
        entries = self._rows("cost_entry", allocation_id=part["id"])
        for kind in COSTS:
            of_kind = [entry for entry in entries if entry["kind"] == kind]
            recorded = [entry for entry in of_kind if entry["source"] == "ACTUAL"]
            sums: dict[str, int] = defaultdict(int)
            for entry in recorded or of_kind:
                sums[entry["currency"]] += entry["amount_minor"]
            for currency, minor in sums.items():
                self._cost(kind, currency, minor, part, order, means)

    def _cost(self, kind, currency, minor, part, order, means) -> None:
        lines, held, own = means
        if self.wanted.grouping == "VENDOR":
            if minor:
                self._count_once(part["vendor_id"], order)
            return self._amount(part["vendor_id"], kind, minor, currency, order)
        if self.wanted.grouping != "PRODUCT":
            return self._amount(own, kind, minor, currency, order)
        counts = [held[line["id"]]["quantity"] - held[line["id"]]["returned"] for line in lines]
        column = {"PRODUCT": "unit_cost_minor", "SHIPPING": "shipping_cost_minor"}.get(kind)
        weights = [
            (held[line["id"]][column] or 0) * count
            if column and held[line["id"]]["currency"] == currency
            else 0
            for line, count in zip(lines, counts, strict=True)
        ]
        if not any(weights):
            weights = [line["price_minor"] * n for line, n in zip(lines, counts, strict=True)]
        if not any(weights):
            weights = counts if any(counts) else [1] * len(lines)
        for line, share in zip(lines, largest_remainder(minor, weights), strict=True):
            self._amount(line["product_id"] or own, kind, share, currency, order)
        return None

    def _deliver(self, package, took, part, lines, own) -> None:
        self.all_minutes.append(took)
        if self.wanted.grouping == "VENDOR":
            self.minutes[part["vendor_id"]].append(took)
        elif self.wanted.grouping == "PRODUCT":
            products = {line["id"]: line["product_id"] for line in lines}
            for row in self._rows("package_line", package_id=package["id"]):
                self.minutes[products[row["line_id"]]].append(took)
        else:
            self.minutes[own].append(took)

    def _attribute(self, key, line, count, order, own) -> None:
        """Move the price of units from the rest to a vendor's or product's row."""
        if key == own:
            self.counts[own, "units"] += count
            return
        self.counts[key, "units"] += count
        self._amount(key, "SALES", line["price_minor"] * count, order["currency"], order, moved=own)

    def _count_once(self, key: str, order: dict[str, Any]) -> None:
        if (key, order["id"]) not in self.seen:
            self.seen.add((key, order["id"]))
            self._count_order(key, order)

    def _count_order(self, key: str, order: dict[str, Any]) -> None:
        self.counts[key, "orders"] += 1 if key else 0
        if order["status"]:
            self.counts[key, order["status"]] += 1

    def _amount(self, key, column, minor, currency, order, *, moved: str = "") -> None:
        if not minor:
            return
        factor = self._factor(currency, order["placed_at"])
        if factor is None:
            self.gaps |= {key, moved} - ({""} if not moved else set())
            if not moved:
                self.missing[currency] += minor if column == "SALES" else 0
            return
        self.amounts[key, column] += minor * factor
        if moved:
            self.amounts[moved, column] -= minor * factor
        else:
            self.total[column] += minor * factor

    def _factor(self, currency: str, at: int) -> Fraction | None:
        target = self.wanted.currency
        if currency == target:
            return Fraction(1)
        best = None
        for row in self._rows("exchange_rate", merchant_id=self.wanted.merchant_id):
            if {row["base"], row["quote"]} != {currency, target} or row["effective_at"] > at:
                continue
            order = (row["effective_at"], row["id"])
            if best is None or order > best[0]:
                rate = Fraction(row["rate"])
                best = (order, rate if row["base"] == currency else 1 / rate)
        if best is None:
            return None
        return best[1] * Fraction(10) ** (DIGITS.get(target, 2) - DIGITS.get(currency, 2))


def largest_remainder(amount: int, weights: list[int]) -> list[int]:
    """Divide an amount as a clerk would: floors first, then one by one to the largest rest."""
    sign = -1 if amount < 0 else 1
    exact = [Fraction(abs(amount) * weight, sum(weights)) for weight in weights]
    parts = [int(one) for one in exact]
    while sum(parts) < abs(amount):
        rests = [one - part for one, part in zip(exact, parts, strict=True)]
        parts[rests.index(max(rests))] += 1
    return [sign * part for part in parts]


def nearest_rank(minutes: list[int], tenths: int) -> int:
    """Pick the smallest value that at least so many tenths of all do not exceed."""
    ranked = sorted(minutes)
    return next(
        value for place, value in enumerate(ranked, start=1) if place * 10 >= len(ranked) * tenths
    )
