"""Render docs/api from the contract: a page a service, what they share, and the errors.

The comments of the protos are the text, the validation rules are put into words, and the examples
are the requests that the functional tests send, so that none of them can be out of date.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from google.protobuf.descriptor_pb2 import MethodOptions

from docs.api_examples import VARIABLES, WATCH_SECONDS, example_of
from docs.contract_comments import comment_of
from docs.field_rules import rule_words
from fbali.v1.error_reason_pb2 import ErrorReason
from server.app import SERVICES

TARGET = Path(__file__).with_name("api")

_MADE = "Made from the protos by `make docs`; do not edit."
_PACKAGE = "fbali.v1."
_MESSAGES_PAGE = "messages.md"
_ERRORS_PAGE = "errors.md"
_LEVELS = {
    MethodOptions.NO_SIDE_EFFECTS: "Reads only; may be repeated.",
    MethodOptions.IDEMPOTENT: "Changes; may be repeated.",
}
_KEYED = "Changes; may be repeated with the same `requestId`."


def render() -> dict[str, str]:
    """Return every page by its file name."""
    services = sorted(SERVICES, key=lambda service: service.name)
    return {
        "README.md": _index(services),
        _MESSAGES_PAGE: _messages(services),
        _ERRORS_PAGE: _errors(),
        **{_page_of(service): _service(service) for service in services},
    }


# --- Pages ------------------------------------------------------------------------------------


def _index(services: Iterable[ServiceDescriptor]) -> str:
    lines = [
        "# The contract",
        "",
        _MADE,
        "",
        "Every call carries `authorization: Bearer TOKEN`. Names are opaque, for ever. Lists are",
        "paged. A change takes a `requestId`: a UUID that makes its repetition harmless. Refusals",
        f"carry a reason: see [errors]({_ERRORS_PAGE}). What the services share is on the page of",
        f"[messages]({_MESSAGES_PAGE}). What clients in any language need to know of retries,",
        "streams, health and reflection is in [contract.md](../contract.md).",
        "",
        *_trying(),
    ]
    for service in services:
        lines += [f"## [{service.name}]({_page_of(service)})", "", _first(_comment(service)), ""]
        page = _page_of(service)
        lines += [
            f"- [{method.name}]({page}#{method.name.lower()}): {_first(_comment(method))}"
            for method in service.methods
        ]
        lines.append("")
    return "\n".join(lines)


def _trying() -> list[str]:
    rows = [f"| `{name.upper()}` | {meaning} |" for name, meaning in VARIABLES.items()]
    return [
        "## Trying it",
        "",
        "Every method has an example that a shell runs as it is printed, with",
        "[grpcurl](https://github.com/fullstorydev/grpcurl). `$FBALI_SERVER` is host:port of a",
        "server without TLS (with TLS, leave `-plaintext` out), `$FBALI_TOKEN` the secret of a",
        "token of somebody who may call the method. The other variables are names of what there",
        "is; the lists show them. Examples that watch end with DeadlineExceeded, after",
        f"{WATCH_SECONDS} seconds.",
        "",
        "| variable | stands for |",
        "|---|---|",
        *rows,
        "",
    ]


def _service(service: ServiceDescriptor) -> str:
    lines = [f"# {service.name}", "", _MADE, "", _linked_reasons(_comment(service)), ""]
    for method in service.methods:
        lines += _method(method)
    return "\n".join(lines)


def _messages(services: Iterable[ServiceDescriptor]) -> str:
    lines = ["# Messages", "", _MADE, ""]
    for item in sorted(_shared(services), key=lambda item: item.name):
        lines += _enum(item) if isinstance(item, EnumDescriptor) else _message(item)
    return "\n".join(lines)


def _errors() -> str:
    lines = [
        "# Errors",
        "",
        _MADE,
        "",
        "A refusal is a `google.rpc.Status` whose first detail is a `google.rpc.ErrorInfo` of the",
        "domain `fbali.v1`, with one of these reasons.",
        "",
        "| reason | meaning |",
        "|---|---|",
    ]
    for value in ErrorReason.DESCRIPTOR.values[1:]:
        reason = value.name.removeprefix("ERROR_REASON_")
        lines.append(f"| {reason} | {_comment(value)} |")
    return "\n".join([*lines, ""])


# --- Sections ---------------------------------------------------------------------------------


def _method(method: MethodDescriptor) -> list[str]:
    request, response = method.input_type, method.output_type
    streams = [
        word
        for word, is_streamed in (
            ("The request is a stream.", method.client_streaming),
            ("The response is a stream.", method.server_streaming),
        )
        if is_streamed
    ]
    is_keyed = "request_id" in request.fields_by_name
    level = _KEYED if is_keyed else _LEVELS[method.GetOptions().idempotency_level]
    return [
        f"## {method.name}",
        "",
        _linked_reasons(_comment(method)),
        "",
        " ".join([level, *streams]),
        "",
        *_fields("request", request),
        *_fields("response", response),
        *_example(method),
    ]


def _example(method: MethodDescriptor) -> list[str]:
    return ["```sh", example_of(method), "```", ""]


def _fields(title: str, message: Descriptor) -> list[str]:
    if not message.fields:
        return []
    rows = [
        f"| {field.json_name} | {_type(field)} | {rule_words(field)} | {_comment(field)} |"
        for field in message.fields
    ]
    return [f"| {title} | type | rule | meaning |", "|---|---|---|---|", *rows, ""]


def _message(message: Descriptor) -> list[str]:
    return [f"## {message.name}", "", _comment(message), "", *_fields("field", message)]


def _enum(enum: EnumDescriptor) -> list[str]:
    rows = [f"| {value.name} | {value.number} | {_comment(value)} |" for value in enum.values]
    head = ["| value | number | meaning |", "|---|---|---|"]
    return [f"## {enum.name}", "", _comment(enum), "", *head, *rows, ""]


# --- Words ------------------------------------------------------------------------------------


def _page_of(service: ServiceDescriptor) -> str:
    words = re.findall("[A-Z][a-z]*", service.name)
    return f"{'_'.join(words).lower()}.md"


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return f"map of {_one_type(key)} to {_one_type(value)}"
    return f"list of {_one_type(field)}" if field.is_repeated else _one_type(field)


def _one_type(field: FieldDescriptor) -> str:
    kind = field.message_type or field.enum_type
    if kind is None:
        return _SCALARS[field.type]
    if kind.full_name.startswith(_PACKAGE):
        return f"[{kind.name}]({_MESSAGES_PAGE}#{kind.name.lower()})"
    return f"`{kind.full_name}`"


_SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in [
        "string",
        "bytes",
        "bool",
        "int32",
        "int64",
        "uint32",
        "uint64",
        "fixed32",
        "double",
    ]
}


def _linked_reasons(comment: str) -> str:
    reasons = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name}
    return re.sub(
        r"\b[A-Z]+(?:_[A-Z]+)+\b",
        lambda match: f"[{match[0]}]({_ERRORS_PAGE})" if match[0] in reasons else match[0],
        comment,
    )


def _comment(item: object) -> str:
    return comment_of(item).replace("|", "\\|")


def _first(text: str) -> str:
    return re.split(r"(?<=\.) ", text, maxsplit=1)[0]


# --- Descriptors ------------------------------------------------------------------------------


def _shared(services: Iterable[ServiceDescriptor]) -> set[Descriptor | EnumDescriptor]:
    """Find what requests and responses hold, but not these themselves."""
    found: set[Descriptor | EnumDescriptor] = set()
    methods = [method for service in services for method in service.methods]
    ends = [end for method in methods for end in (method.input_type, method.output_type)]
    waiting = [kind for end in ends for kind in _held(end)]
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting += _held(kind) if isinstance(kind, Descriptor) else []
    return found


def _held(message: Descriptor) -> Iterator[Descriptor | EnumDescriptor]:
    for field in message.fields:
        kind = field.message_type or field.enum_type
        if kind is None or not kind.full_name.startswith(_PACKAGE):
            continue
        if isinstance(kind, Descriptor) and kind.GetOptions().map_entry:
            yield from _held(kind)
        else:
            yield kind


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for page, text in render().items():
        (TARGET / page).write_text(text, "utf-8")
