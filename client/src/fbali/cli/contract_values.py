"""Writes what people type as the contract's small messages."""

from datetime import datetime
from typing import Protocol, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from fbali.cli.money import parse_money
from fbali.v1.money_pb2 import Money

NumberT_co = TypeVar("NumberT_co", covariant=True)


class Enumeration(Protocol[NumberT_co]):
    """A generated enum."""

    def Value(self, name: str) -> NumberT_co:  # noqa: N802 - The generated name.
        """Return the value of a name."""


def value_of(enum: Enumeration[NumberT_co], prefix: str, word: str | None) -> NumberT_co:
    """Take a word such as `cool-off`; what was not typed is unspecified."""
    return enum.Value(f"{prefix}_{(word or 'unspecified').upper().replace('-', '_')}")


def timestamp(local: datetime | None) -> Timestamp | None:
    """Take a local time without a zone, as it was typed, or an instant."""
    if local is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(local.astimezone())
    return stamp


def money(text: str) -> Money:
    """Take an amount that MoneyType has checked."""
    currency_code, amount_minor = parse_money(text)
    return Money(currency_code=currency_code, amount_minor=amount_minor)
