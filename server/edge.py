"""The edge of the server: what happens around every call, in one place and one order.

On the event loop: admission, deadline, error mapping, the log line. In one hop to a thread of the
pool: who calls, may it, is the request valid, then the servicer's method, which runs one use case.
Nothing that a caller did not cause is ever told to it.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from oms.domain.errors import FbaliError, InvalidInput, LimitExceeded, Unauthenticated
from oms.usecases.authenticate import authenticate
from oms.usecases.context import Call, Oms
from server.access import require_access
from server.errors import code_of, internal_status, status_of
from server.validation import require_valid

log = logging.getLogger(__name__)

CALLS_IN_FLIGHT_MAX = 200  # More than this would only wait for a thread until their deadlines.

# They wait for stores: threads of their own, so that a slow store does not hold up other calls.
OUTSIDE_METHODS = frozenset({"ConnectStore", "TestStore"})

Method = Callable[[Any, Call], Message | bytes]
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one service."""

    service: str
    method: str
    request: type[Message]
    serve: Method


class Edge:
    """Runs calls; one per server."""

    def __init__(
        self, oms: Oms, pool: ThreadPoolExecutor, outside_pool: ThreadPoolExecutor
    ) -> None:
        """Serve with the threads of two pools, each of which keeps a database connection."""
        self._oms = oms
        self._pool = pool
        self._outside_pool = outside_pool
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
            return await self._call(endpoint, body, context)

        return grpc.unary_unary_rpc_method_handler(call, response_serializer=_serialize)

    async def _call(self, endpoint: Endpoint, body: bytes, context: Any) -> Message | bytes:
        incident = token_hex(8)
        started = time.monotonic()
        outcome = "OK"
        self._in_flight += 1
        try:
            self._admit()
            secret = _bearer(context.invocation_metadata() or ())
            loop = asyncio.get_running_loop()
            is_outside = endpoint.method in OUTSIDE_METHODS
            pool = self._outside_pool if is_outside else self._pool
            return await loop.run_in_executor(pool, self._serve, endpoint, body, secret)
        except FbaliError as error:
            outcome = f"{code_of(error)} {error.word}"
            await context.abort_with_status(status_of(error, incident))
        except Exception:
            outcome = "INTERNAL"
            log.exception("call failed", extra={"call": incident, "method": endpoint.method})
            await context.abort_with_status(internal_status(incident))
        finally:
            self._in_flight -= 1
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

    def _admit(self) -> None:
        if self._in_flight > CALLS_IN_FLIGHT_MAX:
            raise LimitExceeded("the server is busy; try again in a moment", limit="calls")

    def _serve(self, endpoint: Endpoint, body: bytes, secret: str) -> Message | bytes:
        with self._oms.db.session():
            caller = authenticate(self._oms, secret)
            require_access(caller, endpoint.service, endpoint.method)
            message = _parse(endpoint.request, body)
            require_valid(message)
            call = Call(
                caller=caller,
                method=endpoint.method,
                request_id=getattr(message, "request_id", ""),
                body_hash=_body_hash(message),
            )
            return endpoint.serve(message, call)


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
