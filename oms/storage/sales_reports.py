"""The sums of the sales report: one pass over orders, one over what lines sold, one over parcels.

Everything that a sum is grouped by is put into one text: SQLite sorts rows to group them, and
sorting by one column takes less than half the time of sorting by three.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from oms.domain.exchange_rates import ExchangeRates
from oms.domain.ledger import ShippingStatus
from oms.domain.sales_report import REFUNDS, SALES, UNKNOWN, Grouping, Sum, Sums
from oms.storage.database import Database, Row, marks
from oms.storage.sales import KINDS

DAY_MS = 86_400_000
_FIRST_DAY = 719_162  # Days from the year 1 to 1970, so that what is divided is not negative.
_NO_CHANGE = -(2**60)  # Before every rate.

# What the rows of orders and lines are grouped by, as text; `{t}` is the table.
_KEYS: Mapping[Grouping, str] = {
    Grouping.TOTAL: "''",
    Grouping.DAY: f"CAST(({{t}}.placed_at + {_FIRST_DAY * DAY_MS}) / {DAY_MS} AS TEXT)",
    Grouping.STORE: "{t}.store_id",
    Grouping.COUNTRY: f"CASE WHEN {{t}}.country = '' THEN '{UNKNOWN}' ELSE {{t}}.country END",
    Grouping.VENDOR: "{t}.vendor_id",
    Grouping.PRODUCT: "{t}.product_id",
}
_FIRSTS = {Grouping.VENDOR: "is_first_of_vendor", Grouping.PRODUCT: "is_first_of_product"}
_CODE = 3  # Characters of a currency code.
_LINE_COLUMNS = tuple(f"{kind.value.lower()}_minor" for kind in KINDS)


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Admitted orders of a merchant placed in a period, in epoch milliseconds; maybe of a store."""

    merchant_id: str
    placed_from: int
    placed_before: int
    store_id: str = ""

    def condition(self, table: str) -> str:
        """Select rows of a table that has the orders' columns."""
        of_store = f" AND {table}.store_id = ?" if self.store_id else ""
        in_period = f"{table}.placed_at >= ? AND {table}.placed_at < ?"
        return f"{table}.merchant_id = ? AND {in_period}{of_store}"

    def parameters(self) -> tuple[object, ...]:
        """Return the values of the condition."""
        of_store = (self.store_id,) if self.store_id else ()
        return (self.merchant_id, self.placed_from, self.placed_before, *of_store)


def sums(
    db: Database, wanted: ReportFilter, grouping: Grouping, currency: str, rates: ExchangeRates
) -> Sums:
    """Read all sums of a report in `currency`."""
    changes = _Changes(wanted, currency, rates)
    deliveries = _deliveries(db, wanted, grouping)
    if grouping == Grouping.PRODUCT:  # A parcel of two products is one parcel in the total.
        everything = _deliveries(db, wanted, Grouping.TOTAL).get("", Counter())
    else:
        everything = Counter()
        for counted in deliveries.values():
            everything.update(counted)
    return Sums(
        list(_of_orders(db, wanted, grouping, changes)),
        list(_of_lines(db, wanted, grouping, changes)),
        deliveries,
        everything,
    )


class _Changes:
    """Since when the rates are what they are for a row: told by SQL only if they change at all."""

    def __init__(self, wanted: ReportFilter, currency: str, rates: ExchangeRates) -> None:
        instants = [
            instant
            for pair, changes in rates.changes().items()
            if currency in pair
            for instant in changes
        ]
        self._constant = wanted.placed_from
        self._changes = any(wanted.placed_from < at < wanted.placed_before for at in instants)
        self._parameters = (currency, currency, wanted.merchant_id, currency, currency)

    def column(self, table: str, cost_currency: str) -> str:
        """Give the instant of a row as text; a row of one currency needs none."""
        if not self._changes:
            return f"'{self._constant}'"
        return (
            f"CASE WHEN {table}.currency = ? AND {cost_currency} = ? THEN '{_NO_CHANGE}' ELSE"
            f" CAST(COALESCE((SELECT MAX(r.effective_at) FROM exchange_rate r WHERE r.merchant_id"
            f" = ? AND (r.base = ? OR r.quote = ?) AND r.effective_at <= {table}.placed_at),"
            f" {_NO_CHANGE}) AS TEXT) END"
        )

    def parameters(self) -> tuple[object, ...]:
        """Return the values of the column."""
        return self._parameters if self._changes else ()


def _of_orders(
    db: Database, wanted: ReportFilter, grouping: Grouping, changes: _Changes
) -> Iterator[Sum]:
    key = _KEYS[Grouping.TOTAL if grouping.is_by_line else grouping].format(t="o")
    rows = db.all(
        f"SELECT {key} || '|' || o.currency || '|' || {changes.column('o', 'o.currency')} || '|'"
        " || COALESCE(o.status, ''), COUNT(*), SUM(o.charged_minor), SUM(o.refunded_minor)"
        f" FROM orders o WHERE {wanted.condition('o')} AND o.admission = 'ADMITTED' GROUP BY 1",
        *changes.parameters(),
        *wanted.parameters(),
    )
    for text, count, charged, refunded in rows:
        name, currency, rates_at, status = _parted(text, grouping)
        yield Sum(
            name,
            currency,
            rates_at,
            order_count=count,
            statuses={ShippingStatus(status): count} if status else {},
            amounts={SALES: int(charged), REFUNDS: int(refunded)},
        )


def _of_lines(
    db: Database, wanted: ReportFilter, grouping: Grouping, changes: _Changes
) -> Iterator[Sum]:
    """Yield for each row its units and prices in the order's currency, and its costs in theirs."""
    first = _FIRSTS.get(grouping)
    mark = f"CASE WHEN s.{first} THEN '+' || COALESCE(s.status, '') ELSE '' END" if first else "''"
    costs = ", ".join(f"SUM(s.{column})" for column in _LINE_COLUMNS)
    rows = db.all(
        f"SELECT {_KEYS[grouping].format(t='s')} || '|' || s.currency || s.cost_currency || '|' ||"
        f" {changes.column('s', 's.cost_currency')} || '|' || {mark}, COUNT(*), SUM(s.units),"
        f" {'SUM(s.sales_minor)' if first else '0'}, {costs}"
        f" FROM sale s WHERE {wanted.condition('s')} GROUP BY 1",
        *changes.parameters(),
        *wanted.parameters(),
    )
    for text, count, units, sales, *of_kinds in rows:
        name, currencies, rates_at, marked = _parted(text, grouping)
        status = marked.removeprefix("+")
        yield Sum(
            name,
            currencies[:_CODE],
            rates_at,
            order_count=count if marked else 0,
            statuses={ShippingStatus(status): count} if status else {},
            units=int(units),
            amounts={SALES: int(sales)} if first else {},
        )
        amounts = {kind.value: int(cost) for kind, cost in zip(KINDS, of_kinds, strict=True)}
        yield Sum(name, currencies[_CODE:], rates_at, amounts=amounts)


def _deliveries(db: Database, wanted: ReportFilter, grouping: Grouping) -> dict[str, Counter[int]]:
    """Count delivered parcels by the whole minutes from hand-over to delivery."""
    tables = "orders o JOIN package p ON p.order_id = o.id"
    table = "o"
    if grouping == Grouping.VENDOR:
        table = "p"
    elif grouping == Grouping.PRODUCT:
        tables += " JOIN package_line pl ON pl.package_id = p.id"
        tables += " JOIN order_line l ON l.id = pl.line_id"
        table = "l"
    rows = db.all(
        f"SELECT {_KEYS[grouping].format(t=table)} || '|' ||"
        " CAST((p.delivered_at - p.handed_over_at) / 60000 AS TEXT), COUNT(*)"
        f" FROM {tables} WHERE {wanted.condition('o')} AND o.admission = 'ADMITTED'"
        " AND p.state = 'DELIVERED' AND p.handed_over_at IS NOT NULL GROUP BY 1",
        *wanted.parameters(),
    )
    found: dict[str, Counter[int]] = {}
    for text, count in rows:
        key, minutes = text.rsplit("|", 1)
        found.setdefault(_key(key, grouping), Counter())[int(minutes)] += count
    return found


def _parted(text: str, grouping: Grouping) -> tuple[str, str, int, str]:
    """Take a text apart that rows were grouped by: key, currencies, instant of rates, status."""
    key, currencies, rates_at, status = text.rsplit("|", 3)
    return _key(key, grouping), currencies, int(rates_at), status


def _key(text: str, grouping: Grouping) -> str:
    """Bring a key into its final form: days are told by their number in SQL."""
    return _day(int(text)) if grouping == Grouping.DAY and text else text


def _day(number: int) -> str:
    return date.fromordinal(number + 1).isoformat()


_LABELS: Mapping[Grouping, str] = {
    Grouping.STORE: "SELECT id, display_name FROM store",
    Grouping.VENDOR: "SELECT id, display_name FROM vendor",
    Grouping.PRODUCT: "SELECT id, title FROM product",
}


def labels(db: Database, grouping: Grouping, keys: Sequence[str]) -> dict[str, str]:
    """Read what people call the stores, vendors or products of a report's rows."""
    if grouping not in _LABELS:
        return {}
    rows: list[Row] = db.all(f"{_LABELS[grouping]} WHERE id IN ({marks(keys)})", *keys)
    return {row[0]: row[1] for row in rows}
