"""Orders of a file with one JSON object per line, as docs/import.md describes it."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Final, NoReturn, TypeVar

from oms.domain.errors import InvalidInput
from oms.domain.imports import BrokenRow, FileOrder
from oms.domain.money import Money
from oms.domain.snapshots import (
    FILE_LINE_PREFIX,
    Address,
    LineSnapshot,
    OrderSnapshot,
    product_by_words,
)
from oms.gateways.stores.fields import (
    Document,
    UnreadableFieldError,
    read_currency,
    read_instant,
    read_list,
    read_money,
    read_object,
    read_quantity,
    read_text,
    shown,
)
from oms.gateways.stores.file_records import PROBLEM_TOO_LONG, Record, Records

ID_CHARACTERS_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 500
NOTE_CHARACTERS_MAX: Final = 10_000
LINES_MAX: Final = 1_000  # Of one order.

ORDER_FIELDS: Final = frozenset(
    [
        "id",
        "number",
        "status",
        "paid",
        "cancelled",
        "fulfilled",
        "currency",
        "total",
        "placed_time",
        "updated_time",
        "customer",
        "recipient",
        "note",
        "lines",
    ]
)
CUSTOMER_FIELDS: Final = frozenset({"name", "email"})
# Our word in the domain for each word of the file, which are those of the API's Address.
RECIPIENT_FIELDS: Final[Mapping[str, str]] = {
    "recipient_name": "name",
    "company": "company",
    "line1": "line1",
    "line2": "line2",
    "city": "city",
    "administrative_area": "region",
    "postal_code": "postal_code",
    "region_code": "country_code",
    "phone": "phone",
}
LINE_FIELDS: Final = frozenset(
    ["id", "sku", "title", "quantity", "removed_quantity", "price", "needs_shipping", "fulfilled"]
)
_COUNTRY: Final = re.compile("[A-Z]{2}")

T = TypeVar("T")


class JsonLinesFile:
    """An OrderFile of JSON lines; blank lines are skipped."""

    def __init__(self, exported_at: int | None) -> None:
        """Begin with the first byte; orders say themselves when they changed."""
        del exported_at
        self._records = Records(quoted=False)
        self._has_begun = False

    @property
    def line_count(self) -> int:
        """Return how many lines were read so far."""
        return self._records.line_count

    def feed(self, chunk: bytes) -> Iterator[FileOrder | BrokenRow]:
        """Give the orders that are complete with these bytes."""
        for record in self._records.feed(chunk):
            yield from self._read(record)

    def end(self) -> Iterator[FileOrder | BrokenRow]:
        """Give what is left; raises InvalidInput for a file without any line."""
        for record in self._records.end():
            yield from self._read(record)
        if not self._has_begun:
            raise InvalidInput.of("chunk", "the file is empty")

    def _read(self, record: Record) -> Iterator[FileOrder | BrokenRow]:
        content = record.content
        if content is not None and not content.strip():
            return
        if not self._has_begun and content is not None and not content.lstrip().startswith(b"{"):
            raise InvalidInput.of(
                "chunk", f"the file is no JSON lines: line {record.line_number} begins no object"
            )
        self._has_begun = True
        yield read_record(record)


def read_record(record: Record) -> FileOrder | BrokenRow:
    """Read the order of one line."""
    if record.content is None:
        return BrokenRow(record.line_number, "", f"the line {PROBLEM_TOO_LONG}")
    external_id = ""
    try:
        document = _parse(record.content)
        external_id = _id(document, "id")
        return FileOrder(record.line_number, _order(document, external_id, record.content))
    except UnreadableFieldError as error:
        return BrokenRow(record.line_number, external_id, str(error))


def _parse(content: bytes) -> Document:
    try:
        document = json.loads(
            content.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant
        )
    except UnreadableFieldError:
        raise
    except UnicodeDecodeError:
        raise UnreadableFieldError("the line is not UTF-8") from None
    except json.JSONDecodeError as error:
        problem = f"the line is no JSON: {error.msg} at character {error.pos + 1}"
        raise UnreadableFieldError(problem) from None
    except (ValueError, RecursionError):  # A number of thousands of digits; a thousand brackets.
        raise UnreadableFieldError("the line is no JSON that can be read") from None
    if not isinstance(document, dict):
        raise UnreadableFieldError("the line is no object")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableFieldError(f"{name} is no number")


def _order(document: Document, external_id: str, raw: bytes) -> OrderSnapshot:
    _require_known(document, ORDER_FIELDS)
    currency = read_currency(document, "currency")
    lines = _lines(document, currency)
    placed_at = read_instant(document, "placed_time")
    if placed_at is None:
        raise UnreadableFieldError("placed_time is missing")
    customer = _inside(document, "customer", CUSTOMER_FIELDS)
    recipient = _recipient(document)
    is_over = _flag(document, "cancelled") or _flag(document, "fulfilled")
    if not is_over and any(line.needs_shipping for line in lines) and not recipient.country_code:
        raise UnreadableFieldError("recipient.region_code is missing")
    customer_name = _text(customer, "name", "customer.name") or recipient.name
    return OrderSnapshot(
        external_id=external_id,
        number=_text(document, "number", "number") or external_id,
        store_status=_text(document, "status", "status"),
        currency=currency,
        total=_total(document, currency, lines),
        placed_at=placed_at,
        updated_at=read_instant(document, "updated_time") or placed_at,
        is_paid=_flag(document, "paid", is_absent=True),
        is_cancelled=_flag(document, "cancelled"),
        is_fulfilled=_flag(document, "fulfilled"),
        customer_name=customer_name,
        customer_email=_text(customer, "email", "customer.email"),
        address=recipient,
        lines=lines,
        raw=raw,
        note=read_text(document, "note", characters_max=NOTE_CHARACTERS_MAX),
    )


def _total(document: Document, currency: str, lines: tuple[LineSnapshot, ...]) -> Money:
    if document.get("total") is not None:
        return read_money(document, "total", currency)
    return Money(currency, sum(line.price.amount_minor * line.quantity for line in lines))


def _lines(document: Document, currency: str) -> tuple[LineSnapshot, ...]:
    items = read_list(document, "lines", items_max=LINES_MAX)
    lines: dict[str, LineSnapshot] = {}
    for position, item in enumerate(items):
        place = f"lines[{position}]"
        if not isinstance(item, dict):
            raise UnreadableFieldError(f"{place} is not an object")
        line = _within(place, partial(_line, item, position, currency))
        if line.external_id in lines:
            raise UnreadableFieldError(f"{place}: id {line.external_id} appears twice")
        lines[line.external_id] = line
    if not lines:
        raise UnreadableFieldError("lines is missing or empty")
    return tuple(lines.values())


def _line(item: Document, position: int, currency: str) -> LineSnapshot:
    _require_known(item, LINE_FIELDS)
    sku = read_text(item, "sku", characters_max=ID_CHARACTERS_MAX)
    title = read_text(item, "title", characters_max=TEXT_CHARACTERS_MAX) or sku
    if not title:
        raise UnreadableFieldError("sku and title are missing")
    quantity = read_quantity(item, "quantity")
    removed = read_quantity(item, "removed_quantity") if "removed_quantity" in item else 0
    if removed > quantity:
        raise UnreadableFieldError(f"removed_quantity is {removed}, more than quantity")
    if item.get("price") is None:
        raise UnreadableFieldError("price is missing")
    return LineSnapshot(
        external_id=_id(item, "id") if "id" in item else f"{FILE_LINE_PREFIX}{position + 1}:{sku}",
        product_id=product_by_words(sku, title),
        variant_id="",
        title=title,
        sku=sku,
        quantity=quantity,
        price=read_money(item, "price", currency),
        removed_quantity=removed,
        needs_shipping=_flag(item, "needs_shipping", is_absent=True),
        is_fulfilled=_flag(item, "fulfilled"),
    )


def _recipient(document: Document) -> Address:
    found = _inside(document, "recipient", RECIPIENT_FIELDS.keys())
    address = Address(
        **{ours: _text(found, name, f"recipient.{name}") for name, ours in RECIPIENT_FIELDS.items()}
    )
    require_country(address.country_code, "recipient.region_code")
    return address


def require_country(code: str, place: str) -> None:
    """Refuse a country that is not empty and no two-letter code."""
    if code and not _COUNTRY.fullmatch(code):
        raise UnreadableFieldError(f"{place} is no two-letter code but {shown(code)}")


def _inside(document: Document, key: str, allowed: Collection[str]) -> Document:
    found = read_object(document, key)
    _within(key, lambda: _require_known(found, allowed))
    return found


def _require_known(document: Document, allowed: Collection[str]) -> None:
    for name in document:
        if name not in allowed:
            raise UnreadableFieldError(f"{shown(name)} is no field; docs/import.md lists them")


def _within(place: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except UnreadableFieldError as error:
        raise UnreadableFieldError(f"{place}: {error}") from None


def _id(document: Document, key: str) -> str:
    found = read_text(document, key, characters_max=ID_CHARACTERS_MAX)
    if not found:
        raise UnreadableFieldError(f"{key} is missing")
    return found


def _text(document: Document, key: str, place: str) -> str:
    try:
        return read_text(document, key, characters_max=TEXT_CHARACTERS_MAX)
    except UnreadableFieldError as error:
        raise UnreadableFieldError(str(error).replace(key, place, 1)) from None


def _flag(document: Document, key: str, *, is_absent: bool = False) -> bool:
    value = document.get(key, is_absent)
    if not isinstance(value, bool):
        raise UnreadableFieldError(f"{key} is neither true nor false but {shown(value)}")
    return value
