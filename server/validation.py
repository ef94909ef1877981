"""Requests against the rules of the contract: every wrong field is named."""

from collections.abc import Iterator

import protovalidate
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from oms.domain.errors import InvalidInput, Violation

_SECONDS_MIN = -62_135_596_800  # 0001-01-01T00:00:00Z.
_SECONDS_MAX = 253_402_300_799  # 9999-12-31T23:59:59Z.
_NANOSECONDS = 1_000_000_000  # In a second.


def require_valid(request: Message) -> None:
    """Refuse a request that breaks a rule, or that holds what databases do not store.

    That is a NUL in a text, and an instant outside of the years 1 to 9999.

    Raises:
        InvalidInput: with every violation.
    """
    violations = [
        Violation(_path(item), item.proto.message or "is not valid", item.proto.rule_id)
        for item in protovalidate.collect_violations(request)
    ]
    violations += _unstorable(request, "")
    if violations:
        raise InvalidInput(violations)


def _path(violation: protovalidate.Violation) -> str:
    steps = []
    field = violation.proto.field
    for element in field.elements if field else ():
        subscript = element.subscript
        place = "" if subscript is None else f"[{subscript.value}]"
        steps.append(f"{element.field_name}{place}")
    return ".".join(steps) or "request"


def _unstorable(message: Message, prefix: str) -> Iterator[Violation]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        items = list(enumerate(value)) if field.is_repeated else [(None, value)]
        for index, item in items:
            where = path if index is None else f"{path}[{index}]"
            if field.type == FieldDescriptor.TYPE_STRING and "\0" in item:
                yield Violation(where, "holds a NUL character", "string.nul")
            elif isinstance(item, Timestamp):
                if not _is_instant(item):
                    yield Violation(
                        where, "is no instant of the years 1 to 9999", "timestamp.range"
                    )
            elif isinstance(item, Message):
                yield from _unstorable(item, f"{where}.")


def _is_instant(timestamp: Timestamp) -> bool:
    in_seconds = _SECONDS_MIN <= timestamp.seconds <= _SECONDS_MAX
    return in_seconds and 0 <= timestamp.nanos < _NANOSECONDS
