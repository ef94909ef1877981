"""A gRPC server that sends instants into open streams at a steady rate: what the wire costs."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator

import grpc
import uvloop

from benchmarks.watchers import ECHO_METHOD

BODY_BYTES = 300  # About what a message of a watch has.
_PUSHES_PER_SECOND = 100


class Pusher(grpc.GenericRpcHandler):
    """Keeps a queue for each open stream."""

    def __init__(self) -> None:
        self._queues: list[asyncio.Queue[bytes]] = []

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Return the handler of the only method."""
        assert details.method == ECHO_METHOD
        return grpc.unary_stream_rpc_method_handler(self._watch)

    async def _watch(self, request: bytes, context: object) -> AsyncIterator[bytes]:
        del request, context
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._queues.append(queue)
        yield b"open"
        while True:
            yield await queue.get()

    async def push_forever(self) -> None:
        """Send the present instant to one stream after the other, at random."""
        while True:
            await asyncio.sleep(1 / _PUSHES_PER_SECOND)
            if self._queues:
                body = str(time.time_ns()).encode().ljust(BODY_BYTES)
                random.choice(self._queues).put_nowait(body)


async def serve(listen: str) -> None:
    """Serve until the process is ended."""
    server = grpc.aio.server(options=[("grpc.max_concurrent_streams", 200)])
    pusher = Pusher()
    server.add_generic_rpc_handlers([pusher])
    server.add_insecure_port(listen)
    await server.start()
    await pusher.push_forever()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(serve(os.environ["FBALI_LISTEN"]))
