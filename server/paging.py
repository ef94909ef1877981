"""Pages: how many, and opaque tokens for where the next one starts."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from oms.domain.errors import InvalidInput
from oms.domain.principals import Principal

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 500
_CHECKSUM_BYTES = 8

T = TypeVar("T")
Key = list[Any]


def page_size(request: Any) -> int:
    """Return how many the caller gets: 50 when it does not say, 500 at the most."""
    return min(request.page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


def start_key(request: Any, caller: Principal) -> Key | None:
    """Read where a page starts; None for the first one.

    Raises:
        InvalidInput: the token is not one of ours, or the other arguments changed.
    """
    if not request.page_token:
        return None
    try:
        raw = base64.urlsafe_b64decode(request.page_token + "==")
        checksum, body = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
        key: Key = json.loads(body)
    except (ValueError, binascii.Error):
        raise _invalid_token() from None
    if checksum != _checksum(body, request, caller):
        raise _invalid_token()
    return key


def _invalid_token() -> InvalidInput:
    return InvalidInput.of(
        "page_token",
        "is next_page_token of the page before, with the same other fields",
        reason="PAGE_TOKEN_INVALID",
    )


def cut_page(
    found: Sequence[T], request: Any, caller: Principal, key_of: Callable[[T], Key]
) -> tuple[Sequence[T], str]:
    """Cut what was read with one more than asked to a page, and make the token of the next one."""
    size = page_size(request)
    if len(found) <= size:
        return found, ""
    page = found[:size]
    body = json.dumps(key_of(page[-1]), separators=(",", ":")).encode()
    token = _checksum(body, request, caller) + body
    return page, base64.urlsafe_b64encode(token).decode().rstrip("=")


def _checksum(body: bytes, request: Message, caller: Principal) -> bytes:
    """Bind a token to its list: the caller, the method's request and its filters."""
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_token")
    filters.ClearField("page_size")
    bound = request.DESCRIPTOR.full_name + caller.actor
    digest = hashlib.blake2b(body, digest_size=_CHECKSUM_BYTES, key=bound.encode()[:64])
    digest.update(filters.SerializeToString(deterministic=True))
    return digest.digest()
