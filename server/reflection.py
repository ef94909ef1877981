"""Reflection: the contract as the server has it, for grpcurl, buf curl and their like.

The library speaks the version v1alpha of the protocol. Its version v1 has the same messages in
another package, so the same servicer answers to both names.
"""

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from functools import cache
from typing import Any

import grpc
from google.protobuf import descriptor_pool, text_format
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection import SERVICE_NAME as V1ALPHA
from grpc_reflection.v1alpha.reflection import aio
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

V1 = "grpc.reflection.v1.ServerReflection"


def enable_reflection(services: Iterable[str], server: grpc.aio.Server) -> None:
    """Answer what the services are like, which themselves are reflected too."""
    _describe_v1()
    servicer = _Reflection([*services, V1, V1ALPHA])
    add_ServerReflectionServicer_to_server(servicer, server)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    handlers = grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers([handlers])


class _Reflection(aio.ReflectionServicer):  # type: ignore[misc]
    """Adds what Python's descriptors leave out.

    How fields are called in JSON: without that, grpcurl would print names that the manual does not
    know. And in which file a method or a field is, which its pool does not find by their names.
    """

    async def ServerReflectionInfo(  # noqa: N802 - The protocol names it.
        self, request_iterator: AsyncIterable[Any], unused_context: Any
    ) -> AsyncIterator[Any]:
        """Answer one question after the other."""
        async for answer in super().ServerReflectionInfo(request_iterator, unused_context):
            files = answer.file_descriptor_response.file_descriptor_proto
            for index, file in enumerate(files):
                files[index] = _with_json_names(file)
            yield answer

    def _file_containing_symbol(self, request: Any, fully_qualified_name: str) -> Any:
        """Answer with the file of a symbol, also of one inside a service or message."""
        name = _declared_in(fully_qualified_name)
        return super()._file_containing_symbol(request, name)


def _declared_in(name: str) -> str:
    """Give the service of a method, or the message of a field; anything else as it is."""
    pool = descriptor_pool.Default()
    with contextlib.suppress(KeyError):
        return str(pool.FindMethodByName(name).containing_service.full_name)
    with contextlib.suppress(KeyError):
        message = pool.FindFieldByName(name).containing_type
        return str(message.full_name) if message else name
    return name


@cache
def _with_json_names(encoded: bytes) -> bytes:
    file = FileDescriptorProto.FromString(encoded)
    for message in file.message_type:
        _name_fields(message)
    return file.SerializeToString()


def _name_fields(message: DescriptorProto) -> None:
    for field in message.field:
        first, *others = field.name.split("_")
        field.json_name = first + "".join(word[:1].upper() + word[1:] for word in others)
    for nested in message.nested_type:
        _name_fields(nested)


def _describe_v1() -> None:
    """Make the descriptor of v1 known, unless something did."""
    pool = descriptor_pool.Default()
    try:
        pool.FindServiceByName(V1)
    except KeyError:
        pool.AddSerializedFile(_v1_file().SerializeToString())


def _v1_file() -> FileDescriptorProto:
    """Rename v1alpha wherever the file names itself."""
    file = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    text = text_format.MessageToString(file).replace("reflection.v1alpha", "reflection.v1")
    return text_format.Parse(text.replace("/v1alpha/", "/v1/"), FileDescriptorProto())
