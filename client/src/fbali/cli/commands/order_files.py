"""The part of `fbali orders` that is about files: import, see what became of it, export."""

import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.commands.order_selection import Selection, selection_fields, selection_options
from fbali.cli.exit_codes import ExitCode
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options
from fbali.cli.parameters import MOMENT

if TYPE_CHECKING:  # Loading it here would cost every help the start of gRPC.
    from fbali.v1.import_run_pb2 import ImportRun

RUN_LENGTH_MAX = 60
PROGRESS_SECONDS = 2.0
IMPORT_FORMATS = {".csv": "shopify-csv", ".jsonl": "json-lines", ".ndjson": "json-lines"}
EXPORT_FORMATS = {".csv": "csv", ".jsonl": "json-lines", ".ndjson": "json-lines"}


@click.command("import", cls=Verb, example="fbali orders import orders_export.csv --store s0store")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--store", type=names.STORE, required=True, help="The store that they belong to.")
@click.option(
    "--run", metavar="NAME", help="Call the run so; otherwise it is called like the file."
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(sorted(set(IMPORT_FORMATS.values()))),
    help="What the file is; otherwise its name tells.",
)
@click.option(
    "--exported",
    type=MOMENT,
    metavar="DATE",
    help="When the file was made; orders that changed later are left alone.",
)
@click.pass_obj
def import_file(
    invocation: Invocation,
    *,
    file: str,
    store: str,
    run: str | None,
    kind: str | None,
    exported: datetime | None,
) -> int:
    """Take orders from a file: Shopify's order export (CSV), or JSON lines.

    Rows that cannot be taken are listed with their line number, the others are kept. The same file
    again changes nothing, and finishes an import that was broken off. FILE may be - for standard
    input.
    """
    from fbali.cli.contract_values import timestamp, value_of
    from fbali.cli.views.import_views import import_document
    from fbali.v1.import_run_pb2 import ImportFormat
    from fbali.v1.order_service_pb2 import ImportOrdersRequest, ImportOrdersResponse

    chosen = kind or _format_of(file, IMPORT_FORMATS)
    head = ImportOrdersRequest(
        parent="merchants/-",
        run_id=run or _run_name(file),
        store=store,
        format=value_of(ImportFormat, "IMPORT_FORMAT", chosen),
        export_time=timestamp(exported),
    )
    with click.open_file(file, "rb") as content:
        found = invocation.client.import_orders(head, content, _Progress(invocation, file))
    answer = ImportOrdersResponse(import_run=found)
    invocation.answer(answer, lambda: import_document(found))
    return _exit_code(found)


@click.command("import-runs", cls=Verb, example="fbali orders import-runs")
@click.argument("run", metavar="[RUN]", required=False)
@paging_options
@click.pass_obj
def import_runs(invocation: Invocation, *, run: str | None, paging: Paging) -> None:
    """List the files that were imported, or show one run with its broken rows."""
    from fbali.cli.views.import_views import import_document, import_list
    from fbali.v1.order_service_pb2 import GetImportRunRequest, ListImportRunsRequest

    if run is None:
        answer_list(
            invocation,
            invocation.client.orders.ListImportRuns,
            ListImportRunsRequest(parent="merchants/-"),
            paging,
            lambda found: import_list(found.import_runs),
        )
        return
    name = f"merchants/-/importRuns/{names.last_part(run)}"
    found = invocation.client.orders.GetImportRun(GetImportRunRequest(name=name))
    invocation.answer(found, lambda: import_document(found.import_run))


@click.command("export", cls=Verb, example="fbali orders export --tag pending --save orders.csv")
@click.option(
    "--save",
    "path",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write this file, or - for standard output.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(sorted(set(EXPORT_FORMATS.values()))),
    help="What the file shall be; otherwise its name tells.",
)
@selection_options
@click.pass_obj
def export(invocation: Invocation, *, path: str, kind: str | None, selection: Selection) -> None:
    """Save orders as CSV, a row for each line, or as JSON lines that import takes back.

    Text that a spreadsheet would take for a formula gets an apostrophe.
    """
    from fbali.cli.contract_values import value_of
    from fbali.cli.document import Cell, Fields
    from fbali.v1.import_run_pb2 import ExportFormat
    from fbali.v1.order_service_pb2 import ExportOrdersRequest, OrderSelection

    chosen = kind or _format_of(path, EXPORT_FORMATS)
    request = ExportOrdersRequest(
        parent="merchants/-",
        format=value_of(ExportFormat, "EXPORT_FORMAT", chosen),
        selection=OrderSelection(**selection_fields(selection)),
    )
    size = 0
    with _target(path) as target:
        for chunk in invocation.client.export_orders(request):
            size += target.write(chunk)
    if path != "-":
        pairs: list[tuple[str, Cell]] = [("File", path), ("Bytes", size)]
        invocation.answer({"file": path, "bytes": size}, lambda: [Fields(pairs)])


@contextmanager
def _target(path: str) -> "Iterator[Writable]":
    """Open what is written; a file gets its name when it is whole."""
    if path == "-":
        yield _Terminal() if sys.stdout.isatty() else sys.stdout.buffer
        return
    unfinished = Path(f"{path}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


class Writable(Protocol):
    """What bytes are written to."""

    def write(self, content: bytes, /) -> int:
        """Write all of it; return how much that was."""
        ...


class _Terminal:
    """A screen, to which nothing is sent that it would obey; the last line waits for its end."""

    def __init__(self) -> None:
        self._rest = b""

    def write(self, content: bytes) -> int:
        from fbali.cli.terminal_text import neutral

        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            click.echo(neutral(line.decode("utf-8", "replace").rstrip("\r")))
        return len(content)


class _Progress:
    """Says now and then how much of a file was sent."""

    def __init__(self, invocation: Invocation, path: str) -> None:
        self._invocation = invocation
        self._size = 0 if path == "-" else Path(path).stat().st_size
        self._due_at = time.monotonic() + PROGRESS_SECONDS

    def __call__(self, sent: int) -> None:
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + PROGRESS_SECONDS
        share = f" ({sent * 100 // self._size} %)" if self._size else ""
        self._invocation.say(f"Sent {sent / 1e6:.1f} MB{share}")


def _format_of(path: str, formats: Mapping[str, str]) -> str:
    """Tell a format by the ending of a file's name."""
    found = formats.get(Path(path).suffix.lower())
    if found is None:
        endings = ", ".join(formats)
        raise click.UsageError(f"{path} ends with none of {endings}; say what it is with --format")
    return found


def _run_name(path: str) -> str:
    stem = "stdin" if path == "-" else Path(path).stem
    name = re.sub("[^0-9A-Za-z_-]+", "-", stem).strip("-")[:RUN_LENGTH_MAX]
    return name or "import"


def _exit_code(run: "ImportRun") -> ExitCode:
    if not run.broken_count:
        return ExitCode.OK
    return ExitCode.PARTLY_DONE if run.order_count else ExitCode.ERROR
