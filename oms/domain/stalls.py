"""When a parcel is taken to be stalled: a notice that it deserves a look, not a state.

Whether it is so follows from the clock alone, so what is kept is the instant from which it is so;
news move that instant. Only silence for much longer (see poll_schedule) makes a parcel expire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from oms.domain.packages import PackageStanding
from oms.domain.tracking import ExceptionReason, PackageState

_DAY_MS: Final = 86_400_000


class StallProblem(StrEnum):
    """What goes on for longer than is usual."""

    NO_FIRST_SCAN = "NO_FIRST_SCAN"
    NO_NEWS = "NO_NEWS"
    CUSTOMS = "CUSTOMS"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    PICKUP_READY = "PICKUP_READY"


class Since(Enum):
    """What the days are counted from."""

    ANNOUNCED = auto()
    STATE = auto()  # When it came to be where it is; the same scan again is no progress.
    NEWS = auto()  # Its last sign of life.


@dataclass(frozen=True, slots=True)
class Limit:
    """How many days are usual."""

    problem: StallProblem
    days: int
    since: Since


_S = PackageState

# What may be waited for, for how long. States that are not here are over, or are trouble that the
# order's status shows already. Of parcels we do not know whence they come, so that they have the
# days of a journey across borders.
LIMITS: Final[Mapping[PackageState, Limit]] = {
    _S.ANNOUNCED: Limit(StallProblem.NO_FIRST_SCAN, 5, Since.ANNOUNCED),
    _S.HANDED_OVER: Limit(StallProblem.NO_NEWS, 10, Since.NEWS),
    _S.IN_TRANSIT: Limit(StallProblem.NO_NEWS, 10, Since.NEWS),
    _S.OUT_FOR_DELIVERY: Limit(StallProblem.OUT_FOR_DELIVERY, 3, Since.STATE),
    _S.PICKUP_READY: Limit(StallProblem.PICKUP_READY, 5, Since.STATE),
}
EXCEPTION_LIMITS: Final[Mapping[ExceptionReason, Limit]] = {
    ExceptionReason.CUSTOMS: Limit(StallProblem.CUSTOMS, 10, Since.STATE),
}


def limit_of(state: PackageState, reason: ExceptionReason | None) -> Limit | None:
    """Return what is usual where a parcel is, or None where it cannot stall."""
    if state == _S.EXCEPTION:
        return None if reason is None else EXCEPTION_LIMITS.get(reason)
    return LIMITS.get(state)


def stalls_at_ms(standing: PackageStanding, *, announced_at_ms: int, now_ms: int) -> int | None:
    """Return from when on a parcel is stalled unless there is news, or None if it never is."""
    limit = limit_of(standing.state, standing.exception_reason)
    if limit is None:
        return None
    seconds = {
        Since.ANNOUNCED: None,
        Since.STATE: standing.since,
        Since.NEWS: standing.last_event_at,
    }[limit.since]
    told_at_ms = announced_at_ms if seconds is None else seconds * 1000
    # A scan from the future, by a carrier's wrong clock, must not hide that nothing happens; one
    # from before the parcel was announced tells of the carrier's clock, too.
    return max(announced_at_ms, min(told_at_ms, now_ms)) + limit.days * _DAY_MS


def stall_problem(
    state: PackageState, reason: ExceptionReason | None, stalls_at: int | None, now_ms: int
) -> StallProblem | None:
    """Say why a parcel is stalled now, or None; instants are epoch milliseconds."""
    limit = limit_of(state, reason)
    if limit is None or not is_stalled(stalls_at, now_ms):
        return None
    return limit.problem


def is_stalled(stalls_at: int | None, now_ms: int) -> bool:
    """Tell whether the instant has come."""
    return stalls_at is not None and stalls_at <= now_ms
