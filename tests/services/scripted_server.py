"""A gRPC server that answers every method of the contract from a script."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self

import grpc
from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from fbali.v1 import (
    admin_service_pb2,
    after_sales_service_pb2,
    fulfillment_service_pb2,
    hosting_service_pb2,
    order_service_pb2,
)

SERVICES = {
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (admin_service_pb2, "AdminService"),
        (after_sales_service_pb2, "AfterSalesService"),
        (fulfillment_service_pb2, "FulfillmentService"),
        (hosting_service_pb2, "HostingService"),
        (order_service_pb2, "OrderService"),
    )
}


@dataclass(frozen=True)
class Refusal:
    """How a call ends with an error; `bare` leaves the details out, as something between would."""

    code: grpc.StatusCode
    message: str = "it was refused"
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[tuple[str, str]] = ()
    retry_after_seconds: float | None = None
    request_id: str = ""
    domain: str = "fbali.v1"
    bare: bool = False


@dataclass(frozen=True)
class Call:
    """A call that arrived."""

    method: str
    request: Any
    metadata: Mapping[str, str | bytes]


@dataclass(frozen=True)
class Stream:
    """What a stream sends before it ends: with an error, or well, or not until it is let go of."""

    messages: Sequence[Message] = ()
    end: Refusal | None = None
    stays: bool = False


Answer = Message | Refusal | Stream | Callable[[Any], Message]


class ScriptedServer(grpc.GenericRpcHandler):
    """Answers with what was scripted for a method: one answer for ever, or a list, one per call."""

    def __init__(
        self,
        answers: Mapping[str, Answer],
        token: str = "",
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        """Refuse other tokens than `token`, unless it is empty; encrypt with `credentials`."""
        self.calls: list[Call] = []
        self._answers: dict[str, Answer | list[Answer]] = dict(answers)
        self._token = token
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self,))
        port = (
            self._server.add_secure_port("127.0.0.1:0", credentials)
            if credentials
            else self._server.add_insecure_port("127.0.0.1:0")
        )
        self.address = f"127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    def script(self, method: str, *answers: Answer) -> None:
        """Answer a method with each of these in turn, and with the last one for ever."""
        self._answers[method] = list(answers)

    def requests(self, method: str) -> list[Any]:
        """Give the requests that a method got."""
        return [call.request for call in self.calls if call.method == method]

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        service, _, name = details.method.removeprefix("/").partition("/")
        if service not in SERVICES:
            return None
        method = descriptor_pool.Default().FindMethodByName(f"{service}.{name}")

        def answer(request: Message, context: grpc.ServicerContext) -> Any:
            metadata = dict(context.invocation_metadata())
            self.calls.append(Call(name, request, metadata))
            if self._token and metadata.get("authorization") != f"Bearer {self._token}":
                refuse(context, UNKNOWN_TOKEN)
            return self._take(name, request, context)

        def take(requests: Iterator[Message], context: grpc.ServicerContext) -> Any:
            first, *others = requests
            for request in others:
                self.calls.append(Call(name, request, {}))
            return answer(first, context)

        def give(request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
            found = answer(request, context)
            yield from _stream(found, context) if isinstance(found, Stream) else [found]

        kind, behaviour = _kind(method, answer, take, give)
        handler: grpc.RpcMethodHandler[Any, Any] = kind(
            behaviour,
            request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        return handler

    def _take(self, name: str, request: Message, context: grpc.ServicerContext) -> Any:
        scripted = self._answers[name]
        if isinstance(scripted, list):
            scripted = scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if isinstance(scripted, Refusal):
            refuse(context, scripted)
        return scripted(request) if callable(scripted) else scripted


def _stream(stream: Stream, context: grpc.ServicerContext) -> Iterator[Message]:
    yield from stream.messages
    if stream.stays:
        gone = threading.Event()
        if context.add_callback(gone.set):
            gone.wait()
    if stream.end is not None:
        refuse(context, stream.end)


def _kind(method: Any, answer: Any, take: Any, give: Any) -> tuple[Any, Any]:
    if method.client_streaming:
        return grpc.stream_unary_rpc_method_handler, take
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler, give
    return grpc.unary_unary_rpc_method_handler, answer


UNKNOWN_TOKEN = Refusal(
    grpc.StatusCode.UNAUTHENTICATED, "the token is not known", reason="TOKEN_INVALID"
)


def refuse(context: grpc.ServicerContext, refusal: Refusal) -> NoReturn:
    """End a call the way the server of the product does."""
    if refusal.bare:
        context.abort(refusal.code, refusal.message)
    details = [
        error_details_pb2.ErrorInfo(
            reason=refusal.reason, domain=refusal.domain, metadata=refusal.metadata
        ),
        error_details_pb2.RequestInfo(request_id=refusal.request_id),
        error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field=name, description=description)
                for name, description in refusal.violations
            ]
        ),
    ]
    if refusal.retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(refusal.retry_after_seconds * 1e9))
        details.append(retry)
    status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.abort_with_status(rpc_status.to_status(status))
