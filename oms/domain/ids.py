"""Identifiers: a letter for the kind and 26 characters for a UUIDv7 that sorts by age."""

import base64
import os
import secrets
import threading
from enum import StrEnum


class IdKind(StrEnum):
    """The first letter of an id."""

    ALLOCATION = "a"
    WRITE_BACK = "b"
    COST_ENTRY = "c"
    EXCHANGE_RATE = "e"
    HOLD = "d"
    PHOTO = "f"
    CASE_GROUP = "g"
    HOSTING = "h"
    IMPORT_RUN = "i"
    JOB = "j"
    CASE = "k"
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
    UPLOAD = "x"


def new_id(kind: IdKind, now_ms: int) -> str:
    """Make an id: the letter, then base32hex (0-9a-v, which keeps the order) of a UUIDv7.

    Ids that this process makes for one instant sort in the order in which they were made, so
    "oldest first" is an order by id. Those of different processes differ by chance alone.
    """
    head = now_ms.to_bytes(6, "big")
    number = _ticks.next(now_ms)
    tail = bytearray(os.urandom(10))
    tail[0:2] = (0x7000 | number >> 14).to_bytes(2, "big")
    tail[2:4] = (0x8000 | number & 0x3FFF).to_bytes(2, "big")
    return kind.value + base64.b32hexencode(head + tail).decode().rstrip("=").lower()


class _Ticks:
    """Counts what is made within a millisecond: RFC 9562, section 6.2, method 1.

    The counter fills 26 bits and starts anywhere in the lower half, so that 33 million more follow
    in order; 48 bits stay random. Clocks differ between callers (a job's, a test's), so that a few
    instants are remembered and not the last one alone.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._last: dict[int, int] = {}

    def next(self, now_ms: int) -> int:
        with self._guard:
            last = self._last.pop(now_ms, None)
            number = secrets.randbelow(_COUNTER_SIZE // 2) if last is None else last + 1
            self._last[now_ms] = number % _COUNTER_SIZE
            if len(self._last) > _INSTANTS_REMEMBERED:
                del self._last[next(iter(self._last))]
            return self._last[now_ms]


_COUNTER_SIZE = 1 << 26
_INSTANTS_REMEMBERED = 256  # More than transactions that a process has open at once.
_ticks = _Ticks()
