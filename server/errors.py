"""The one table from our refusals to gRPC: code, and google.rpc details in the trailers."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from oms.domain.errors import (
    AlreadyExists,
    Conflict,
    FbaliError,
    GatewayError,
    InvalidInput,
    LimitExceeded,
    NotFound,
    OutOfRange,
    PermissionDenied,
    Refused,
    Unauthenticated,
    Unavailable,
)

DOMAIN = "fbali.v1"
VIOLATIONS_MAX = 20  # Trailers above 8 KiB are refused by clients.
# Asked to wait longer, gRPC's own retries would hold the refusal back from the caller.
PUSHBACK_SECONDS_MAX = 5.0
_TEXT_LENGTH_MAX = 1_000
_METADATA_LENGTH_MAX = 300

# Family -> code; the first family that an error belongs to decides, so leaves come before roots.
CODES: Mapping[type[FbaliError], int] = {
    InvalidInput: code_pb2.INVALID_ARGUMENT,
    Unauthenticated: code_pb2.UNAUTHENTICATED,
    PermissionDenied: code_pb2.PERMISSION_DENIED,
    NotFound: code_pb2.NOT_FOUND,
    AlreadyExists: code_pb2.ALREADY_EXISTS,
    Refused: code_pb2.FAILED_PRECONDITION,
    Conflict: code_pb2.ABORTED,
    OutOfRange: code_pb2.OUT_OF_RANGE,
    LimitExceeded: code_pb2.RESOURCE_EXHAUSTED,
    Unavailable: code_pb2.UNAVAILABLE,
}


def code_of(error: FbaliError) -> int:
    """Return the gRPC code of a refusal; a gateway that a person must mend is no UNAVAILABLE."""
    if isinstance(error, GatewayError) and not error.retryable:
        return int(code_pb2.FAILED_PRECONDITION)
    for family, code in CODES.items():
        if isinstance(error, family):
            return code
    return int(code_pb2.INTERNAL)


def status_of(error: FbaliError, incident: str) -> Any:
    """Render a refusal with its details; `incident` is what the log calls this call."""
    info = error_details_pb2.ErrorInfo(
        reason=error.word,
        domain=DOMAIN,
        metadata={key: value[:_METADATA_LENGTH_MAX] for key, value in error.metadata.items()},
    )
    details: list[Message] = [info, error_details_pb2.RequestInfo(request_id=incident)]
    if isinstance(error, InvalidInput):
        details.append(_bad_request(error))
    seconds = _retry_seconds(error)
    if seconds is not None:
        details.append(_retry_info(seconds))
    status = status_pb2.Status(code=code_of(error), message=error.message[:_TEXT_LENGTH_MAX])
    for detail in details:
        status.details.add().Pack(detail)
    return _with_pushback(rpc_status.to_status(status), seconds)


def internal_status(incident: str) -> Any:
    """Render an error of ours without a word of it."""
    return status_of(FbaliError("an error of ours; quote this call to the operator"), incident)


def _bad_request(error: InvalidInput) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(
                field=violation.field[:_METADATA_LENGTH_MAX],
                description=violation.description[:_METADATA_LENGTH_MAX],
                reason=violation.rule,
            )
            for violation in error.violations[:VIOLATIONS_MAX]
        ]
    )


def _retry_seconds(error: FbaliError) -> float | None:
    """Give the seconds after which a retry makes sense, None if it never does by itself."""
    if isinstance(error, LimitExceeded):
        return 1.0
    if isinstance(error, Unavailable) and code_of(error) == code_pb2.UNAVAILABLE:
        return error.retry_after_seconds
    return None


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    delay = Duration()
    delay.FromMilliseconds(int(seconds * 1000))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _with_pushback(status: Any, seconds: float | None) -> Any:
    """Say the same to gRPC's own retries, which do not read details; 0 leaves the wait to them."""
    if not seconds:
        return status
    wait_ms = int(seconds * 1000) if seconds <= PUSHBACK_SECONDS_MAX else -1
    pushback = ("grpc-retry-pushback-ms", str(wait_ms))
    return status._replace(trailing_metadata=(*status.trailing_metadata, pushback))
