"""Reads the CSV file with which a vendor announces many parcels; knows nothing of the server."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import click

from fbali.cli.csv_cells import restore

FILE_BYTES_MAX = 20_000_000  # A day's parcels of a large vendor take a tenth of it.
QUANTITY_MAX = 1_000_000  # As the contract says.
NEEDED = ("allocation", "tracking_number")
_SEPARATORS = (",", ";", "\t")  # Spreadsheets write the second one where a comma is decimal.
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the file: some units in a parcel; `item` is empty for all that is left."""

    line_number: int
    item: str
    quantity: int | None
    carrier_code: str
    problem: str = ""


@dataclass(slots=True)
class Parcel:
    """The rows with the same allocation and tracking number."""

    allocation: str
    tracking_number: str
    entries: list[Entry] = field(default_factory=list)

    @property
    def line_numbers(self) -> list[int]:
        """Say where in the file it is."""
        return [entry.line_number for entry in self.entries]


def read_parcels(content: bytes) -> list[Parcel]:
    """Group the rows of a file by parcel, in the order of the file.

    Rows without a tracking number are left out: they are not packed yet.

    Raises:
        click.UsageError: The file as a whole cannot be understood.
    """
    parcels: dict[tuple[str, str], Parcel] = {}
    for line_number, row in _rows(content):
        allocation, tracking_number = row["allocation"], row["tracking_number"]
        if not tracking_number:
            continue
        key = (allocation.rpartition("/")[2], tracking_number)
        parcel = parcels.setdefault(key, Parcel(allocation, tracking_number))
        parcel.entries.append(_entry(line_number, row))
    if not parcels:
        raise click.UsageError("the file has no row with a tracking_number")
    return list(parcels.values())


def _rows(content: bytes) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Give the filled rows with their line numbers in the file; cells are restored."""
    if len(content) > FILE_BYTES_MAX:
        raise click.UsageError(f"the file is larger than {FILE_BYTES_MAX} bytes; split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError("the file is not UTF-8; save it as CSV UTF-8") from error
    first = text.split("\n", 1)[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(_SEPARATORS, key=first.count), strict=True
    )
    try:
        titles = [title.strip().lower() for title in next(reader, [])]
        _check_titles(titles)
        begin = reader.line_num + 1
        for cells in reader:
            row = dict.fromkeys((*NEEDED, "carrier_code", "line", "sku", "vendor_sku"), "")
            row |= {
                title: restore(cell.strip(" ")).strip()
                for title, cell in zip(titles, cells, strict=False)
            }
            if any(cells):
                yield begin, row
            begin = reader.line_num + 1
    except csv.Error as error:
        raise click.UsageError(f"line {reader.line_num} is no CSV: {error}") from error


def _check_titles(titles: list[str]) -> None:
    missing = [name for name in NEEDED if name not in titles]
    twice = sorted({title for title in titles if title and titles.count(title) > 1})
    if missing:
        raise click.UsageError(f"the file has no column {' and '.join(missing)} in its first line")
    if twice:
        raise click.UsageError(f"the file has the column {', '.join(twice)} twice")


def _entry(line_number: int, row: Mapping[str, str]) -> Entry:
    item = row["line"] or row["sku"] or row["vendor_sku"]
    written = row.get("quantity", "")
    is_whole = written.isascii() and written.isdigit() and 0 < int(written[:9]) <= QUANTITY_MAX
    problem = ""
    if not row["allocation"]:
        problem = "the allocation is missing"
    elif _SHORTENED.fullmatch(row["tracking_number"]):
        problem = "a spreadsheet shortened the tracking number; format its column as text"
    elif written and not is_whole:
        problem = f"{written!r} is no quantity; write a whole number above 0"
    elif written and not item:
        problem = "the quantity says not of what; add line or sku"
    quantity = int(written) if is_whole and not problem else None
    return Entry(line_number, item, quantity, row["carrier_code"], problem)
