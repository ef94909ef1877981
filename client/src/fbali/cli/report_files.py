"""Saves a sales report: the table as CSV, a chart as PNG or SVG."""

from pathlib import Path

import click

from fbali.v1.order_service_pb2 import GetSalesReportRequest, GetSalesReportResponse

TABLES = {".csv"}
CHARTS = {".png", ".svg"}
MISSING = "charts are drawn by matplotlib, which is not installed: pip install 'fbali[charts]'"


def check_file(file: Path) -> None:
    """Find out before anything is asked whether the file can be written as it is named.

    Raises:
        click.UsageError: It is named like no format, or what draws charts is not installed.
    """
    ending = file.suffix.lower()
    if ending not in TABLES | CHARTS:
        raise click.UsageError(f"cannot save {file}: name it .csv, .png or .svg")
    if ending in CHARTS:
        _drawing()


def save_report(
    file: Path, found: GetSalesReportResponse, request: GetSalesReportRequest, title: str
) -> None:
    """Write the report; an earlier file of the same name is replaced."""
    from fbali.cli.csv_rendering import table_csv
    from fbali.cli.views.sales_report import report_table

    if file.suffix.lower() in TABLES:
        text = table_csv(report_table(found, request), with_header=True)
        with file.open("w", encoding="utf-8", newline="") as opened:
            opened.write(text)
        return
    _drawing()
    from fbali.cli.report_chart import save_chart

    save_chart(file, found, request, title)


def _drawing() -> None:
    try:
        import matplotlib  # noqa: F401, ICN001 - Only whether it is there.
    except ImportError:
        raise click.UsageError(MISSING) from None
