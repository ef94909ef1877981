"""Answers as a server one minor version newer, or older, would give them, made from samples."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from fbali.v1.after_sales_service_pb2 import DownloadPhotoResponse
from tests.services.scripted_server import Answer, Refusal, Stream

UNKNOWN_NUMBER = 99
# Field 2047, a string: no message of the contract is as long as that.
UNKNOWN_FIELD = b"\xfa\x7f\x05newer"


def newer(message: Any) -> Any:
    """Give a copy in which every enum has a number, and every message a field, nobody knows."""
    copy = type(message)()
    copy.CopyFrom(message)
    _renew(copy)
    found = type(message).FromString(copy.SerializeToString() + UNKNOWN_FIELD)
    assert UNKNOWN_FIELD in found.SerializeToString()
    return found


def older(message: Any) -> Any:
    """Give a copy that has nothing but names and the items of lists: what came later is missing.

    Bytes on their way are as they were: nothing could be made of them.
    """
    if isinstance(message, DownloadPhotoResponse):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    _age(copy)
    return copy


def answers_of(change: Callable[[Any], Any], answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Change every answer of a script."""
    return {method: _changed(change, answer) for method, answer in answers.items()}


def _changed(change: Callable[[Any], Any], answer: Answer) -> Answer:
    if isinstance(answer, Message):
        return change(answer)  # type: ignore[no-any-return]
    if isinstance(answer, Stream):
        return Stream([change(one) for one in answer.messages], answer.end, answer.stays)
    if isinstance(answer, Refusal):
        return answer
    return lambda request: _changed(change, answer(request))  # type: ignore[return-value]


def _renew(message: Any) -> None:
    for field in message.DESCRIPTOR.fields:
        for child in _messages_in(message, field):
            if child.DESCRIPTOR.full_name.startswith("fbali."):
                _renew(child)
                child.MergeFromString(UNKNOWN_FIELD)
        if field.type == FieldDescriptor.TYPE_ENUM:
            if field.is_repeated:
                getattr(message, field.name).append(UNKNOWN_NUMBER)
            elif field.containing_oneof is None or message.HasField(field.name):
                setattr(message, field.name, UNKNOWN_NUMBER)


def _age(message: Any) -> None:
    for field in message.DESCRIPTOR.fields:
        children = _messages_in(message, field)
        if field.name == "name":
            continue
        if children and children[0].DESCRIPTOR.full_name.startswith("fbali."):
            for child in children:
                _age(child)
        else:
            message.ClearField(field.name)


def _messages_in(message: Any, field: FieldDescriptor) -> list[Any]:
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return []
    value = getattr(message, field.name)
    if field.is_repeated:
        return list(value)
    return [value] if message.HasField(field.name) else []
