"""Turns what gRPC reports into the exceptions of `fbali.errors`."""

from collections.abc import Sequence
from typing import Any, Protocol

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from fbali.errors import (
    FAMILIES,
    LEAVES,
    DeadlineExceeded,
    ErrorDetails,
    FbaliError,
    MethodUnknown,
    ServerError,
    Unavailable,
    Violation,
)

DOMAIN = "fbali.v1"
_NO_WORDS = ("", "CANCELLED")


class Ended(Protocol):
    """A call that has ended, of either kind of client."""

    def code(self) -> grpc.StatusCode:
        """How it ended."""
        ...

    def details(self) -> str | None:
        """In whose words."""
        ...

    def trailing_metadata(self) -> Any:
        """What was sent with it."""
        ...


def error_of(call: Ended, target: str) -> FbaliError:
    """Decode a failed call; `target` is named when no server answered."""
    family = FAMILIES.get(call.code().name, ServerError)
    if _was_dropped(call):
        return Unavailable(f"the server at {target} stopped before it answered")
    status = _status_of(call)
    if status is None:
        return family(_own_words(family, call, target))
    details = _details_of(status.details)
    leaf = LEAVES.get(details.reason, family)
    kind = leaf if issubclass(leaf, family) else family
    return kind(status.message or call.code().name, details)


def _was_dropped(call: Ended) -> bool:
    """Tell whether a server that stops let go of a call that it had not begun.

    It resets the stream, which gRPC reports as CANCELLED without words; whoever cancels on this
    side leaves other ones.
    """
    return call.code() is grpc.StatusCode.CANCELLED and call.details() in _NO_WORDS


def _status_of(call: Ended) -> status_pb2.Status | None:
    """Give the rich status, or None when there is none or it contradicts the call."""
    try:
        return rpc_status.from_call(call)
    except ValueError:  # Sent by something between us and the server.
        return None


def _own_words(family: type[FbaliError], call: Ended, target: str) -> str:
    if family is Unavailable:
        return f"cannot reach the server at {target}: {_last_cause(call.details() or '')}"
    if family is DeadlineExceeded:
        return f"the server at {target} did not answer in time"
    if family is MethodUnknown:
        return f"the server at {target} does not know this call: it is of another version"
    return f"the server at {target} answered {call.code().name}: {call.details() or 'no details'}"


def _last_cause(details: str) -> str:
    """Cut gRPC's report of all addresses down to the cause of the last one."""
    cause = details.rpartition("last error: ")[2] or "no answer"
    return cause.removeprefix("UNKNOWN: ").removeprefix("UNAVAILABLE: ").rstrip(". ")


def _details_of(packed: Sequence[Packed]) -> ErrorDetails:
    """Read the details that are known here; others are of a newer server and are skipped."""
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    request = error_details_pb2.RequestInfo()
    for detail in packed:
        for message in (info, bad_request, retry, request):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    is_ours = info.domain == DOMAIN
    return ErrorDetails(
        reason=info.reason if is_ours else "",
        metadata=dict(info.metadata) if is_ours else {},
        violations=[Violation(one.field, one.description) for one in bad_request.field_violations],
        retry_after_seconds=(
            retry.retry_delay.ToNanoseconds() / 1e9 if retry.HasField("retry_delay") else None
        ),
        request_id=request.request_id,
    )
