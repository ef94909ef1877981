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
from server.log_pages import LogPage
from server.streams import Hops, Intake, Places, Stream, StreamLimits
from server.validation import require_valid
from server.watches import Watches
from server.watching import Watch

log = logging.getLogger(__name__)

CALLS_IN_FLIGHT_MAX = 200  # More than this would only wait for a thread until their deadlines.

# They wait for stores: threads of their own, so that a slow store does not hold up other calls.
OUTSIDE_METHODS = frozenset({"ConnectStore", "TestStore"})

# Streams that live on the event loop and hold no thread (`server/watching.py`).
WATCH_METHODS = frozenset({"WatchOrders", "WatchAllocations"})

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
        self._places = Places("streams", limits.streams_max, limits.streams_per_caller_max)
        self.watches = Watches(oms, self._hops, limits.watches)
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
            work = self._unary(endpoint, body, context)
            # gRPC keeps the error of a refused call, with this frame, until garbage is collected.
            del body
            return await self._guard(endpoint, context, work)

        async def give(body: bytes, context: Any) -> None:
            serve = self._watch if endpoint.method in WATCH_METHODS else self._give
            await self._guard(endpoint, context, serve(endpoint, body, context))

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
            error.__traceback__ = None  # Its frames hold the request, of up to 4 MiB.
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
            answer: Message | bytes | LogPage = await loop.run_in_executor(
                pool, self._serve, endpoint, body, secret
            )
            if not isinstance(answer, LogPage):
                return answer
            reading = await self.watches.reading(answer, lambda: self._caller(endpoint, secret))
            page = await reading.read()
        finally:
            self._in_flight -= 1
        return page or await self.watches.wait(reading, context)

    async def _watch(self, endpoint: Endpoint, body: bytes, context: Any) -> None:
        secret = _bearer(context.invocation_metadata() or ())

        def begin() -> tuple[Principal, Watch]:
            call, request = self._asked(endpoint, body, secret)
            return call.caller, endpoint.serve(request, call)

        await self.watches.watch(begin, context)

    async def _give(self, endpoint: Endpoint, body: bytes, context: Any) -> None:
        secret = _bearer(context.invocation_metadata() or ())
        stream = Stream(self._hops, self._limits, context)
        caller = await stream.hop(lambda: self._caller(endpoint, secret))
        with self._places.taken(caller.actor):
            answers = await stream.hop(lambda: self._serve(endpoint, body, secret))
            await stream.give(iter(answers), lambda: self._caller(endpoint, secret))

    async def _take(self, endpoint: Endpoint, context: Any) -> Message:
        secret = _bearer(context.invocation_metadata() or ())
        stream = Stream(self._hops, self._limits, context)

        def check() -> Principal:
            return self._caller(endpoint, secret)

        def parse(body: bytes) -> Any:
            return _valid(endpoint.request, body)

        caller = await stream.hop(check)
        with self._places.taken(caller.actor):
            first = await stream.read()
            if first is None:
                raise InvalidInput.of("request", "has at least one message")
            request = await stream.hop(lambda: parse(first))
            call = Call(caller, endpoint.method)
            intake: Intake = await stream.hop(lambda: endpoint.serve(request, call))
            return await stream.take(intake, request, parse, check)

    def _caller(self, endpoint: Endpoint, secret: str) -> Principal:
        caller = authenticate(self._oms, secret)
        require_access(caller, endpoint.service, endpoint.method)
        return caller

    def _serve(self, endpoint: Endpoint, body: bytes, secret: str) -> Any:
        with self._oms.db.session():
            call, message = self._asked(endpoint, body, secret)
            return endpoint.serve(message, call)

    def _asked(self, endpoint: Endpoint, body: bytes, secret: str) -> tuple[Call, Any]:
        caller = self._caller(endpoint, secret)
        message = _valid(endpoint.request, body)
        call = Call(
            caller=caller,
            method=endpoint.method,
            request_id=getattr(message, "request_id", ""),
            body_hash=_body_hash(message),
        )
        return call, message


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
