"""What each line of an order sold and cost, with whom: the rows that margins and reports add up.

A line's units are those that a vendor has or had and did not give back, one row per vendor, and
those that nobody has, in a row without a vendor. An allocation's costs are shared over its lines
exactly (`oms.domain.shares`): in the ratio of what the hosting quotes for the goods or the shipping
of its units in that currency; where nothing is quoted, of what the units are sold for; where that
is nothing too, evenly over units.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from oms.domain.costs import CostKind, CostSource, final
from oms.domain.shares import share


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of an order; `units` are those that the store did not take out before packing."""

    id: str
    product_id: str
    price_minor: int
    units: int


@dataclass(frozen=True, slots=True)
class PartLine:
    """Units of a line in an allocation, without those given back, and what is quoted for one."""

    line_id: str
    units: int
    unit_cost_minor: int
    shipping_cost_minor: int
    currency: str

    def quoted(self, kind: CostKind) -> int:
        """Tell what is quoted for the units, in minor units of `currency`; 0 when nothing is."""
        quote = {
            CostKind.PRODUCT: self.unit_cost_minor,
            CostKind.SHIPPING: self.shipping_cost_minor,
        }
        return quote.get(kind, 0) * self.units


@dataclass(frozen=True, slots=True)
class PartCost:
    """The sum of an allocation's entries of one kind, source and currency."""

    kind: CostKind
    source: CostSource
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Part:
    """An allocation."""

    vendor_id: str
    lines: tuple[PartLine, ...]
    costs: tuple[PartCost, ...]


@dataclass(slots=True)
class Sale:
    """What a line sold and cost with one vendor, or with nobody yet.

    Costs are in `cost_currency`; where a vendor charged in several, there are several rows, and the
    units and their price are in the first. The marks tell the first row of an order that has the
    product, or the vendor, so that orders can be counted by adding up.
    """

    line_id: str
    product_id: str
    vendor_id: str
    cost_currency: str
    units: int = 0
    sales_minor: int = 0
    costs: dict[CostKind, int] = field(default_factory=dict)
    is_first_of_product: bool = False
    is_first_of_vendor: bool = False


def sales_of(currency: str, lines: Sequence[SoldLine], parts: Iterable[Part]) -> list[Sale]:
    """Derive the rows of an order in its currency: by line, then vendor, then currency of cost."""
    by_id = {line.id: line for line in lines}
    units: dict[tuple[str, str], int] = {}
    costs: dict[tuple[str, str], dict[str, dict[CostKind, int]]] = {}
    for part in parts:
        for held in part.lines:
            place = (held.line_id, part.vendor_id)
            units[place] = units.get(place, 0) + held.units
        for cost in final(part.costs):
            for held, amount in _shares(part, cost, by_id):
                of_line = costs.setdefault((held.line_id, part.vendor_id), {})
                kinds = of_line.setdefault(cost.currency, {})
                kinds[cost.kind] = kinds.get(cost.kind, 0) + amount
    rows: list[Sale] = []
    for line in lines:
        with_vendors = {place[1]: count for place, count in units.items() if place[0] == line.id}
        placed = [
            row
            for vendor_id in sorted(with_vendors)
            for row in _rows(line, vendor_id, with_vendors[vendor_id], currency, costs)
        ]
        unplaced = line.units - sum(with_vendors.values())
        if unplaced or not placed:
            placed += _rows(line, "", unplaced, currency, costs)
        rows += placed
    _mark_first(rows)
    return rows


def _shares(
    part: Part, cost: PartCost, lines: dict[str, SoldLine]
) -> Iterable[tuple[PartLine, int]]:
    if not part.lines:
        return ()
    weights = [
        line.quoted(cost.kind) if line.currency == cost.currency else 0 for line in part.lines
    ]
    if not any(weights):
        weights = [max(0, lines[line.line_id].price_minor) * line.units for line in part.lines]
    if not any(weights):
        weights = [line.units for line in part.lines]
    return zip(part.lines, share(cost.amount_minor, weights), strict=True)


def _rows(
    line: SoldLine,
    vendor_id: str,
    count: int,
    currency: str,
    costs: dict[tuple[str, str], dict[str, dict[CostKind, int]]],
) -> list[Sale]:
    of_line = costs.get((line.id, vendor_id), {})
    charged = sorted(code for code, kinds in of_line.items() if any(kinds.values()))
    if not charged and not count and vendor_id:
        return []
    rows = [
        Sale(line.id, line.product_id, vendor_id, code, costs=of_line.get(code, {}))
        for code in charged or [currency]
    ]
    rows[0].units = count
    rows[0].sales_minor = count * line.price_minor
    return rows


def _mark_first(rows: Iterable[Sale]) -> None:
    products: set[str] = set()
    vendors: set[str] = set()
    for row in rows:
        row.is_first_of_product = row.product_id not in products
        row.is_first_of_vendor = row.vendor_id not in vendors
        products.add(row.product_id)
        vendors.add(row.vendor_id)
