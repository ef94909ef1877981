"""When a parcel is asked for next.

All instants are UTC epoch milliseconds, all intervals seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from oms.domain.tracking import ExceptionReason, PackageState

MILLISECONDS: Final = 1000  # In a second.
HOUR: Final = 3600  # Seconds, as the next one.
DAY: Final = 24 * HOUR

# Parcels are registered in batches; without spreading they would be asked for in batches for ever.
JITTER_SHARE: Final = 0.1

_S = PackageState


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often to ask, in seconds; every interval is spread by a tenth to both sides.

    The defaults follow what tracking services do: they scan carriers every 3 to 12 hours, and stop
    after 30 days of silence.
    """

    announced: float = 6 * HOUR
    announced_long_ago: float = 24 * HOUR
    announced_long_ago_after: float = 5 * DAY
    in_transit: float = 8 * HOUR  # Also handed over, and on its way back.
    out_for_delivery: float = HOUR
    attempt_failed: float = HOUR  # The courier often comes again on the same day.
    exception: float = 4 * HOUR
    pickup_ready: float = 12 * HOUR
    without_news_max: float = 48 * HOUR  # Intervals double up to this while nothing happens.
    delivered_first_check: float = DAY  # A delivery is sometimes taken back.
    delivered_last_check: float = 7 * DAY
    silent_max: float = 30 * DAY
    age_max: float = 90 * DAY  # Tracking services forget a number then.

    @classmethod
    def every(cls, seconds: float) -> Self:
        """Ask at one steady pace, for a demonstration; parcels are given up as late as ever."""
        return cls(
            announced=seconds,
            announced_long_ago=seconds,
            in_transit=seconds,
            out_for_delivery=seconds,
            attempt_failed=seconds,
            exception=seconds,
            pickup_ready=seconds,
            without_news_max=seconds,
            delivered_first_check=seconds,
            delivered_last_check=2 * seconds,
        )


@dataclass(frozen=True, slots=True)
class PolledParcel:
    """What the schedule needs to know of a parcel.

    `last_event_at_ms` is its last sign of life. `polls_without_news` counts the answered polls
    since one that brought an event; polls that failed are not counted.
    """

    state: PackageState
    exception_reason: ExceptionReason | None
    announced_at_ms: int
    last_event_at_ms: int | None = None
    delivered_at_ms: int | None = None
    polls_without_news: int = 0


_CLOSED_STATES: Final = frozenset({_S.RETURNED, _S.EXPIRED, _S.VOIDED})
_NEVER_GIVEN_UP: Final = _CLOSED_STATES | {_S.DELIVERED}
_DOUBLINGS_MAX: Final = 16  # Any interval is above every maximum by then.


def next_poll_at(
    parcel: PolledParcel, *, now_ms: int, jitter: float, cadence: Cadence
) -> int | None:
    """Return when to ask for a parcel next, or None if it is followed no longer.

    `jitter` is drawn by the caller, from 0 up to 1. A parcel that is to be given up is followed no
    longer either: the caller asks `is_to_be_given_up` and records that it expired.
    """
    if parcel.state in _CLOSED_STATES or is_to_be_given_up(parcel, now_ms=now_ms, cadence=cadence):
        return None
    spread = 1 - JITTER_SHARE + 2 * JITTER_SHARE * jitter
    if parcel.state == _S.DELIVERED:
        return _next_check(parcel, now_ms=now_ms, spread=spread, cadence=cadence)
    return now_ms + round(_interval(parcel, now_ms, cadence) * spread * MILLISECONDS)


def is_to_be_given_up(parcel: PolledParcel, *, now_ms: int, cadence: Cadence) -> bool:
    """Tell whether a parcel was silent for too long or is too old, so that it has expired."""
    if parcel.state in _NEVER_GIVEN_UP:
        return False
    # A scan from the future, by a carrier's wrong clock, must not keep a parcel alive.
    last_event_at_ms = min(parcel.last_event_at_ms or parcel.announced_at_ms, now_ms)
    silent_since_ms = max(last_event_at_ms, parcel.announced_at_ms)
    is_silent = now_ms - silent_since_ms >= cadence.silent_max * MILLISECONDS
    return is_silent or now_ms - parcel.announced_at_ms >= cadence.age_max * MILLISECONDS


def _interval(parcel: PolledParcel, now_ms: int, cadence: Cadence) -> float:
    """Return the seconds between two polls of a parcel that is under way."""
    if parcel.state == _S.ANNOUNCED:
        # The wait for the first scan has its own slowing down, which is not doubled.
        age = (now_ms - parcel.announced_at_ms) / MILLISECONDS
        is_long_ago = age >= cadence.announced_long_ago_after
        return cadence.announced_long_ago if is_long_ago else cadence.announced
    pace = _pace(parcel, cadence)
    doubled = pace * 2.0 ** min(parcel.polls_without_news, _DOUBLINGS_MAX)
    return max(pace, min(doubled, cadence.without_news_max))


def _pace(parcel: PolledParcel, cadence: Cadence) -> float:
    if parcel.exception_reason == ExceptionReason.ATTEMPT_FAILED:
        return cadence.attempt_failed
    paces: Mapping[PackageState, float] = {
        _S.HANDED_OVER: cadence.in_transit,
        _S.IN_TRANSIT: cadence.in_transit,
        _S.OUT_FOR_DELIVERY: cadence.out_for_delivery,
        _S.PICKUP_READY: cadence.pickup_ready,
        _S.EXCEPTION: cadence.exception,
        _S.RETURNING: cadence.in_transit,
    }
    return paces[parcel.state]


def _next_check(
    parcel: PolledParcel, *, now_ms: int, spread: float, cadence: Cadence
) -> int | None:
    """Return the next of the two looks back at a delivered parcel."""
    assert parcel.delivered_at_ms is not None, "a delivered parcel has a time of delivery"
    delivered_at_ms = min(parcel.delivered_at_ms, now_ms)
    for check in (cadence.delivered_first_check, cadence.delivered_last_check):
        # A check that was spread to its earliest instant is over, and must not come again.
        if now_ms < delivered_at_ms + check * (1 - JITTER_SHARE) * MILLISECONDS:
            return delivered_at_ms + round(check * spread * MILLISECONDS)
    return None
