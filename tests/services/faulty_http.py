"""An HTTP server that answers as badly as it is told to, one step per request."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Self

from tests.services.loopback import LoopbackServer, http_answer, read_request

Step = Callable[[socket.socket, threading.Event], None]


class FaultyServer:
    """Takes one step of the script per request; the last one is repeated."""

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None):
        self.targets: list[str] = []
        self.request_headers: list[dict[str, str]] = []
        self._steps = list(steps)
        self._closing = threading.Event()
        self._server = LoopbackServer(self._serve, tls)
        self.url = self._server.url
        self.port = self._server.port

    def close(self):
        self._closing.set()
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details):
        self.close()

    def _serve(self, connection: socket.socket):
        while (request := read_request(connection)) is not None:
            self.targets.append(request[0])
            self.request_headers.append(request[1])
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
            step(connection, self._closing)


def answer(status: int, body: bytes | str, headers: dict[str, str] | None = None) -> Step:
    """A whole answer."""
    content = body.encode() if isinstance(body, str) else body
    return lambda connection, _closing: connection.sendall(http_answer(status, content, headers))


def raw(content: bytes) -> Step:
    """Any bytes, and then the end of the connection."""

    def step(connection: socket.socket, _closing: threading.Event):
        connection.sendall(content)
        connection.shutdown(socket.SHUT_RDWR)

    return step


def half(body: bytes) -> Step:
    """Half of what the length promises, and then the end of the connection."""
    whole = http_answer(200, body)
    return raw(whole[: len(whole) - len(body) // 2])


def silence(connection: socket.socket, closing: threading.Event):
    """Nothing at all."""
    closing.wait()


def trickle(content: bytes, *, pause_seconds: float) -> Step:
    """One byte after the other, each well within any timeout between two bytes."""

    def step(connection: socket.socket, closing: threading.Event):
        for position in range(len(content)):
            connection.sendall(content[position : position + 1])
            if closing.wait(pause_seconds):
                return

    return step


def reset(connection: socket.socket, _closing: threading.Event):
    """A connection that is torn down (RST) instead of answered."""
    linger_no_time = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_no_time)
    connection.close()
