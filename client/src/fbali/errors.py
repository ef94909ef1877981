"""Every refusal that a call can end with, as one tree; the inverse of the server's table.

    FbaliError
    +-- InvalidInput        INVALID_ARGUMENT     the request itself is wrong; lists every field
    +-- Unauthenticated     UNAUTHENTICATED      no token, or one that is not valid (any more)
    +-- PermissionDenied    PERMISSION_DENIED    the token's role may not do this
    +-- NotFound            NOT_FOUND            absent, or not the caller's
    +-- AlreadyExists       ALREADY_EXISTS       a second thing of a kind that may exist once
    +-- Refused             FAILED_PRECONDITION  the present state forbids it
    +-- Conflict            ABORTED              somebody else changed it first; read it again
    +-- OutOfRange          OUT_OF_RANGE         what was asked for is not kept any more
    +-- LimitExceeded       RESOURCE_EXHAUSTED   a bound was reached
    +-- Unavailable         UNAVAILABLE          nothing was done; the same call may succeed later
    +-- DeadlineExceeded    DEADLINE_EXCEEDED    no answer in time; it may have been done
    +-- ServerError         every other code     an error of the server
    +-- InsecureTarget      (never sent)         this client will not send a token in clear text

`reason` is a word of `fbali.v1.ErrorReason` without its prefix, or empty when the server sent none,
which is how an unreachable server looks. This module imports no gRPC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field: its path in the request, and what is allowed."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """What the server says beside the message.

    `metadata` holds the keys that the comment of the reason promises; `request_id` names the call
    in the server's log; `retry_after_seconds` is None when the server named no delay.
    """

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[Violation] = ()
    retry_after_seconds: float | None = None
    request_id: str = ""


class FbaliError(Exception):
    """Root of all refusals."""

    code: ClassVar[str] = ""

    def __init__(self, message: str, details: ErrorDetails | None = None) -> None:
        """Keep the server's message, which is one sentence in lower case, and its details."""
        super().__init__(message)
        details = details or ErrorDetails()
        self.message = message
        self.reason = details.reason
        self.metadata = details.metadata
        self.violations = tuple(details.violations)
        self.retry_after_seconds = details.retry_after_seconds
        self.request_id = details.request_id


class InvalidInput(FbaliError):
    """The request is wrong whatever the state is; `violations` names the fields."""

    code = "INVALID_ARGUMENT"


class Unauthenticated(FbaliError):
    """The caller did not prove who it is."""

    code = "UNAUTHENTICATED"


class PermissionDenied(FbaliError):
    """The caller's role may not do this, whatever it is done to."""

    code = "PERMISSION_DENIED"


class NotFound(FbaliError):
    """Absent, or not the caller's."""

    code = "NOT_FOUND"


class AlreadyExists(FbaliError):
    """A second thing of a kind that may exist once."""

    code = "ALREADY_EXISTS"


class Refused(FbaliError):
    """The present state forbids it; `reason` says which fact does."""

    code = "FAILED_PRECONDITION"


class Conflict(FbaliError):
    """The thing changed since the caller read it. Never retried: read it again first."""

    code = "ABORTED"


class OutOfRange(FbaliError):
    """What was asked for is not kept any more; `metadata` says from where it still is."""

    code = "OUT_OF_RANGE"


class LimitExceeded(FbaliError):
    """A bound of the server was reached."""

    code = "RESOURCE_EXHAUSTED"


class Unavailable(FbaliError):
    """Nothing was done, and the retries were used up."""

    code = "UNAVAILABLE"


class DeadlineExceeded(FbaliError):
    """No answer in time. Repeating the call with the same request_id is safe."""

    code = "DEADLINE_EXCEEDED"


class ServerError(FbaliError):
    """An error of the server; `request_id` is what its operator needs."""

    code = "INTERNAL"


class InsecureTarget(FbaliError):
    """The target is another machine and the connection would not be encrypted; nothing was sent."""


# gRPC code -> family; a code that is not here is a ServerError.
FAMILIES: Mapping[str, type[FbaliError]] = {
    family.code: family
    for family in (
        InvalidInput,
        Unauthenticated,
        PermissionDenied,
        NotFound,
        AlreadyExists,
        Refused,
        Conflict,
        OutOfRange,
        LimitExceeded,
        Unavailable,
        DeadlineExceeded,
    )
}
