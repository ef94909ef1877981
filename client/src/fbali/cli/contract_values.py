"""Writes what people type as the contract's small messages."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from fbali.cli.money import parse_money
from fbali.v1.money_pb2 import Money


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
