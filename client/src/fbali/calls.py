"""What every call gets: a deadline, the token and our exceptions.

A unary call also gets a request_id and bounded retries; a stream is never repeated by itself.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from fbali.errors import FbaliError, Unavailable
from fbali.status import error_of

TRIES_MAX = 4
BACKOFF_SECONDS_MIN = 0.1
BACKOFF_SECONDS_MAX = 2.0
TIMEOUT_SECONDS = 20.0
STREAM_TIMEOUT_SECONDS = 7_200.0  # What the server allows a stream.


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How long a call may take over all its tries, and how it waits between them."""

    timeout_seconds: float = TIMEOUT_SECONDS
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.SystemRandom().random

    def delays(self) -> Iterator[float]:
        """Give the wait before each further try: between half and all of a doubling bound."""
        bound = BACKOFF_SECONDS_MIN
        for _ in range(TRIES_MAX - 1):
            yield bound * (0.5 + self.jitter() / 2)
            bound = min(2 * bound, BACKOFF_SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class CallDetails(grpc.ClientCallDetails):
    """Details of a call, as gRPC's interceptors hand them on."""

    method: str
    timeout: float | None
    metadata: tuple[tuple[str, str | bytes], ...]
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class CallInterceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
):
    """Wraps every call of a channel.

    A call fails with an exception of `fbali.errors`. It is tried again when the server is
    unavailable and a second execution is harmless: the method has no side effects, or its request
    carries a request_id, which stays the same over all tries.
    """

    def __init__(self, target: str, token: str, policy: CallPolicy) -> None:
        """Name `target` in errors; send no token when it is empty."""
        self._target = target
        self._token = token
        self._policy = policy

    def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Any], Any],
        client_call_details: grpc.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Make the call until it succeeds, must not be repeated, or time or tries are used up."""
        request = with_request_id(request)
        repeatable = is_repeatable(str(client_call_details.method), request)
        timeout = client_call_details.timeout or self._policy.timeout_seconds
        deadline = self._policy.monotonic() + timeout
        delays = self._policy.delays()
        while True:
            left = deadline - self._policy.monotonic()
            outcome = continuation(self._prepare(client_call_details, max(left, 0.001)), request)
            if not isinstance(outcome, grpc.RpcError):
                return outcome
            error = error_of(outcome, self._target)  # type: ignore[arg-type]
            wait = _wait_before_retry(error, delays) if repeatable else None
            if wait is None or self._policy.monotonic() + wait >= deadline:
                raise error
            self._policy.sleep(wait)

    def intercept_unary_stream(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Any], Any],
        client_call_details: grpc.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Open a stream of answers; an error shows when it is met."""
        timeout = client_call_details.timeout or STREAM_TIMEOUT_SECONDS
        call = continuation(self._prepare(client_call_details, timeout), request)
        return Answers(call, self._target)

    def intercept_stream_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Any], Any],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Any,
    ) -> Any:
        """Send a stream of requests and wait for the answer."""
        timeout = client_call_details.timeout or STREAM_TIMEOUT_SECONDS
        outcome = continuation(self._prepare(client_call_details, timeout), request_iterator)
        if isinstance(outcome, grpc.RpcError):
            raise error_of(outcome, self._target)  # type: ignore[arg-type]
        return outcome

    def _prepare(self, details: grpc.ClientCallDetails, timeout: float) -> CallDetails:
        metadata = tuple(details.metadata or ())
        if self._token:
            metadata += (("authorization", f"Bearer {self._token}"),)
        return CallDetails(
            str(details.method),
            timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )


class Answers:
    """The answers of a stream, one after the other; `cancel` ends it early."""

    def __init__(self, call: Any, target: str) -> None:
        """Name `target` in errors."""
        self._call = call
        self._target = target

    def __iter__(self) -> "Answers":
        return self

    def __next__(self) -> Any:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise error_of(error, self._target) from error  # type: ignore[arg-type]

    def cancel(self) -> None:
        """Tell the server that nothing more is wanted."""
        self._call.cancel()


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
    return bool(getattr(request, "request_id", "")) or _has_no_side_effects(method)


@cache
def _has_no_side_effects(method: str) -> bool:
    """Ask the contract about a method that is written as gRPC does: /package.Service/Method."""
    full_name = method.removeprefix("/").replace("/", ".")
    options = descriptor_pool.Default().FindMethodByName(full_name).GetOptions()
    assert isinstance(options, MethodOptions)
    return options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS


def _wait_before_retry(error: FbaliError, delays: Iterator[float]) -> float | None:
    """Give the seconds until the next try, or None when there is to be none."""
    if not isinstance(error, Unavailable):
        return None
    delay = next(delays, None)
    if delay is None:
        return None
    return max(delay, error.retry_after_seconds or 0.0)
