"""What every call gets, as `fbali.calls` gives it, on an event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from grpc import aio

from fbali.retries import STREAM_TIMEOUT_SECONDS, Pace, Tries
from fbali.status import error_of


@dataclass(frozen=True, slots=True)
class CallPolicy(Pace):
    """How long a call may take over all its tries, and how it waits between them."""

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class _Calls:
    """What the interceptors below share; gRPC takes one for each kind of calls."""

    def __init__(self, target: str, token: str, policy: CallPolicy) -> None:
        """Name `target` in errors; send no token when it is empty."""
        self._target = target
        self._token = token
        self._policy = policy

    def _prepare(self, details: aio.ClientCallDetails, timeout: float) -> aio.ClientCallDetails:
        metadata = aio.Metadata(*(details.metadata or ()))
        if self._token:
            metadata.add("authorization", f"Bearer {self._token}")
        return aio.ClientCallDetails(
            details.method, timeout, metadata, details.credentials, details.wait_for_ready
        )


class UnaryCalls(_Calls, aio.UnaryUnaryClientInterceptor):
    """Calls of one request and one answer."""

    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: aio.ClientCallDetails, request: Any
    ) -> Any:
        """Make the call until it succeeds, must not be repeated, or time or tries are used up."""
        details = client_call_details
        tries = Tries(_method(details), request, details.timeout, self._policy)
        while True:
            prepared = self._prepare(details, tries.seconds_left())
            try:
                call = await continuation(prepared, tries.request)
                await call
            except aio.AioRpcError as error:
                wait = tries.wait_after(error_of(error, self._target))
            else:
                return call
            await self._policy.sleep(wait)


class AnswerStreams(_Calls, aio.UnaryStreamClientInterceptor):
    """Calls with a stream of answers."""

    async def intercept_unary_stream(
        self, continuation: Any, client_call_details: aio.ClientCallDetails, request: Any
    ) -> Any:
        """Open a stream of answers; an error shows when it is met."""
        timeout = client_call_details.timeout or STREAM_TIMEOUT_SECONDS
        call = await continuation(self._prepare(client_call_details, timeout), request)
        return self._answers(call)

    async def _answers(self, call: Any) -> AsyncIterator[Any]:
        try:
            async for answer in call:
                yield answer
        except aio.AioRpcError as error:
            raise error_of(error, self._target) from error


class RequestStreams(_Calls, aio.StreamUnaryClientInterceptor):
    """Calls with a stream of requests."""

    async def intercept_stream_unary(
        self, continuation: Any, client_call_details: aio.ClientCallDetails, request_iterator: Any
    ) -> Any:
        """Send a stream of requests and wait for the answer."""
        timeout = client_call_details.timeout or STREAM_TIMEOUT_SECONDS
        call = await continuation(self._prepare(client_call_details, timeout), request_iterator)
        try:
            await call
        except aio.AioRpcError as error:
            raise error_of(error, self._target) from error
        return call


def _method(details: aio.ClientCallDetails) -> str:
    method: str | bytes = details.method
    return method.decode() if isinstance(method, bytes) else method
