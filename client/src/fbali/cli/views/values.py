"""Reads the contract's small messages: instants, money, addresses, names."""

from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from fbali.cli.money import format_money
from fbali.v1.address_pb2 import Address
from fbali.v1.money_pb2 import Money


def moment(message: Message, field: str) -> datetime | None:
    """Give an instant of a message, or None when it is absent."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(tzinfo=UTC)


def money(message: Message, field: str) -> str:
    """Write an amount of a message, or nothing when it is absent."""
    return amount(getattr(message, field)) if message.HasField(field) else ""


def amount(found: Money) -> str:
    """Write an amount."""
    return format_money(found.currency_code, found.amount_minor)


def amounts(found: Iterable[Money]) -> str:
    """Write the sums of several currencies, which are never added up."""
    return " + ".join(amount(one) for one in found)


def address_lines(address: Address) -> str:
    """Write an address as on a parcel, one part a line."""
    town = " ".join(part for part in (address.postal_code, address.city) if part)
    region = ", ".join(part for part in (address.administrative_area, address.region_code) if part)
    parts = [
        address.recipient_name,
        address.company,
        address.line1,
        address.line2,
        town,
        region,
        f"phone {address.phone}" if address.phone else "",
    ]
    return "\n".join(part.replace("\n", " ") for part in parts if part)


def last_part(name: str) -> str:
    """Give the id at the end of a resource name."""
    return name.rpartition("/")[2]
