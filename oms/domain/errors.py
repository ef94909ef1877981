"""Every refusal of the order management, as one tree.

    FbaliError
    +-- InvalidInput          the request itself is wrong; lists every field
    +-- Unauthenticated       no token, or one that is unknown, expired or revoked
    +-- PermissionDenied      a known caller asks for what its role may not do
    +-- NotFound              absent, or not the caller's, which is the same to the caller
    +-- AlreadyExists         a second thing of a kind that may exist once
    +-- Refused               the request is well formed, the present state forbids it
    |   +-- IllegalTransition     the state table has no such arrow
    |   +-- QuantityExceeded      more units than the ledger has
    +-- Conflict              somebody else changed it first; read again and retry
    +-- OutOfRange            what was asked for is not kept any more
    +-- LimitExceeded         a bound of ours was reached
    +-- Unavailable           try again later, nothing was done
        +-- Contended             it had to give way to others that change the same
        +-- GatewayError          a store or a carrier did not answer as it should

The server maps a family to a gRPC code in one table, the client holds the inverse. `reason` is the
machine-readable word of `fbali.v1.ErrorReason`, `metadata` holds ids and numbers that its comment
promises. Messages are lower case: what was tried, what was found, what is allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


class FbaliError(Exception):
    """Root of all refusals."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None, **metadata: str | int) -> None:
        """Say `message` to the caller; `metadata` values are sent as text."""
        super().__init__(message)
        self.message = message
        self.word = reason or self.reason
        self.metadata: Mapping[str, str] = {key: str(value) for key, value in metadata.items()}


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field: its path in the request, and what is allowed."""

    field: str
    description: str
    rule: str = ""


class InvalidInput(FbaliError):
    """The request is wrong whatever the state is."""

    reason = "INVALID_FIELD"

    def __init__(self, violations: Sequence[Violation], *, reason: str | None = None) -> None:
        """List every wrong field; there is at least one."""
        described = "; ".join(f"{item.field}: {item.description}" for item in violations[:3])
        super().__init__(f"invalid request: {described}", reason=reason)
        self.violations = tuple(violations)

    @classmethod
    def of(cls, field: str, description: str, *, reason: str | None = None) -> "InvalidInput":
        """Refuse one field."""
        return cls([Violation(field, description)], reason=reason)


class Unauthenticated(FbaliError):
    """The caller did not prove who it is."""

    reason = "TOKEN_INVALID"


class PermissionDenied(FbaliError):
    """The caller's role may not do this, whatever it is done to."""

    reason = "ROLE_NOT_ALLOWED"


class NotFound(FbaliError):
    """Absent, or not the caller's."""

    reason = "RESOURCE_NOT_FOUND"

    @classmethod
    def of(cls, resource: str) -> "NotFound":
        """Name the resource that was looked for."""
        return cls(f"{resource} was not found", resource=resource)


class AlreadyExists(FbaliError):
    """A second thing of a kind that may exist once."""

    reason = "RESOURCE_ALREADY_EXISTS"


class Refused(FbaliError):
    """The present state forbids it."""

    reason = "PRECONDITION_FAILED"


class IllegalTransition(Refused):
    """The state table has no arrow for this event from this state."""

    reason = "ILLEGAL_TRANSITION"

    def __init__(self, subject: str, *, event: str, state: str, allowed: Sequence[str]) -> None:
        """Name the event that was tried, the present state and the events that it allows."""
        ways = ", ".join(allowed) or "nothing"
        super().__init__(
            f"cannot {event} {subject}: it is {state}, which allows {ways}",
            subject=subject,
            event=event,
            current_state=state,
            allowed=",".join(allowed),
        )
        self.state = state
        self.event = event
        self.allowed = tuple(allowed)


class QuantityExceeded(Refused):
    """More units than are there."""

    reason = "QUANTITY_EXCEEDED"


class Conflict(FbaliError):
    """The thing changed since the caller read it."""

    reason = "ETAG_MISMATCH"


class OutOfRange(FbaliError):
    """What was asked for is not kept any more."""

    reason = "RESUME_TOKEN_EXPIRED"


class LimitExceeded(FbaliError):
    """A bound of ours was reached."""

    reason = "LIMIT_EXCEEDED"


class Unavailable(FbaliError):
    """Nothing was done; the same call may succeed later."""

    reason = "TEMPORARILY_UNAVAILABLE"

    def __init__(
        self, message: str, *, reason: str | None = None, retry_after_seconds: float = 1.0
    ) -> None:
        """Say when a retry makes sense."""
        super().__init__(message, reason=reason)
        self.retry_after_seconds = retry_after_seconds


class Contended(Unavailable):
    """Others changed the same rows at the same time: nothing was done, and again it may work."""


class GatewayError(Unavailable):
    """A store or a carrier did not answer as it should.

    `word` is one of GATEWAY_REASONS; `retryable` says whether the same call may succeed without a
    person doing something first; `retry_after_seconds` is what the other side asked for, or 0.
    """

    reason = "GATEWAY_UNREACHABLE"

    def __init__(self, message: str, *, reason: str, retry_after_seconds: float = 0.0) -> None:
        """Take a reason of GATEWAY_REASONS, which decides whether a retry makes sense."""
        super().__init__(message, reason=reason, retry_after_seconds=retry_after_seconds)
        self.retryable = GATEWAY_REASONS[reason]


# Reason -> whether the same call may succeed later without anybody doing something.
GATEWAY_REASONS: Mapping[str, bool] = {
    "GATEWAY_CREDENTIALS_REFUSED": False,
    "GATEWAY_NOT_FOUND": False,
    "GATEWAY_CERTIFICATE_INVALID": False,
    "GATEWAY_REQUEST_REFUSED": False,
    "GATEWAY_THROTTLED": True,
    "GATEWAY_SERVER_ERROR": True,
    "GATEWAY_ANSWER_MALFORMED": True,
    "GATEWAY_TIMEOUT": True,
    "GATEWAY_UNREACHABLE": True,
}
