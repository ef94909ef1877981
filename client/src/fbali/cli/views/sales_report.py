"""Shows the sales report: a row for each group, the total, and what was left out."""

import sys
from collections.abc import Iterator

from google.protobuf.message import Message

from fbali.cli.bars import Bars
from fbali.cli.document import Block, Cell, Column, Note, Table, Tone, Word
from fbali.cli.money import format_money
from fbali.cli.views.figures import duration
from fbali.cli.views.values import amount
from fbali.v1.order_service_pb2 import GetSalesReportRequest, GetSalesReportResponse
from fbali.v1.sales_report_pb2 import MissingRate, ReportGrouping, SalesRow

COSTS = ("product_costs", "shipping_costs", "service_fees", "taxes", "adjustments")
_STATUSES = ("pending", "processing", "in_transit", "exception", "delivered")
_REMARKS = {
    "unattributed": "unattributed: shipping and taxes charged to customers, refunds, and what no {}"
    " has",
    "other": "other: what is beyond the first 1,000 rows",
}


def bars_for() -> Bars | None:
    """Choose how bars are written: only on a terminal."""
    return Bars.of(sys.stdout) if sys.stdout.isatty() else None


def costs_minor(row: SalesRow) -> int:
    """Add up the costs of all kinds, which are of one currency."""
    return sum(getattr(row, name).amount_minor for name in COSTS)


def report_document(
    found: GetSalesReportResponse, request: GetSalesReportRequest, bars: Bars | None
) -> Iterator[Block]:
    """Show what fits a terminal with bars; without them every figure, for programs."""
    yield report_table(found, request) if bars is None else _short_table(found, request, bars)
    keys = {row.key for row in found.rows}
    for key, text in _REMARKS.items():
        if key in keys:
            yield Note(text.format(_grouping_word(request)))
    for missing in found.missing_rates:
        yield Note(_missing_text(missing))


def report_table(found: GetSalesReportResponse, request: GetSalesReportRequest) -> Table:
    """Give every figure of every row, then the total; amounts without their currency."""
    columns = [
        Column(_grouping_word(request).upper(), flexible=True),
        Column("NAME"),
        Column("ORDERS", right=True),
        Column("UNITS", right=True),
        Column("CURRENCY"),
        Column("SALES", right=True),
        Column("REFUNDS", right=True),
        *(Column(name.replace("_", " ").upper(), right=True) for name in COSTS),
        Column("MARGIN", right=True),
        *(Column(name.replace("_", " ").upper(), right=True) for name in _STATUSES),
        Column("DELIVERY MINUTES", right=True),
        Column("DELIVERY MINUTES 9 OF 10", right=True),
    ]
    code = request.currency_code
    rows = [_full_row(row, code) for row in (*found.rows, found.total)]
    return Table(columns, rows)


def _full_row(row: SalesRow, code: str) -> list[Cell]:
    names = ("sales", "refunds", *COSTS)
    return [
        row.label or "total",
        row.key.rpartition("/")[2],
        row.order_count,
        row.unit_count,
        code,
        *(_number(getattr(row, name).amount_minor, code) for name in names),
        _number(row.margin.amount_minor, code) if row.HasField("margin") else "",
        *(getattr(row, f"{name}_count") for name in _STATUSES),
        _minutes(row, "delivery_time_median"),
        _minutes(row, "delivery_time_p90"),
    ]


def _short_table(
    found: GetSalesReportResponse, request: GetSalesReportRequest, bars: Bars
) -> Table:
    code = request.currency_code
    greatest = max((row.sales.amount_minor for row in found.rows), default=0)
    columns = [
        Column(_grouping_word(request).upper(), flexible=True, width_min=16),
        Column("ORDERS", right=True),
        Column("UNITS", right=True, spare=3),
        Column(f"SALES {code}", right=True),
        Column("", spare=2),
        Column("REFUNDS", right=True, spare=1),
        Column("COSTS", right=True),
        Column("MARGIN", right=True),
        Column("%", right=True),
        Column("DELIVERY", right=True, spare=4),
        Column("9 OF 10", right=True, spare=5),
    ]
    rows = [_short_row(row, code, bars.bar(row.sales.amount_minor, greatest)) for row in found.rows]
    return Table(columns, [*rows, _short_row(found.total, code, "")])


def _short_row(row: SalesRow, code: str, bar: str) -> list[Cell]:
    return [
        row.label or "total",
        row.order_count,
        row.unit_count,
        _number(row.sales.amount_minor, code),
        Word(bar, Tone.BUSY),
        _number(row.refunds.amount_minor, code),
        _number(costs_minor(row), code),
        _margin(row, code),
        _percent(row),
        duration(row, "delivery_time_median"),
        duration(row, "delivery_time_p90"),
    ]


def _margin(row: SalesRow, code: str) -> Word:
    if not row.HasField("margin"):
        return Word("rate missing", Tone.WAITING)
    tone = Tone.BAD if row.margin.amount_minor < 0 else Tone.GOOD
    return Word(_number(row.margin.amount_minor, code), tone)


def _percent(row: SalesRow) -> str:
    if not row.HasField("margin") or row.sales.amount_minor <= 0:
        return ""
    return f"{row.margin.amount_minor * 100 / row.sales.amount_minor:.0f}"


def _missing_text(missing: MissingRate) -> str:
    source, _, target = missing.pair.partition("/")
    return (
        f"Left out for want of a rate {missing.pair}: sales {amount(missing.sales)} of"
        f" {missing.order_count} orders, refunds {amount(missing.refunds)}, costs"
        f" {amount(missing.costs)}. Record it with: fbali exchange-rates set {source} {target} RATE"
        " --since DAY"
    )


def _number(amount_minor: int, code: str) -> str:
    return format_money(code, amount_minor).partition(" ")[0]


def _minutes(row: Message, field: str) -> int | None:
    return getattr(row, field).seconds // 60 if row.HasField(field) else None


def _grouping_word(request: GetSalesReportRequest) -> str:
    name = ReportGrouping.Name(request.grouping).removeprefix("REPORT_GROUPING_").lower()
    return "period" if name == "unspecified" else name
