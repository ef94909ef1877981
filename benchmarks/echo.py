"""A gRPC server that gives back the bytes it was given last: what the wire itself costs."""

import asyncio
import os

import grpc
import uvloop

KEEP, GIVE = "/fbali.bench.Echo/Keep", "/fbali.bench.Echo/Give"
_BYTES_MAX = 16 * 1024 * 1024


class Echo(grpc.GenericRpcHandler):
    """Keeps one answer."""

    def __init__(self) -> None:
        self._answer = b""

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Return the handler of a method, which takes and gives plain bytes."""
        return grpc.unary_unary_rpc_method_handler(
            self._keep if details.method == KEEP else self._give
        )

    async def _keep(self, request: bytes, context: object) -> bytes:
        del context
        self._answer = request
        return b""

    async def _give(self, request: bytes, context: object) -> bytes:
        del request, context
        return self._answer


async def serve(listen: str) -> None:
    """Serve until the process is ended."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", _BYTES_MAX)])
    server.add_generic_rpc_handlers([Echo()])
    server.add_insecure_port(listen)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(serve(os.environ["FBALI_LISTEN"]))
