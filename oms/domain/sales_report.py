"""The sales report: sums of SQL brought into one currency, exactly, and rounded together.

Amounts come grouped by what the report groups by, by currency, and by an instant since when all
rates are the same. They are converted as exact fractions; the rows of each column are then rounded
together, so that they sum to the column's total, which is the same however the report is grouped.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from oms.domain.costs import CostKind
from oms.domain.durations import Durations
from oms.domain.exchange_rates import ExchangeRates, pair_name
from oms.domain.ledger import ShippingStatus
from oms.domain.shares import round_together

ROWS_MAX = 1_000
OTHER = "other"  # What is beyond ROWS_MAX.
UNATTRIBUTED = "unattributed"  # What belongs to no vendor or product.
UNKNOWN = "unknown"  # Orders without a country.

SALES = "SALES"
REFUNDS = "REFUNDS"
COLUMNS = (SALES, REFUNDS, *(kind.value for kind in CostKind))


class Grouping(StrEnum):
    """How a report is cut into rows."""

    TOTAL = "TOTAL"
    DAY = "DAY"
    STORE = "STORE"
    VENDOR = "VENDOR"
    PRODUCT = "PRODUCT"
    COUNTRY = "COUNTRY"

    @property
    def is_by_line(self) -> bool:
        """Tell whether parts of one order fall into different rows."""
        return self in (Grouping.VENDOR, Grouping.PRODUCT)


@dataclass(frozen=True, slots=True)
class Sum:
    """Sums of one group in one currency, in minor units, at the rates of one instant."""

    key: str
    currency: str
    rates_at: int
    order_count: int = 0
    statuses: Mapping[ShippingStatus, int] = field(default_factory=dict)
    units: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sums:
    """All that was read: of orders, of their lines, and minutes to deliver counted per key."""

    of_orders: Sequence[Sum]
    of_lines: Sequence[Sum]
    deliveries: Mapping[str, Counter[int]]
    all_deliveries: Counter[int]


@dataclass(slots=True)
class MissingRate:
    """What no rate could convert, in minor units of `currency`."""

    currency: str
    pair: str
    order_count: int = 0
    sales: int = 0
    refunds: int = 0
    costs: int = 0


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A row in the report's currency; `margin` is None where an amount was left out."""

    key: str
    order_count: int
    statuses: Mapping[ShippingStatus, int]
    units: int
    amounts: Mapping[str, int]
    margin: int | None
    delivery: Durations | None


@dataclass(frozen=True, slots=True)
class SalesReport:
    """Rows, their total, and what was left out."""

    currency: str
    rows: tuple[ReportRow, ...]
    total: ReportRow
    missing: tuple[MissingRate, ...]


@dataclass(slots=True)
class _Group:
    key: str
    order_count: int = 0
    statuses: Counter[ShippingStatus] = field(default_factory=Counter)
    units: int = 0
    amounts: dict[str, Fraction] = field(default_factory=lambda: dict.fromkeys(COLUMNS, Fraction()))
    has_gap: bool = False
    minutes: Counter[int] = field(default_factory=Counter)

    def take(self, other: "_Group") -> None:
        """Add another group to this one."""
        self.order_count += other.order_count
        self.statuses.update(other.statuses)
        self.units += other.units
        for column in COLUMNS:
            self.amounts[column] += other.amounts[column]
        self.has_gap |= other.has_gap
        self.minutes.update(other.minutes)


def make_report(grouping: Grouping, currency: str, rates: ExchangeRates, sums: Sums) -> SalesReport:
    """Convert, group and round what was read."""
    conversion = _Conversion(currency, rates)
    orders, lines = conversion.groups(sums.of_orders), conversion.groups(sums.of_lines)
    total = _Group("")
    for group in orders.values():
        total.take(group)
    groups = _by_line(total, lines) if grouping.is_by_line else _by_order(orders, lines)
    for key, group in groups.items():
        group.minutes = sums.deliveries.get(key, Counter())
    missing = conversion.missing_of(sums)
    kept = _in_order(grouping, groups)
    return SalesReport(
        currency=currency,
        rows=tuple(_rounded(kept)) if grouping != Grouping.TOTAL else (),
        total=_total_row(total, kept, sums.all_deliveries, is_whole=not missing),
        missing=missing,
    )


class _Conversion:
    """Brings amounts into one currency; each factor is looked up once."""

    def __init__(self, currency: str, rates: ExchangeRates) -> None:
        self._currency = currency
        self._rates = rates
        self._factors: dict[tuple[str, int], Fraction | None] = {}

    def groups(self, sums: Iterable[Sum]) -> dict[str, _Group]:
        found: dict[str, _Group] = {}
        for one in sums:
            group = found.setdefault(one.key, _Group(one.key))
            group.order_count += one.order_count
            group.statuses.update(one.statuses)
            group.units += one.units
            factor = self._factor(one)
            for column, amount in one.amounts.items():
                if amount and factor is None:
                    group.has_gap = True
                elif amount and factor is not None:
                    group.amounts[column] += amount * factor
        return found

    def missing_of(self, sums: Sums) -> tuple[MissingRate, ...]:
        """Add up what has no rate: sales and refunds by order, costs by line."""
        found: dict[str, MissingRate] = {}
        for one in (*sums.of_orders, *sums.of_lines):
            if self._factor(one) is not None or not any(one.amounts.values()):
                continue
            pair = pair_name(one.currency, self._currency)
            entry = found.setdefault(one.currency, MissingRate(one.currency, pair))
            if REFUNDS in one.amounts:
                entry.order_count += one.order_count
                entry.sales += one.amounts[SALES]
                entry.refunds += one.amounts[REFUNDS]
            else:
                entry.costs += sum(one.amounts[kind] for kind in CostKind if kind in one.amounts)
        return tuple(found[code] for code in sorted(found))

    def _factor(self, one: Sum) -> Fraction | None:
        key = (one.currency, one.rates_at)
        if key not in self._factors:
            self._factors[key] = self._rates.factor(one.currency, self._currency, one.rates_at)
        return self._factors[key]


def _by_order(orders: dict[str, _Group], lines: Mapping[str, _Group]) -> dict[str, _Group]:
    """Add units and costs of lines to the orders' rows."""
    for key, group in lines.items():
        orders.setdefault(key, _Group(key)).take(group)
    return orders


def _by_line(total: _Group, lines: dict[str, _Group]) -> dict[str, _Group]:
    """Put what the lines of a vendor or product do not explain into a row of its own."""
    rest = lines.pop("", _Group(""))
    rest.key, rest.order_count, rest.statuses = UNATTRIBUTED, 0, Counter()
    attributed = sum((group.amounts[SALES] for group in lines.values()), Fraction())
    rest.amounts[SALES] = total.amounts[SALES] - attributed
    rest.amounts[REFUNDS] = total.amounts[REFUNDS]
    rest.has_gap |= total.has_gap
    return {**lines, UNATTRIBUTED: rest}


def _in_order(grouping: Grouping, groups: Mapping[str, _Group]) -> list[_Group]:
    last = [groups[UNATTRIBUTED]] if UNATTRIBUTED in groups else []
    named = [group for key, group in groups.items() if key != UNATTRIBUTED]
    if grouping == Grouping.DAY:
        named.sort(key=lambda group: group.key)
        kept, beyond = named[-ROWS_MAX:], named[:-ROWS_MAX]
    else:
        named.sort(key=lambda group: (-group.amounts[SALES], group.key))
        kept, beyond = named[:ROWS_MAX], named[ROWS_MAX:]
    if beyond:
        other = _Group(OTHER)
        for group in beyond:
            other.take(group)
        kept.append(other)
    return [*kept, *last]


def _rounded(groups: Sequence[_Group]) -> Iterable[ReportRow]:
    columns = {
        column: round_together([group.amounts[column] for group in groups]) for column in COLUMNS
    }
    for place, group in enumerate(groups):
        amounts = {column: columns[column][place] for column in COLUMNS}
        yield _row(group, amounts, Durations.of(group.minutes), is_whole=not group.has_gap)


def _total_row(
    orders: _Group, groups: Sequence[_Group], minutes: Mapping[int, int], *, is_whole: bool
) -> ReportRow:
    everything = _Group("")
    for group in groups:
        everything.take(group)
    everything.order_count, everything.statuses = orders.order_count, orders.statuses
    amounts = {column: round(everything.amounts[column]) for column in COLUMNS}
    return _row(everything, amounts, Durations.of(minutes), is_whole=is_whole)


def _row(
    group: _Group, amounts: Mapping[str, int], delivery: Durations | None, *, is_whole: bool
) -> ReportRow:
    margin = 2 * amounts[SALES] - sum(amounts.values())  # Sales less everything else.
    return ReportRow(
        key=group.key,
        order_count=group.order_count,
        statuses=dict(group.statuses),
        units=group.units,
        amounts=amounts,
        margin=margin if is_whole else None,
        delivery=delivery,
    )
