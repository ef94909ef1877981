"""Money, instants, addresses and enums."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from fbali.v1.address_pb2 import Address as AddressMessage
from fbali.v1.money_pb2 import Money as MoneyMessage
from oms.domain.money import Money
from oms.domain.snapshots import Address

E = TypeVar("E", bound=StrEnum)


def instant(epoch_ms: int | None) -> Timestamp | None:
    """Convert epoch milliseconds; None stays absent."""
    if epoch_ms is None:
        return None
    return Timestamp(seconds=epoch_ms // 1000, nanos=epoch_ms % 1000 * 1_000_000)


def epoch_ms(message: Any, field: str) -> int | None:
    """Read an optional Timestamp field as epoch milliseconds."""
    if not message.HasField(field):
        return None
    value = getattr(message, field)
    return int(value.seconds * 1000 + value.nanos // 1_000_000)


def seconds(message: Any, field: str, otherwise: float) -> float:
    """Read an optional Duration field."""
    if not message.HasField(field):
        return otherwise
    value = getattr(message, field)
    return float(value.seconds + value.nanos / 1e9)


def money_message(money: Money | None) -> MoneyMessage | None:
    """Convert an amount; None stays absent."""
    if money is None:
        return None
    return MoneyMessage(currency_code=money.currency, amount_minor=money.amount_minor)


def money_messages(amounts: Iterable[Money]) -> list[MoneyMessage]:
    """Convert amounts in their order."""
    return [
        MoneyMessage(currency_code=money.currency, amount_minor=money.amount_minor)
        for money in amounts
    ]


def money(message: Any, field: str) -> Money | None:
    """Read an optional Money field."""
    if not message.HasField(field):
        return None
    value = getattr(message, field)
    return Money(value.currency_code, value.amount_minor)


def word(enum: Any, prefix: str, number: int) -> str:
    """Return an enum value's name without its prefix, empty for the unspecified one."""
    return "" if number == 0 else str(enum.Name(number)).removeprefix(prefix)


def number(enum: Any, prefix: str, value: str | None) -> Any:
    """Return the number of a word; an empty one is unspecified."""
    return enum.Value(prefix + value) if value else 0


def enum_or_none(kind: type[E], text: str) -> E | None:
    """Return the member for a word, None for an empty one."""
    return kind(text) if text else None


def address_message(address: Address | None, country: str = "") -> AddressMessage | None:
    """Convert an address; with None only the country is told, if it is known."""
    if address is None:
        return AddressMessage(region_code=country) if country else None
    return AddressMessage(
        recipient_name=address.name,
        company=address.company,
        line1=address.line1,
        line2=address.line2,
        city=address.city,
        administrative_area=address.region,
        postal_code=address.postal_code,
        region_code=address.country_code,
        phone=address.phone,
    )
