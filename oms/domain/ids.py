"""Identifiers: a letter for the kind and 26 characters for a UUIDv7 that sorts by time."""

import base64
import os
from enum import StrEnum


class IdKind(StrEnum):
    """The first letter of an id."""

    ALLOCATION = "a"
    WRITE_BACK = "b"
    COST_ENTRY = "c"
    EXCHANGE_RATE = "e"
    HOLD = "d"
    HOSTING = "h"
    IMPORT_RUN = "i"
    JOB = "j"
    LINE = "l"
    MERCHANT = "m"
    ORDER = "o"
    PACKAGE = "p"
    QUARANTINED_ORDER = "q"
    SYNC_RUN = "r"
    STORE = "s"
    TOKEN = "t"  # noqa: S105 - a letter, no secret.
    PRODUCT = "u"
    VENDOR = "v"
    VARIANT = "w"


def new_id(kind: IdKind, now_ms: int) -> str:
    """Make an id: the letter, then base32hex (0-9a-v, which keeps the order) of a UUIDv7."""
    head = now_ms.to_bytes(6, "big")
    tail = bytearray(os.urandom(10))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return kind.value + base64.b32hexencode(head + tail).decode().rstrip("=").lower()
