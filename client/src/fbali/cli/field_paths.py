"""The fields of an answer that --fields names: dotted paths of the contract's own names."""

from collections.abc import Sequence
from typing import Any

import click
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

Path = tuple[str, ...]


def parse_paths(text: str, kind: Descriptor) -> list[Path]:
    """Read a,b.c and check it against the message it is about.

    Raises:
        click.UsageError: A name is none of the message's fields.
    """
    paths = [tuple(one.strip().split(".")) for one in text.split(",") if one.strip()]
    if not paths:
        raise click.UsageError(f"--fields names nothing; {_allowed(kind)}")
    for path in paths:
        _check(path, kind)
    return paths


def prune(values: Any, paths: Sequence[Path]) -> Any:
    """Keep only the named parts of a message's JSON, as a field mask does."""
    if isinstance(values, list):
        return [prune(one, paths) for one in values]
    if not isinstance(values, dict) or () in paths:
        return values
    names = dict.fromkeys(path[0] for path in paths)
    return {
        name: prune(values[name], [path[1:] for path in paths if path[0] == name])
        for name in names
        if name in values
    }


def value_at(message: Message, path: Path) -> Any:
    """Give the value of a path: numbers as numbers, enums by name, None when it is absent."""
    name, rest = path[0], path[1:]
    field = message.DESCRIPTOR.fields_by_name[name]
    if rest and field.is_repeated:
        return [value_at(one, rest) for one in getattr(message, name)]
    if rest:
        return value_at(getattr(message, name), rest) if message.HasField(name) else None
    values = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    value = values.get(name)
    is_long = field.cpp_type in {field.CPPTYPE_INT64, field.CPPTYPE_UINT64}
    return int(value) if is_long and isinstance(value, str) else value  # JSON quotes 64 bits.


def _check(path: Path, kind: Descriptor) -> None:
    fields: Any = kind.fields_by_name
    if path[0] not in fields:
        raise click.UsageError(f"{'.'.join(path)!r} is no field; {_allowed(kind)}")
    if path[1:]:
        inner = fields[path[0]].message_type
        if inner is None or inner.full_name.startswith("google.protobuf."):
            raise click.UsageError(f"{path[0]!r} has no parts; write it alone")
        _check(path[1:], inner)


def _allowed(kind: Descriptor) -> str:
    return f"{kind.name} has: {', '.join(field.name for field in kind.fields)}"
