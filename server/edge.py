"""The edge of the server: what happens around every call, in one place and one order.

On the event loop: admission, deadline, error mapping, the log line. In one hop to a thread of the
pool: who calls, may it, is the request valid, then the servicer's method, which runs one use case.
A stream makes such a hop for each of its batches (`server/streams.py`). Nothing that a caller did
not cause is ever told to it.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from oms.domain.errors import FbaliError, InvalidInput, LimitExceeded, Unauthenticated
from oms.domain.principals import Principal
from oms.usecases.authenticate import authenticate
from oms.usecases.context import Call, Oms
from server.access import require_access
from server.errors import code_of, internal_status, status_of
from server.streams import Hops, Intake, Places, Stream, StreamLimits
from server.validation import require_valid

log = logging.getLogger(__name__)

CALLS_IN_FLIGHT_MAX = 200  # More than this would only wait for a thread until their deadlines.

# They wait for stores: threads of their own, so that a slow store does not hold up other calls.
OUTSIDE_METHODS = frozenset({"ConnectStore", "TestStore"})

T = TypeVar("T")
Method = Callable[[Any, Call], Any]
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one service, and which of its sides are streams; not both."""

    service: str
    method: str
    request: type[Message]
    serve: Method
    takes_stream: bool = False
    gives_stream: bool = False


class Edge:
    """Runs calls; one per server."""

    def __init__(
        self,
        oms: Oms,
        pool: ThreadPoolExecutor,
        threads: int,
        outside_pool: ThreadPoolExecutor,
        limits: StreamLimits,
    ) -> None:
        """Serve with the threads of two pools, each of which keeps a database connection."""
        self._oms = oms
        self._pool = pool
        self._outside_pool = outside_pool
        self._limits = limits
        self._hops = Hops(pool, threads, oms.db)
        self._places = Places(limits)
        self._in_flight = 0

    @property
    def is_idle(self) -> bool:
        """Tell whether no call is under way."""
        return self._in_flight == 0

    def handler(self, endpoint: Endpoint) -> Any:
        """Return the gRPC handler of an endpoint; a servicer may answer in encoded form.

        Requests come as bytes: gRPC itself would tell and log what is wrong with broken ones.
        """

        async def call(body: bytes, context: Any) -> Message | bytes:
            return await self._guard(endpoint, context, self._unary(endpoint, body, context))

        async def give(body: bytes, context: Any) -> None:
            await self._guard(endpoint, context, self._give(endpoint, body, context))

        async def take(_requests: Any, context: Any) -> Message:
            return await self._guard(endpoint, context, self._take(endpoint, context))

        if endpoint.gives_stream:
            return grpc.unary_stream_rpc_method_handler(give, response_serializer=_serialize)
        if endpoint.takes_stream:
            return grpc.stream_unary_rpc_method_handler(take, response_serializer=_serialize)
        return grpc.unary_unary_rpc_method_handler(call, response_serializer=_serialize)

    async def settle(self) -> None:
        """Wait for what streams that broke off have left to do."""
        await self._hops.settle()

    async def _guard(self, endpoint: Endpoint, context: Any, work: Awaitable[T]) -> T:
        """Map what a call ends with, and write its line in the log."""
        incident = token_hex(8)
        started = time.monotonic()
        outcome = "OK"
        try:
            return await work
        except asyncio.CancelledError:
            outcome = "CANCELLED"
            raise
        except FbaliError as error:
            outcome = f"{code_of(error)} {error.word}"
            await context.abort_with_status(status_of(error, incident))
        except Exception:
            outcome = "INTERNAL"
            log.exception("call failed", extra={"call": incident, "method": endpoint.method})
            await context.abort_with_status(internal_status(incident))
        finally:
            took_ms = round((time.monotonic() - started) * 1000, 1)
            log.info(
                "call",
                extra={
                    "call": incident,
                    "method": endpoint.method,
                    "outcome": outcome,
                    "ms": took_ms,
                },
            )
        raise AssertionError("abort_with_status always raises")

    async def _unary(self, endpoint: Endpoint, body: bytes, context: Any) -> Message | bytes:
        self._in_flight += 1
        try:
            if self._in_flight > CALLS_IN_FLIGHT_MAX:
                raise LimitExceeded("the server is busy; try again in a moment", limit="calls")
            secret = _bearer(context.invocation_metadata() or ())
            loop = asyncio.get_running_loop()
            is_outside = endpoint.method in OUTSIDE_METHODS
            pool = self._outside_pool if is_outside else self._pool
            answer: Message | bytes = await loop.run_in_executor(
                pool, self._serve, endpoint, body, secret
            )
            return answer
        finally:
            self._in_flight -= 1

    async def _give(self, endpoint: Endpoint, body: bytes, context: Any) -> None:
        secret = _bearer(context.invocation_metadata() or ())
        stream = Stream(self._hops, self._limits, context)
        caller = await stream.hop(lambda: self._caller(endpoint, secret))
        self._places.take(caller.actor)
        try:
            answers = await stream.hop(lambda: self._serve(endpoint, body, secret))
            await stream.give(iter(answers), lambda: self._caller(endpoint, secret))
        finally:
            self._places.leave(caller.actor)

    async def _take(self, endpoint: Endpoint, context: Any) -> Message:
        secret = _bearer(context.invocation_metadata() or ())
        stream = Stream(self._hops, self._limits, context)

        def check() -> Principal:
            return self._caller(endpoint, secret)

        def parse(body: bytes) -> Any:
            return _valid(endpoint.request, body)

        caller = await stream.hop(check)
        self._places.take(caller.actor)
        try:
            first = await stream.read()
            if first is None:
                raise InvalidInput.of("request", "has at least one message")
            request = await stream.hop(lambda: parse(first))
            call = Call(caller, endpoint.method)
            intake: Intake = await stream.hop(lambda: endpoint.serve(request, call))
            return await stream.take(intake, request, parse, check)
        finally:
            self._places.leave(caller.actor)

    def _caller(self, endpoint: Endpoint, secret: str) -> Principal:
        caller = authenticate(self._oms, secret)
        require_access(caller, endpoint.service, endpoint.method)
        return caller

    def _serve(self, endpoint: Endpoint, body: bytes, secret: str) -> Any:
        with self._oms.db.session():
            caller = self._caller(endpoint, secret)
            message = _valid(endpoint.request, body)
            call = Call(
                caller=caller,
                method=endpoint.method,
                request_id=getattr(message, "request_id", ""),
                body_hash=_body_hash(message),
            )
            return endpoint.serve(message, call)


def _valid(request: type[Message], body: bytes) -> Any:
    message = _parse(request, body)
    require_valid(message)
    return message


def _parse(request: type[Message], body: bytes) -> Any:
    try:
        return request.FromString(body)
    except DecodeError:
        raise InvalidInput.of(
            "request", f"is no {request.DESCRIPTOR.full_name}", reason="METHOD_UNKNOWN"
        ) from None


def _serialize(answer: Message | bytes) -> bytes:
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


def _body_hash(message: Any) -> str:
    if not getattr(message, "request_id", ""):
        return ""
    body: bytes = message.SerializeToString(deterministic=True)
    return hashlib.sha256(body).hexdigest()


def _bearer(metadata: Sequence[tuple[str, str | bytes]]) -> str:
    for key, value in metadata:
        if key == "authorization" and isinstance(value, str):
            if value.lower().startswith(_SCHEME):
                return value[len(_SCHEME) :].strip()
            break
    raise Unauthenticated(
        "send a token in the metadata: authorization: Bearer fba_...", reason="TOKEN_MISSING"
    )
