"""Draws a sales report: sales, costs and margin of each row. Needs matplotlib (fbali[charts])."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fbali.cli.money import minor_digits
from fbali.cli.terminal_text import neutral
from fbali.cli.views.sales_report import costs_minor
from fbali.v1.order_service_pb2 import GetSalesReportRequest, GetSalesReportResponse
from fbali.v1.sales_report_pb2 import ReportGrouping, SalesRow

ROWS_MAX = 25  # More bars than this are read by nobody; the table has them all.
LABEL_CHARACTERS_MAX = 32
_DAYS_WITH_BARS_MAX = 62
_TICKS_MAX = 12
_SALES, _COSTS, _MARGIN, _LOSS = "#4c78a8", "#b8c4d6", "#2f9e6e", "#d1495b"


def save_chart(
    file: Path, found: GetSalesReportResponse, request: GetSalesReportRequest, title: str
) -> None:
    """Write a PNG or SVG by the file's ending, without any window."""
    by_day = request.grouping == ReportGrouping.REPORT_GROUPING_DAY
    rows = list(found.rows) or [found.total]
    shown = [row for row in rows if row.key != "other"] if by_day else rows[:ROWS_MAX]
    height = 4.5 if by_day else 1.8 + 0.42 * len(shown)
    figure = Figure(figsize=(10, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    (_draw_days if by_day else _draw_groups)(axes, shown, request.currency_code)
    left = len(rows) - len(shown)
    more = f", {left} more rows not shown" if left else ""
    missing = ", amounts without a rate left out" if found.missing_rates else ""
    axes.set_title(f"{title}, {request.currency_code}{more}{missing}", loc="left", parse_math=False)
    axes.legend(loc="best", frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(file, format=file.suffix.lower().removeprefix("."))


def _draw_days(axes: Any, rows: Sequence[SalesRow], currency: str) -> None:
    days = [date.fromisoformat(row.key).toordinal() for row in rows]
    places = [day - days[0] for day in days]  # A day without orders leaves a gap.
    sales = [_number(row.sales.amount_minor, currency) for row in rows]
    margins = [_margin(row, currency) for row in rows]
    if len(rows) <= _DAYS_WITH_BARS_MAX:
        axes.bar(places, sales, width=0.8, color=_SALES, label="sales")
    else:
        axes.fill_between(places, sales, color=_SALES, alpha=0.6, linewidth=0, label="sales")
    axes.plot(places, margins, color=_MARGIN, linewidth=2, marker=".", label="margin")
    step = max(1, -(-len(rows) // _TICKS_MAX))
    axes.set_xticks(places[::step], [row.key for row in rows[::step]], rotation=30, ha="right")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)


def _draw_groups(axes: Any, rows: Sequence[SalesRow], currency: str) -> None:
    places = list(range(len(rows)))
    thick = 0.27
    series = (
        ("sales", _SALES, [_number(row.sales.amount_minor, currency) for row in rows]),
        ("costs and refunds", _COSTS, [_number(_taken(row), currency) for row in rows]),
        ("margin", _MARGIN, [_margin(row, currency) for row in rows]),
    )
    for number, (name, colour, values) in enumerate(series):
        shifted = [place + (number - 1) * thick for place in places]
        colours = [_LOSS if name == "margin" and value < 0 else colour for value in values]
        axes.barh(shifted, values, height=thick, color=colours, label=name)
    axes.set_yticks(places, [_label(row) for row in rows], parse_math=False)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def _label(row: SalesRow) -> str:
    text = neutral(row.label or row.key or "total")
    return text if len(text) <= LABEL_CHARACTERS_MAX else f"{text[: LABEL_CHARACTERS_MAX - 1]}…"


def _taken(row: SalesRow) -> int:
    return costs_minor(row) + row.refunds.amount_minor


def _margin(row: SalesRow, currency: str) -> float:
    """Give the margin; a gap where it is not known."""
    is_known = row.HasField("margin")
    return _number(row.margin.amount_minor, currency) if is_known else float("nan")


def _number(amount_minor: int, currency: str) -> float:
    """Give an amount as a drawing takes it; nothing is computed with it."""
    scale: int = 10 ** minor_digits(currency)
    return amount_minor / scale
