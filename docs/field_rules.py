"""Say in words what the validation rules of a field demand."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import protovalidate
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from buf.validate import validate_pb2

Word = Callable[[Any], str]


def _bounded(sign: str, value: float) -> str:
    return f"{sign} {value:,}"


def _bounded_span(sign: str, value: Duration) -> str:
    return f"{sign} {value.ToTimedelta().total_seconds():g} s"


# The rules that the contract uses, by their path; a rule that is not in here stops the rendering.
WORDS: Mapping[str, Word] = {
    "required": lambda _: "",  # Said by `rule_words`, as is the next one.
    "ignore": lambda _: "",
    "string.pattern": lambda value: f"matches `{_in_table(value)}`",
    "string.min_len": lambda value: f"at least {value:,} characters",
    "string.max_len": lambda value: f"at most {value:,} characters",
    "string.len": lambda value: f"exactly {value:,} characters",
    "string.uuid": lambda _: "a UUID",
    "bytes.min_len": lambda value: f"at least {value:,} bytes",
    "bytes.max_len": lambda value: f"at most {value:,} bytes",
    "bytes.len": lambda value: f"exactly {value:,} bytes",
    "bool.const": lambda value: f"is {str(value).lower()}",
    "enum.defined_only": lambda _: "a value of the enum",
    "enum.not_in": lambda values: "" if list(values) == [0] else f"none of {list(values)}",
    "timestamp.gt_now": lambda _: "in the future",
    "timestamp.lt_now": lambda _: "in the past",
    "repeated.min_items": lambda value: f"at least {value:,}",
    "repeated.max_items": lambda value: f"at most {value:,}",
    "repeated.unique": lambda _: "no two alike",
    **{
        f"{kind}.{bound}": partial(_bounded_span if kind == "duration" else _bounded, sign)
        for kind in ("int32", "int64", "uint32", "uint64", "fixed32", "double", "duration")
        for bound, sign in (("gt", ">"), ("gte", "≥"), ("lt", "<"), ("lte", "≤"))
    },
}


def rule_words(field: FieldDescriptor) -> str:
    """Join what is demanded of a field, empty if nothing is."""
    options = field.GetOptions()
    if not options.HasExtension(validate_pb2.field):
        return ""
    rules = options.Extensions[validate_pb2.field]
    is_required = field.name in required_fields(field.containing_type)
    words = ["required"] if is_required else []
    words += [word for word in _words(rules, "") if word]
    if rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
        words.append("or empty")
    return ", ".join(words)


@cache
def required_fields(message: Descriptor) -> frozenset[str]:
    """Find the fields without which a message is refused, by asking the rules themselves."""
    violations = protovalidate.collect_violations(GetMessageClass(message)())
    paths = [violation.proto.field for violation in violations]
    return frozenset(path.elements[0].field_name for path in paths if path and path.elements)


def _words(rules: Message, path: str) -> list[str]:
    words = []
    for field, value in rules.ListFields():
        if path + field.name == "repeated.items":
            words.append("each: " + ", ".join(word for word in _words(value, "") if word))
        elif path + field.name in WORDS or field.message_type is None or field.is_repeated:
            words.append(WORDS[path + field.name](value))
        else:
            words += _words(value, f"{path}{field.name}.")
    return words


def _in_table(pattern: str) -> str:
    return pattern.replace("|", "\\|")
