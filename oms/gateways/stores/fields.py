"""Reading fields of a store's documents, each refused in plain words when it is not what it says.

A store is not trusted: plugins change types, importers leave NUL characters, a broken theme leaves
half a field. What is read here fits the database and the wire; everything else is told.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from oms.domain.money import Money, is_currency, parse_money

QUANTITY_MAX: Final = 1_000_000  # More units in one line is a mistake, never a sale.
SHOWN_CHARACTERS_MAX: Final = 60  # Of a wrong value, in a problem.
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")
_INSTANT_MAX: Final = 253_402_300_799  # The last second of the year 9999.

Document = Mapping[str, object]


class UnreadableFieldError(ValueError):
    """A field is missing or not what it should be; the text says which, and what was found."""


def shown(value: object) -> str:
    """Quote a wrong value, shortened."""
    text = ascii(str(value) if isinstance(value, Decimal) else value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[: SHOWN_CHARACTERS_MAX - 3]}..."


def read_object(document: Document, key: str) -> Document:
    """Read an object; an absent one is empty, and so is PHP's empty list in its place."""
    value = document.get(key)
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise UnreadableFieldError(f"{key} is not an object but {shown(value)}")
    return value


def read_list(document: Document, key: str, *, items_max: int) -> list[object]:
    """Read a list; an absent one is empty."""
    value = document.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnreadableFieldError(f"{key} is not a list but {shown(value)}")
    if len(value) > items_max:
        raise UnreadableFieldError(f"{key} has {len(value)} items, {items_max} are allowed")
    return value


def read_text(document: Document, key: str, *, characters_max: int) -> str:
    """Read a text without the blanks around it; an absent one is empty, a number is its digits."""
    value = document.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise UnreadableFieldError(f"{key} is not a text but {shown(value)}")
    text = str(value).strip()
    if len(text) > characters_max:
        found = f"{len(text)} characters, {characters_max} are allowed"
        raise UnreadableFieldError(f"{key} has {found}")
    if "\0" in text:
        raise UnreadableFieldError(f"{key} holds a NUL character")
    if _HALF_CHARACTER.search(text):
        raise UnreadableFieldError(f"{key} holds half a character (a lone surrogate)")
    return text


def read_id(document: Document, key: str) -> str:
    """Read an id that must be there: a whole number above zero."""
    value = document.get(key)
    if value is None:
        raise UnreadableFieldError(f"{key} is missing")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise UnreadableFieldError(f"{key} is not an id but {shown(value)}")
    return str(value)


def read_optional_id(document: Document, key: str) -> str:
    """Read an id that is 0, empty or absent when there is none."""
    value = document.get(key)
    return "" if value in (None, 0, "") else read_id(document, key)


def read_quantity(document: Document, key: str) -> int:
    """Read a number of units, from 0 to QUANTITY_MAX."""
    quantity = read_whole_number(document, key)
    if not 0 <= quantity <= QUANTITY_MAX:
        allowed = f"0 to {QUANTITY_MAX} is allowed"
        raise UnreadableFieldError(f"{key} is {shown(document.get(key))}, {allowed}")
    return quantity


def read_whole_number(document: Document, key: str) -> int:
    """Read a whole number; plugins for fractions turn 2 into 2.0, which is taken."""
    value = document.get(key)
    number = Decimal(str(value)) if isinstance(value, float) else value
    if (
        isinstance(number, Decimal)
        and number.is_finite()
        and abs(number) <= QUANTITY_MAX  # Before the remainder, which 1E+999999 does not have.
        and number % 1 == 0
    ):
        return int(number)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableFieldError(f"{key} is not a whole number but {shown(value)}")
    return value


def read_currency(document: Document, key: str) -> str:
    """Read an ISO 4217 code."""
    code = read_text(document, key, characters_max=10).upper()
    if not is_currency(code):
        raise UnreadableFieldError(f"{key} is {shown(code)}, which is no known currency")
    return code


def read_money(document: Document, key: str, currency: str) -> Money:
    """Read an amount that is not negative."""
    text = read_text(document, key, characters_max=100)
    try:
        money = parse_money(text, currency)
    except ValueError:
        raise UnreadableFieldError(f"{key} is no amount of money: {shown(text)}") from None
    if money.amount_minor < 0:
        raise UnreadableFieldError(f"{key} is negative: {shown(text)}")
    return money


def read_instant(document: Document, key: str) -> int | None:
    """Read a date of a `*_gmt` field, UTC without an offset, as epoch seconds; None when null."""
    text = read_text(document, key, characters_max=40)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableFieldError(f"{key} is no date: {shown(text)}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = int(moment.timestamp())
    if not 0 <= seconds <= _INSTANT_MAX:
        raise UnreadableFieldError(f"{key} is out of bounds: {shown(text)}")
    return seconds
