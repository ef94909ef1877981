"""When a call is tried again, decided without waiting or calling: blocking and asyncio share it."""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from fbali.errors import FbaliError, Unavailable

TRIES_MAX = 4
BACKOFF_SECONDS_MIN = 0.1
BACKOFF_SECONDS_MAX = 2.0
TIMEOUT_SECONDS = 20.0
STREAM_TIMEOUT_SECONDS = 7_200.0  # What the server allows a stream.
_TIMEOUT_SECONDS_MIN = 0.001  # gRPC takes none for no deadline.


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a call may take over all its tries, and how much it waits between them."""

    timeout_seconds: float = TIMEOUT_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.SystemRandom().random

    def delays(self) -> Iterator[float]:
        """Give the wait before each further try: between half and all of a doubling bound."""
        for failures in range(TRIES_MAX - 1):
            yield self.delay(failures, BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX)

    def delay(self, failures: int, seconds_min: float, seconds_max: float) -> float:
        """Give the wait after a failure that so many came before, in a row."""
        bound = min(seconds_min * 2.0 ** min(failures, 30), seconds_max)
        return bound * (0.5 + self.jitter() / 2)


class Tries:
    """One call of the program, and the tries that it takes.

    A call is tried again when the server is unavailable and a second execution is harmless: its
    `request` carries a request_id, which stays the same over all tries, or has none and the
    contract calls the method idempotent.
    """

    def __init__(self, method: str, request: Message, timeout: float | None, pace: Pace) -> None:
        """Begin; the time runs from here."""
        self.request = with_request_id(request)
        self._repeatable = is_repeatable(method, self.request)
        self._pace = pace
        self._deadline = pace.monotonic() + (timeout or pace.timeout_seconds)
        self._delays = pace.delays()

    def seconds_left(self) -> float:
        """Give the timeout of the next try."""
        return max(self._deadline - self._pace.monotonic(), _TIMEOUT_SECONDS_MIN)

    def wait_after(self, error: FbaliError) -> float:
        """Give the seconds until the next try; raises the error when there is to be none."""
        delay = next(self._delays, None)
        if delay is None or not (self._repeatable and isinstance(error, Unavailable)):
            raise error
        wait = max(delay, error.retry_after_seconds or 0.0)
        if self._pace.monotonic() + wait >= self._deadline:
            raise error
        return wait


def with_request_id(request: Message) -> Message:
    """Give a request that can carry a request_id a fresh one, unless it has one."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or request.request_id:  # type: ignore[attr-defined]
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_id = str(uuid.uuid4())  # type: ignore[attr-defined]
    return copy


def is_repeatable(method: str, request: Message) -> bool:
    """Tell whether executing a call twice does nothing that once does not."""
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        return bool(getattr(request, "request_id", ""))
    return _is_harmless_twice(method)


@cache
def _is_harmless_twice(method: str) -> bool:
    """Ask the contract about a method that is written as gRPC does: /package.Service/Method."""
    full_name = method.removeprefix("/").replace("/", ".")
    options = descriptor_pool.Default().FindMethodByName(full_name).GetOptions()
    assert isinstance(options, MethodOptions)
    return options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
