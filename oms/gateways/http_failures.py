"""Every way in which no whole answer comes, as a GatewayError that says what to do next."""

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from urllib3.exceptions import DecodeError
from urllib3.exceptions import IncompleteRead as UnfinishedBodyError
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from oms.domain.errors import GatewayError
from oms.gateways.http_connection import (
    CONNECT_TIMEOUT_SECONDS,
    AddressRefusedError,
    ConnectTimeoutError,
)
from oms.gateways.http_words import malformed, plain_words

_DROPPED: Final = (ConnectionError, http.client.RemoteDisconnected)
_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})


@dataclass(frozen=True, slots=True)
class Attempt:
    """The exchange that failed: with whom, where, and within how many seconds."""

    subject: str
    netloc: str
    timeout_seconds: float


def connection_failure(error: BaseException, attempt: Attempt) -> GatewayError:
    """Tell in plain words why no whole answer came."""
    causes = list(_causes(error))[::-1]  # The innermost knows best what happened.
    # The order matters: a timeout while connecting is a timeout, a reset is a dropped connection.
    for tell in (_tell_address, _tell_tls, _tell_timeout, _tell_refusal, _tell_answer):
        for cause in causes:
            told = tell(cause, attempt)
            if told is not None:
                return told
    message = f"no connection to {attempt.netloc} could be made: check the address and the network"
    return GatewayError(message, reason="GATEWAY_UNREACHABLE")


def is_worth_a_quick_retry(error: BaseException) -> bool:
    """Tell whether the connection was refused or dropped, which often passes within a second."""
    return any(isinstance(cause, _DROPPED) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it was raised for; urllib3 hides some causes in arguments."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        present = waiting.pop(0)
        if id(present) in seen:
            continue
        seen.add(id(present))
        yield present
        inner: Sequence[object] = [*present.args, present.__cause__]
        waiting.extend(item for item in inner if isinstance(item, BaseException))


def _tell_address(cause: BaseException, attempt: Attempt) -> GatewayError | None:
    if isinstance(cause, AddressRefusedError):
        message = (
            f"{attempt.netloc} leads to a machine that this server may not call: check the "
            "address, or ask the operator to allow private addresses"
        )
        return GatewayError(message, reason="GATEWAY_REQUEST_REFUSED")
    if isinstance(cause, socket.gaierror):
        message = f"the name {attempt.netloc} could not be looked up: check how it is spelled"
        return GatewayError(message, reason="GATEWAY_UNREACHABLE")
    return None


def _tell_tls(cause: BaseException, attempt: Attempt) -> GatewayError | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = plain_words(cause.verify_message) or "it cannot be verified"
        message = (
            f"the certificate of {attempt.netloc} is not trusted ({why}): check the address, or "
            "have the certificate renewed"
        )
        return GatewayError(message, reason="GATEWAY_CERTIFICATE_INVALID")
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        why = plain_words(cause.reason or "no common language").replace("_", " ").lower()
        message = f"{attempt.netloc} does not speak https ({why}): check the address and the port"
        return GatewayError(message, reason="GATEWAY_UNREACHABLE")
    return None


def _tell_timeout(cause: BaseException, attempt: Attempt) -> GatewayError | None:
    if isinstance(cause, ConnectTimeoutError):
        wait = min(CONNECT_TIMEOUT_SECONDS, attempt.timeout_seconds)
        found = f"{attempt.netloc} did not accept a connection within {wait:g} seconds"
    elif isinstance(cause, TimeoutError | PoolTimeoutError):
        wait = attempt.timeout_seconds
        found = f"{attempt.subject} did not answer completely within {wait:g} seconds"
    else:
        return None
    return GatewayError(f"{found}: it is asked again later", reason="GATEWAY_TIMEOUT")


def _tell_refusal(cause: BaseException, attempt: Attempt) -> GatewayError | None:
    found = ""
    if isinstance(cause, ConnectionRefusedError):
        found = f"nothing listens at {attempt.netloc} (connection refused): check the address"
    elif isinstance(cause, _DROPPED):
        found = f"{attempt.subject} dropped the connection: it is asked again later"
    elif isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
        found = f"there is no way to {attempt.netloc} in the network: check the address"
    return GatewayError(found, reason="GATEWAY_UNREACHABLE") if found else None


def _tell_answer(cause: BaseException, attempt: Attempt) -> GatewayError | None:
    if isinstance(cause, http.client.IncompleteRead | UnfinishedBodyError):
        return malformed(attempt.subject, "its answer broke off in the middle")
    if isinstance(cause, DecodeError):
        return malformed(attempt.subject, "its answer is compressed wrongly")
    if isinstance(cause, http.client.HTTPException):
        return malformed(attempt.subject, f"{attempt.netloc} does not speak HTTP")
    return None
