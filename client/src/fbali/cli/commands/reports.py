"""`fbali reports`: what was sold, what it cost, and what stays."""

from pathlib import Path

import click

from fbali.cli import names
from fbali.cli.command import Noun
from fbali.cli.invocation import Invocation
from fbali.cli.parameters import CURRENCY
from fbali.cli.period import Days, Period, period_options

GROUPINGS = ["day", "store", "vendor", "product", "country"]


@click.group(cls=Noun)
def reports() -> None:
    """See what was sold, what it cost, and what stays."""


@reports.command(
    "sales",
    example="fbali reports sales --by store --from 2026-11-01 --to 2026-11-30 --currency EUR",
)
@click.option("--by", type=click.Choice(GROUPINGS), help="A row for each of these.")
@period_options
@click.option("--currency", type=CURRENCY, required=True, help="Report in this currency.")
@click.option("--store", type=names.STORE, help="Only orders of this store.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also save it: as a table in FILE.csv, as a chart in FILE.png or FILE.svg.",
)
@click.pass_obj
def sales(
    invocation: Invocation,
    *,
    by: str | None,
    days: Days,
    currency: str,
    store: str | None,
    save: Path | None,
) -> None:
    """Sum up orders placed in a period: sales, refunds, costs, margin, states, delivery times.

    Amounts of other currencies are converted by your exchange rates; what has none is left out and
    told. Days are those of UTC.
    """
    from fbali.cli.contract_values import value_of
    from fbali.cli.report_files import check_file, save_report
    from fbali.cli.views.sales_report import bars_for, report_document
    from fbali.v1.order_service_pb2 import GetSalesReportRequest
    from fbali.v1.sales_report_pb2 import ReportGrouping

    period = Period.of(days)
    if save is not None:
        check_file(save)
    request = GetSalesReportRequest(
        parent="merchants/-",
        placed_from_time=period.begin(),
        placed_before_time=period.end(),
        currency_code=currency,
        grouping=value_of(ReportGrouping, "REPORT_GROUPING", by),
        store=store or "",
    )
    found = invocation.client.orders.GetSalesReport(request)
    bars = None if invocation.is_streamed else bars_for()
    invocation.answer(found, lambda: report_document(found, request, bars))
    if save is not None:
        save_report(save, found, request, f"Sales {period}")
        invocation.say(f"Saved {save}")
