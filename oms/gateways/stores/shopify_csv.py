"""Orders of the CSV file that Shopify's admin exports.

One row per line; the first row of an order holds what is said of the whole order, the following
ones have the same Name and leave Total empty. Columns are read by name; others are ignored. The
file has no ids of lines and products, so lines are known by position and SKU, and products by SKU
or, without one, by name.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from oms.domain.errors import InvalidInput
from oms.domain.imports import BrokenRow, FileOrder
from oms.domain.snapshots import (
    FILE_LINE_PREFIX,
    Address,
    LineSnapshot,
    OrderSnapshot,
    product_by_words,
)
from oms.domain.spreadsheet_cells import restore
from oms.gateways.stores.fields import (
    QUANTITY_MAX,
    UnreadableFieldError,
    read_currency,
    read_instant,
    read_money,
    read_text,
    shown,
)
from oms.gateways.stores.file_records import PROBLEM_TOO_LONG, Record, Records
from oms.gateways.stores.json_lines import (
    ID_CHARACTERS_MAX,
    LINES_MAX,
    NOTE_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    require_country,
)

NEEDED: Final = (
    "Name",
    "Financial Status",
    "Currency",
    "Total",
    "Created at",
    "Lineitem quantity",
    "Lineitem name",
    "Lineitem price",
)
_SEPARATORS: Final = (",", ";", "\t")  # A spreadsheet writes the second where commas are decimal.
_PAID: Final = frozenset({"paid", "partially_refunded"})
_CANCELLED: Final = frozenset({"refunded", "voided", "expired"})  # Of the whole money.
_CHANGES: Final = ("Paid at", "Fulfilled at", "Cancelled at")  # Columns that say when.
_DECIMAL_COMMA: Final = re.compile(r"-?[0-9.]*,[0-9]{1,2}")
_TRUE, _FALSE = frozenset({"true", "yes", ""}), frozenset({"false", "no"})
_ADDRESS: Final[Mapping[str, str]] = {
    "name": "Name",
    "company": "Company",
    "line1": "Address1",
    "line2": "Address2",
    "city": "City",
    "region": "Province",
    "postal_code": "Zip",
    "country_code": "Country",
    "phone": "Phone",
}

Row = Mapping[str, str]


@dataclass(slots=True)
class _Begun:
    """The rows of an order that may have more, or the problem that it has already."""

    name: str
    line_number: int
    rows: list[Row] = field(default_factory=list)
    broken: BrokenRow | None = None


class ShopifyCsvFile:
    """An OrderFile of Shopify's order export."""

    def __init__(self, exported_at: int | None) -> None:
        """Begin with the first byte of a file that was made at an instant, if that is known."""
        self._exported_at = exported_at
        self._records = Records(quoted=True)
        self._titles: list[str] = []
        self._separator = ","
        self._begun: _Begun | None = None

    @property
    def line_count(self) -> int:
        """Return how many lines were read so far."""
        return self._records.line_count

    def feed(self, chunk: bytes) -> Iterator[FileOrder | BrokenRow]:
        """Give the orders that are complete with these bytes."""
        for record in self._records.feed(chunk):
            yield from self._read(record)

    def end(self) -> Iterator[FileOrder | BrokenRow]:
        """Give what is left; raises InvalidInput for a file without titles."""
        for record in self._records.end():
            yield from self._read(record)
        if not self._titles:
            raise InvalidInput.of("chunk", "the file is empty")
        yield from self._finish()

    def _read(self, record: Record) -> Iterator[FileOrder | BrokenRow]:
        if not self._titles:
            self._read_titles(record)
            return
        try:
            row = self._row(record)
        except UnreadableFieldError as error:
            yield from self._break(record, str(error))
            return
        if row is not None:
            yield from self._add(record.line_number, row)

    def _break(self, record: Record, problem: str) -> Iterator[FileOrder | BrokenRow]:
        """Break the order that an unreadable row belongs to, by as much of it as can be read.

        Where nothing can be, that is the order above: a line of it may be lost.
        """
        name = self._begun.name if self._begun is not None else ""
        if record.content is not None and self._titles[0] == "Name":
            found = record.content.decode("utf-8", "replace").split(self._separator, 1)[0]
            name = restore(found.strip().strip('"'))
        if self._begun is None or self._begun.name != name:
            yield from self._finish()
            self._begun = _Begun(name, record.line_number)
        self._begun.broken = self._begun.broken or BrokenRow(record.line_number, name, problem)

    def _add(self, line_number: int, row: Row) -> Iterator[FileOrder | BrokenRow]:
        name = row.get("Name", "")
        begun = self._begun
        if begun is None or begun.name != name:
            yield from self._finish()
            begun = self._begun = _Begun(name, line_number)
            if not row.get("Total"):
                begun.broken = BrokenRow(
                    line_number, name, "Total is empty: the first row of this order is not above it"
                )
        elif row.get("Total"):
            begun.broken = begun.broken or BrokenRow(
                line_number,
                name,
                f"repeats the order that begins on line {begun.line_number}: only the first row of"
                " an order has a Total",
            )
        if len(begun.rows) >= LINES_MAX:
            begun.broken = begun.broken or BrokenRow(
                line_number, name, f"an order has at most {LINES_MAX} lines"
            )
        else:
            begun.rows.append({**row, "": str(line_number)})

    def _finish(self) -> Iterator[FileOrder | BrokenRow]:
        begun, self._begun = self._begun, None
        if begun is not None:
            yield begun.broken or _order(begun, self._exported_at)

    def _read_titles(self, record: Record) -> None:
        if not record.content:
            raise InvalidInput.of("chunk", "the first line of the file has no titles")
        try:
            text = record.content.decode("utf-8")
            self._separator = max(_SEPARATORS, key=text.count)
            titles = [title.strip() for title in self._cells(text)]
        except (UnicodeDecodeError, csv.Error):
            raise InvalidInput.of("chunk", "the file is no CSV in UTF-8") from None
        missing = [name for name in NEEDED if name not in titles]
        if missing:
            raise InvalidInput.of(
                "chunk", f"the file has no column {', '.join(missing)} in its first line"
            )
        twice = sorted({title for title in titles if title and titles.count(title) > 1})
        if twice:
            raise InvalidInput.of("chunk", f"the file has the column {', '.join(twice)} twice")
        self._titles = titles

    def _row(self, record: Record) -> Row | None:
        """Read a row by its titles, filled cells only; None for a blank line."""
        if record.content is None:
            raise UnreadableFieldError(f"the row {PROBLEM_TOO_LONG}")
        if not record.content.strip():
            return None
        if b"\0" in record.content:
            raise UnreadableFieldError("the row holds a NUL character")
        try:
            cells = self._cells(record.content.decode("utf-8"))
        except UnicodeDecodeError:
            raise UnreadableFieldError("the row is not UTF-8") from None
        except csv.Error as error:
            raise UnreadableFieldError(f"the row is no CSV: {error}") from None
        if len(cells) > len(self._titles):
            found = f"{len(cells)} cells, more than the {len(self._titles)} titles"
            raise UnreadableFieldError(f"the row has {found}")
        return {
            title: restore(cell)
            for title, cell in zip(self._titles, cells, strict=False)
            if cell and title
        }

    def _cells(self, text: str) -> list[str]:
        return next(csv.reader([text], delimiter=self._separator, strict=True), [])


def _order(begun: _Begun, exported_at: int | None) -> FileOrder | BrokenRow:
    first = begun.rows[0]
    external_id = first.get("Id", "") or begun.name
    place = begun.line_number
    if not begun.name:
        return BrokenRow(place, external_id, "Name is empty")
    try:
        currency = read_currency(first, "Currency")
        lines: list[LineSnapshot] = []
        for position, row in enumerate(begun.rows, start=1):
            place = int(row[""])
            lines.append(_line(row, position, currency))
        place = begun.line_number
        return FileOrder(place, _snapshot(begun, external_id, currency, tuple(lines), exported_at))
    except UnreadableFieldError as error:
        return BrokenRow(place, external_id, str(error))


def _snapshot(
    begun: _Begun,
    external_id: str,
    currency: str,
    lines: tuple[LineSnapshot, ...],
    exported_at: int | None,
) -> OrderSnapshot:
    first = begun.rows[0]
    status = _text(first, "Financial Status").lower()
    placed_at = _instant(first, "Created at")
    if placed_at is None:
        raise UnreadableFieldError("Created at is empty")
    changes = [at for name in _CHANGES if (at := _instant(first, name)) is not None]
    is_cancelled = status in _CANCELLED or bool(first.get("Cancelled at"))
    is_fulfilled = _text(first, "Fulfillment Status").lower() == "fulfilled"
    address = _address(first)
    goes_out = not (is_cancelled or is_fulfilled)
    if goes_out and any(line.needs_shipping for line in lines) and not address.country_code:
        raise UnreadableFieldError("Shipping Country and Billing Country are empty")
    return OrderSnapshot(
        external_id=_text({"Id": external_id}, "Id"),
        number=_text(first, "Name"),
        store_status=status,
        currency=currency,
        total=read_money(_with_point(first, "Total"), "Total", currency),
        placed_at=placed_at,
        updated_at=exported_at or max([placed_at, *changes]),
        is_paid=status in _PAID,
        is_cancelled=is_cancelled,
        is_fulfilled=is_fulfilled,
        customer_name=_text(first, "Billing Name") or _text(first, "Shipping Name"),
        customer_email=_text(first, "Email"),
        address=address,
        lines=lines,
        raw=_raw(begun.rows),
        note=read_text(first, "Notes", characters_max=NOTE_CHARACTERS_MAX),
    )


def _line(row: Row, position: int, currency: str) -> LineSnapshot:
    sku = read_text(row, "Lineitem sku", characters_max=ID_CHARACTERS_MAX)
    title = _text(row, "Lineitem name") or sku
    if not title:
        raise UnreadableFieldError("Lineitem name is empty")
    if not row.get("Lineitem price"):
        raise UnreadableFieldError("Lineitem price is empty")
    return LineSnapshot(
        external_id=f"{FILE_LINE_PREFIX}{position}:{sku}",
        product_id=product_by_words(sku, title),
        variant_id="",
        title=title,
        sku=sku,
        quantity=_quantity(row),
        price=read_money(_with_point(row, "Lineitem price"), "Lineitem price", currency),
        needs_shipping=_flag(row, "Lineitem requires shipping"),
        is_fulfilled=_text(row, "Lineitem fulfillment status").lower() == "fulfilled",
    )


def _quantity(row: Row) -> int:
    text = row.get("Lineitem quantity", "").strip()
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= QUANTITY_MAX):
        allowed = f"a whole number from 0 to {QUANTITY_MAX}"
        raise UnreadableFieldError(f"Lineitem quantity is not {allowed} but {shown(text)}")
    return int(text)


def _address(row: Row) -> Address:
    """Choose the shipping address, or the billing address when the shipping one is empty."""
    kind = "Shipping" if row.get("Shipping Address1") or row.get("Shipping Country") else "Billing"
    # Excel would take a leading zero away, so Shopify puts an apostrophe before some of these.
    found = {
        ours: _text(row, f"{kind} {name}").removeprefix("'") for ours, name in _ADDRESS.items()
    }
    require_country(found["country_code"], f"{kind} Country")
    return Address(**found)


def _text(row: Row, name: str) -> str:
    return read_text(row, name, characters_max=TEXT_CHARACTERS_MAX)


def _flag(row: Row, name: str) -> bool:
    word = row.get(name, "").strip().lower()
    if word not in _TRUE | _FALSE:
        raise UnreadableFieldError(f"{name} is neither true nor false but {shown(word)}")
    return word in _TRUE


def _with_point(row: Row, name: str) -> Row:
    """Read 1.234,50 as 1234.50, where a spreadsheet has written it so."""
    text = row.get(name, "").strip()
    if _DECIMAL_COMMA.fullmatch(text):
        return {name: text.replace(".", "").replace(",", ".")}
    return row


def _instant(row: Row, name: str) -> int | None:
    """Read 2025-10-07 09:50:26 +0200."""
    text = row.get(name, "").strip()
    return read_instant({name: text.replace(" +", "+").replace(" -", "-")}, name)


def _raw(rows: list[Row]) -> bytes:
    kept = [{name: text for name, text in row.items() if name} for row in rows]
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
