"""Walks over the descriptors of the contract."""

import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
)

from docs.contract_comments import comment_of
from fbali.v1.error_reason_pb2 import ErrorReason
from server.app import SERVICES

PACKAGE = "fbali.v1"
REASONS = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name}

METHODS = [(service, method) for service in SERVICES for method in service.methods]
each_method = pytest.mark.parametrize(
    ("service", "method"),
    [pytest.param(*pair, id=f"{pair[0].name}/{pair[1].name}") for pair in METHODS],
)


def files() -> list[FileDescriptor]:
    """List the files of the contract: those of the services, and what they import of ours."""
    found: dict[str, FileDescriptor] = {}
    waiting = [service.file for service in SERVICES] + [ErrorReason.DESCRIPTOR.file]
    while waiting:
        file = waiting.pop()
        if file.package == PACKAGE and file.name not in found:
            found[file.name] = file
            waiting += file.dependencies
    return [found[name] for name in sorted(found)]


def messages() -> list[Descriptor]:
    """List the messages of the contract, also those that are declared in others."""
    found = []
    waiting = [message for file in files() for message in file.message_types_by_name.values()]
    while waiting:
        found.append(message := waiting.pop())
        waiting += message.nested_types
    return [message for message in found if not message.GetOptions().map_entry]


def enums() -> list[EnumDescriptor]:
    return [enum for file in files() for enum in file.enum_types_by_name.values()]


def held_by(message: Descriptor) -> set[Descriptor]:
    """Find a message of ours and all that it holds."""
    found: set[Descriptor] = set()
    waiting = [message]
    while waiting:
        item = waiting.pop()
        if item.file.package == PACKAGE and item not in found:
            found.add(item)
            waiting += [field.message_type for field in item.fields if field.message_type]
    return found


def sent_fields() -> Iterator[FieldDescriptor]:
    """Walk every field that a caller can send."""
    sent = {item for _, method in METHODS for item in held_by(method.input_type)}
    for message in sorted(sent, key=lambda item: item.full_name):
        yield from message.fields


def is_output_only(field: FieldDescriptor) -> bool:
    """Tell whether a field of a request is passed over, which its comment says."""
    return bool(re.search(r"Output only\.|Ignored ", comment_of(field)))


def reasons_of(method: MethodDescriptor) -> list[str]:
    """List the reasons that the comment of a method names, without their remarks."""
    comment = comment_of(method)
    named = re.search(r"Reasons: (.*)\.$", comment)
    if named is None:
        assert "Reasons" not in comment, f"{method.name}: the reasons end the comment"
        return []
    return [word.strip() for word in re.sub(r"\([^)]*\)", "", named[1]).split(",")]
