"""Connections of one exchange: guarded addresses, and one deadline over everything that is read.

urllib3's timeouts run between two bytes, so a server that sends a byte a second would hold a worker
for hours. Here every read gets what is left of the whole exchange's time.
"""

import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from oms.gateways.http_address import BaseAddress, permits

CONNECT_TIMEOUT_SECONDS: Final = 5.0
ADDRESSES_TRIED_MAX: Final = 4  # A name may lead to many; the deadline is shared by all tries.


class AddressRefusedError(OSError):
    """The name leads only to machines that may not be called."""


class ConnectTimeoutError(TimeoutError):
    """The machine did not even accept a connection."""


class Deadline:
    """The moment at which the present exchange is given up."""

    def __init__(self, seconds: float) -> None:
        """Allow `seconds` from each `start` on."""
        self.seconds = seconds
        self._ends_at = time.monotonic() + seconds

    def start(self) -> None:
        """Begin another exchange."""
        self._ends_at = time.monotonic() + self.seconds

    def remaining_seconds(self) -> float:
        """Return what is left, more than zero.

        Raises:
            TimeoutError: nothing is left.
        """
        left = self._ends_at - time.monotonic()
        if left <= 0:
            message = "the deadline of the exchange has passed"
            raise TimeoutError(message)
        return left


@dataclass(frozen=True, slots=True)
class Guard:
    """What a connection must respect."""

    allow_private: bool
    deadline: Deadline


def open_pool(
    base: BaseAddress, guard: Guard, context: ssl.SSLContext
) -> urllib3.HTTPConnectionPool:
    """Return a pool that keeps one connection to `base` open between exchanges.

    Proxies named by the environment are not used: a proxy would see every key. The classes are made
    here because urllib3 and http.client build connections and answers themselves, from classes.
    """

    class Response(_TimedResponse):
        deadline = guard.deadline

    class PlainConnection(HTTPConnection):
        response_class = Response

        def _new_conn(self) -> socket.socket:
            return _open_socket(base, guard)

    class EncryptedConnection(HTTPSConnection):
        response_class = Response

        def _new_conn(self) -> socket.socket:
            return _open_socket(base, guard)

    if base.scheme == "http":
        plain = urllib3.HTTPConnectionPool(base.host, base.port, maxsize=1)
        plain.ConnectionCls = PlainConnection
        return plain
    encrypted = urllib3.HTTPSConnectionPool(base.host, base.port, maxsize=1, ssl_context=context)
    encrypted.ConnectionCls = EncryptedConnection
    return encrypted


def _open_socket(base: BaseAddress, guard: Guard) -> socket.socket:
    """Connect to the first permitted address that answers.

    The look-up of the name itself has no timeout of ours: the system's resolver bounds it.
    """
    host = base.host
    found = socket.getaddrinfo(host, base.port, type=socket.SOCK_STREAM)
    targets = [
        target
        for target in found
        if permits(str(target[4][0]), scheme=base.scheme, allow_private=guard.allow_private)
    ]
    problem: OSError = AddressRefusedError(f"{host} leads to no machine that may be called")
    for family, kind, protocol, _, address in targets[:ADDRESSES_TRIED_MAX]:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(min(CONNECT_TIMEOUT_SECONDS, guard.deadline.remaining_seconds()))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except TimeoutError:
            connection.close()
            problem = ConnectTimeoutError(f"{host} did not accept a connection")
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem


class _DeadlineReader(io.RawIOBase):
    """A socket's bytes; each read waits no longer than what is left of the exchange."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._raw = raw
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    # The parameter's type, collections.abc.Buffer, exists from Python 3.12 on.
    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        self._connection.settimeout(self._deadline.remaining_seconds())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """An answer, headers included, that is read under the deadline."""

    deadline: Deadline

    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_DeadlineReader(raw, sock, self.deadline))
