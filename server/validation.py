"""Requests against the rules of the contract: every wrong field is named."""

from collections.abc import Iterator

import protovalidate
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from oms.domain.errors import InvalidInput, Violation


def require_valid(request: Message) -> None:
    """Refuse a request that breaks a rule, or that holds a NUL, which databases do not store.

    Raises:
        InvalidInput: with every violation.
    """
    violations = [
        Violation(_path(item), item.proto.message or "is not valid", item.proto.rule_id)
        for item in protovalidate.collect_violations(request)
    ]
    violations += [
        Violation(path, "holds a NUL character", "string.nul") for path in _nul_paths(request, "")
    ]
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


def _nul_paths(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        items = list(enumerate(value)) if field.is_repeated else [(None, value)]
        for index, item in items:
            where = path if index is None else f"{path}[{index}]"
            if field.type == FieldDescriptor.TYPE_STRING and "\0" in item:
                yield where
            elif field.type == FieldDescriptor.TYPE_MESSAGE and isinstance(item, Message):
                yield from _nul_paths(item, f"{where}.")
