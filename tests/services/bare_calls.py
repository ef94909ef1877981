"""Calls as gRPC makes them: without the shipped client's retries, and without its exceptions."""

from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.services.stack import METHODS

SECONDS_MAX = 20.0


def bare_call(channel: grpc.Channel, request: Message, secret: str) -> list[Any]:
    """Call the method whose request this is; a server stream is read to its end.

    Raises:
        grpc.RpcError: as it came.
    """
    _, method = METHODS[request.DESCRIPTOR.name.removesuffix("Request")]
    kinds = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
    }
    call: Any = kinds[method.client_streaming, method.server_streaming](
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    answer = call(
        iter([request]) if method.client_streaming else request,
        metadata=(("authorization", f"Bearer {secret}"),),
        timeout=SECONDS_MAX,
    )
    return list(answer) if method.server_streaming else [answer]


def bare_code(channel: grpc.Channel, request: Message, secret: str) -> str:
    """Tell the gRPC code that a request is answered with."""
    try:
        bare_call(channel, request, secret)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"
