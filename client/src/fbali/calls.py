"""What every call gets: a deadline, the token and our exceptions.

A unary call also gets a request_id and bounded retries; a stream is never repeated by itself.
`fbali.aio.calls` does the same on an event loop.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from fbali.retries import STREAM_TIMEOUT_SECONDS, Pace, Tries
from fbali.status import error_of


@dataclass(frozen=True, slots=True)
class CallPolicy(Pace):
    """How long a call may take over all its tries, and how it waits between them."""

    sleep: Callable[[float], None] = time.sleep


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
    """Wraps every call of a channel, which fails with an exception of `fbali.errors`."""

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
        details = client_call_details
        tries = Tries(str(details.method), request, details.timeout, self._policy)
        while True:
            outcome = continuation(self._prepare(details, tries.seconds_left()), tries.request)
            if not isinstance(outcome, grpc.RpcError):
                return outcome
            self._policy.sleep(tries.wait_after(error_of(outcome, self._target)))

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
            raise error_of(outcome, self._target)
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
            raise error_of(error, self._target) from error

    def cancel(self) -> None:
        """Tell the server that nothing more is wanted."""
        self._call.cancel()
