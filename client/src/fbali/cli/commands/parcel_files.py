"""The part of `fbali allocations` that is about files: export the work, ship a file of parcels."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation

if TYPE_CHECKING:  # Loading it here would cost every help the start of gRPC.
    from fbali.cli.bulk_shipping import Result

OPEN_STATES = ["submitted", "accepted", "cancellation-requested"]
TITLES = ["LINE", "ALLOCATION", "NUMBER", "RESULT", "WORDS"]


@click.command("export", cls=Verb, example="fbali allocations export --state accepted")
@click.option(
    "--state",
    "states",
    type=click.Choice(OPEN_STATES),
    multiple=True,
    help="Only; repeat. Otherwise all that have units to pack.",
)
@click.option("--merchant", type=names.MERCHANT, help="Only of this merchant.")
@click.pass_obj
def export(invocation: Invocation, *, states: tuple[str, ...], merchant: str | None) -> None:
    """Write what is left to pack as CSV, a row for each line; > work.csv keeps it.

    Fill in the column tracking_number and send it back: fbali allocations ship --csv work.csv.
    Text that a spreadsheet would take for a formula gets an apostrophe, which ship takes away.
    """
    from fbali.cli.work_export import work_rows, work_table
    from fbali.pages import PAGE_SIZE_MAX, each_page
    from fbali.v1.allocation_pb2 import AllocationState
    from fbali.v1.fulfillment_service_pb2 import ListAllocationsRequest

    values = [
        AllocationState.Value(f"ALLOCATION_STATE_{one.upper().replace('-', '_')}")
        for one in states or OPEN_STATES
    ]
    request = ListAllocationsRequest(
        parent="vendors/-", states=values, merchant=merchant or "", page_size=PAGE_SIZE_MAX
    )
    pages = each_page(invocation.client.fulfillment.ListAllocations, request)
    invocation.choices.output = invocation.choices.output or "csv"
    if not invocation.is_streamed:
        rows = [row for page in pages for row in work_rows(page.allocations)]
        invocation.answer({"rows": rows}, lambda: [work_table(rows)])
        return
    for number, page in enumerate(pages):
        rows = work_rows(page.allocations)
        _stream(invocation, rows, lambda rows=rows: [work_table(rows)], is_first=number == 0)


def ship_file(invocation: Invocation, path: str, *, dry_run: bool) -> ExitCode:
    """Announce the parcels of a CSV file and say for each row what happened."""
    from fbali.cli.bulk_shipping import BulkShipping
    from fbali.cli.document import Column, Note, Table
    from fbali.cli.tracking_file import read_parcels

    content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    parcels = read_parcels(content)
    shipping = BulkShipping(invocation.client.fulfillment, dry_run=dry_run)
    results: list[Result] = []
    rows: list[dict[str, Any]] = []
    columns = [Column(title, flexible=title == "WORDS") for title in TITLES]

    def table(shown: list[dict[str, Any]]) -> Table:
        return Table(columns, [list(row.values()) for row in shown])

    for result in shipping.ship_all(parcels):
        found = _rows_of(result)
        if invocation.is_streamed:
            _stream(invocation, found, lambda found=found: [table(found)], is_first=not results)
        results.append(result)
        rows += found
    summary = _summary(results)
    if invocation.is_streamed:
        invocation.say(summary)
    else:
        invocation.answer({"rows": rows}, lambda: [table(rows), Note(summary)])
    return _exit_code(results)


def _stream(
    invocation: Invocation, rows: list[dict[str, Any]], view: Any, *, is_first: bool
) -> None:
    """Write rows as JSON lines, or as CSV with titles before the first."""
    if invocation.is_json:
        for row in rows:
            invocation.answer_rows(row, list, is_first=is_first)
    else:
        invocation.answer_rows({}, view, is_first=is_first)


def _rows_of(result: "Result") -> list[dict[str, Any]]:
    """Give a row for each row of the file."""
    return [
        {
            "line": line_number,
            "allocation": result.parcel.allocation,
            "tracking_number": result.parcel.tracking_number,
            "result": str(result.fate),
            "words": result.words,
        }
        for line_number in result.parcel.line_numbers
    ]


def _summary(results: "Iterable[Result]") -> str:
    counts: dict[str, int] = {}
    for result in results:
        counts[result.fate] = counts.get(result.fate, 0) + 1
    return "Parcels: " + ", ".join(f"{count} {fate}" for fate, count in counts.items())


def _exit_code(results: "list[Result]") -> ExitCode:
    done = sum(result.is_done for result in results)
    if done == len(results):
        return ExitCode.OK
    return ExitCode.PARTLY_DONE if done else ExitCode.ERROR
