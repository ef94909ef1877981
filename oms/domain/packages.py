"""Where a parcel is, recomputed from everything that was ever said of it.

The carrier's scans and the vendor's own reports are one set of events. The set may be incomplete,
unsorted and repeated; what is made of it depends on the set alone, not on how it arrived.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from oms.domain.tracking import (
    VENDOR_SOURCE,
    ExceptionReason,
    PackageState,
    TrackingEvent,
    TrackingReport,
)
from oms.domain.transitions import TransitionTable

_S, _R = PackageState, ExceptionReason

# The present states as rows, the news as columns in the same order: `+` the parcel is where the
# news says, `.` the news is too late, too early or too weak, and moves nothing. Why some cells are
# as they are:
# - Back and forth between transit, courier and pick-up point is legal: a failed day, a redirection.
# - A label without a scan (ANNOUNCED) and a bare hand-over never take a parcel back; a hand-over
#   does wake one that was given up.
# - A parcel on its way back is scanned like any other: scans do not mean that it turned round. Only
#   a delivery does, for the carrier has a word of its own for the arrival at the sender.
# - Trouble that has a name is not covered up by silence (EXPIRED).
# - Once it is back at the sender, "delivered" is the sender's signature.
# - VOIDED is our own correction, never a carrier's news. It may come at any time, and stays.
_GRID: Final = """
ANNOUNCED         . + + + + + + + + + +
HANDED_OVER       . . + + + + + + + + +
IN_TRANSIT        . . . + + + + + + + +
OUT_FOR_DELIVERY  . . + . + + + + + + +
PICKUP_READY      . . + + . + + + + + +
DELIVERED         . . . . . . . + + . +
EXCEPTION         . . + + + + . + + . +
RETURNING         . . . . . + . . + . +
RETURNED          . . . . . . . . . . +
EXPIRED           . + + + + + + + + . +
VOIDED            . . . . . . . . . . .
"""


def _read_grid(grid: str) -> Mapping[tuple[PackageState, PackageState], bool]:
    """Return, for every state and every news, whether the news moves the parcel."""
    rows = [line.split() for line in grid.strip().splitlines()]
    states = [_S(row[0]) for row in rows]
    return {
        (state, news): {"+": True, ".": False}[cell]
        for state, (_, *cells) in zip(states, rows, strict=True)
        for news, cell in zip(states, cells, strict=True)
    }


MOVES: Final = _read_grid(_GRID)

PACKAGE_TABLE: Final = TransitionTable(
    "package",
    _S.ANNOUNCED,
    {(state, news): news for (state, news), moves in MOVES.items() if moves},
)

IN_TROUBLE_STATES: Final = frozenset({_S.EXCEPTION, _S.RETURNING, _S.RETURNED, _S.EXPIRED})

# States that a parcel can only be in when a carrier has or had it.
_CARRIED_STATES: Final = frozenset(
    {
        _S.HANDED_OVER,
        _S.IN_TRANSIT,
        _S.OUT_FOR_DELIVERY,
        _S.PICKUP_READY,
        _S.DELIVERED,
        _S.RETURNING,
        _S.RETURNED,
    }
)

# Trouble that only a parcel in the carrier's hands can have, so that it proves the hand-over even
# when no scan was seen before. A wrong address, a delay, a cancelled label, and trouble without a
# name can all befall a parcel that the carrier never got.
_CARRIED_REASONS: Final = frozenset(
    {_R.ATTEMPT_FAILED, _R.CUSTOMS, _R.HELD, _R.DAMAGED, _R.LOST, _R.REFUSED}
)

# States that are told of, but are no sign of life of the parcel.
_LIFELESS_STATES: Final = frozenset({_S.EXPIRED, _S.VOIDED})

# The order of what happened in the same second, which for carriers that only tell the day is the
# order of a whole day: a journey goes on, trouble outlasts scans, arrival outlasts trouble.
_RANKS: Final[Mapping[PackageState | None, int]] = {
    state: rank
    for rank, state in enumerate(
        (
            None,
            _S.EXPIRED,
            _S.ANNOUNCED,
            _S.HANDED_OVER,
            _S.IN_TRANSIT,
            _S.OUT_FOR_DELIVERY,
            _S.EXCEPTION,
            _S.PICKUP_READY,
            _S.DELIVERED,
            _S.RETURNING,
            _S.RETURNED,
            _S.VOIDED,
        )
    )
}


@dataclass(frozen=True, slots=True)
class PackageStanding:
    """What all events together say of a parcel. Instants are UTC epoch seconds.

    `exception_reason` is set in EXCEPTION only, `delivered_at` in DELIVERED only. `handed_over_at`
    is the first fact that proves that a carrier has the parcel, whatever its state is now.
    `last_event_at` is its last sign of life; that it was given up or voided is none.
    `since` is when it came to be in its state, None before any news.
    `first_scan_at` is the first proof of hand-over that is not the vendor's word. A parcel that was
    in trouble once stays so marked.
    """

    state: PackageState = PackageState.ANNOUNCED
    exception_reason: ExceptionReason | None = None
    handed_over_at: int | None = None
    delivered_at: int | None = None
    last_event_at: int | None = None
    since: int | None = None
    first_scan_at: int | None = None
    was_in_trouble: bool = False


def recompute(events: Iterable[TrackingEvent]) -> PackageStanding:
    """Derive the standing of a parcel from all its events, in whatever order and however often."""
    history = sorted(set(events), key=_moment)
    state, reason, arrived_at = PACKAGE_TABLE.initial, None, None
    was_in_trouble = False
    for event in history:
        news = event.meaning.state
        if news is None:
            continue
        if MOVES[state, news]:
            state, reason = news, None
            arrived_at = event.occurred_at
        if state == news == _S.EXCEPTION:
            reason = _telling(event.meaning.exception_reason, reason)
        was_in_trouble = was_in_trouble or is_in_trouble(state)
    proofs = [event for event in history if _proves_hand_over(event)]
    return PackageStanding(
        state=state,
        exception_reason=reason,
        handed_over_at=next((e.occurred_at for e in proofs), None),
        delivered_at=arrived_at if state == _S.DELIVERED else None,
        last_event_at=max((e.occurred_at for e in history if _is_sign_of_life(e)), default=None),
        since=arrived_at,
        first_scan_at=next((e.occurred_at for e in proofs if e.source != VENDOR_SOURCE), None),
        was_in_trouble=was_in_trouble,
    )


def unexplained_status(
    report: TrackingReport, known: Iterable[TrackingEvent], *, source: str, seen_at: int
) -> TrackingEvent | None:
    """Turn a carrier's present status into an event when no event tells of it.

    A carrier may say "expired" or "delivered" without a scan that says so. Storing the event that
    is returned makes the next call return None, so that repeated reading adds nothing. `known` is
    what is stored besides the report's own events; `seen_at` is when the status was read, in UTC
    epoch seconds. None when the status is unknown or would move nothing.
    """
    if report.latest.state is None:
        return None
    told = [*known, *report.events]
    before = recompute(told)
    event = TrackingEvent(seen_at, report.latest, report.raw_status, "", "", source)
    after = recompute([*told, event])
    if (after.state, after.exception_reason) == (before.state, before.exception_reason):
        return None
    return event


def is_handed_over(state: PackageState, handed_over_at: int | None) -> bool:
    """Tell whether the parcel's units count as handed over; they do not come back by trouble."""
    return handed_over_at is not None and state != _S.VOIDED


def is_delivered(state: PackageState) -> bool:
    """Tell whether the parcel's units count as delivered."""
    return state == _S.DELIVERED


def is_in_trouble(state: PackageState) -> bool:
    """Tell whether somebody has to look after the parcel until it is settled."""
    return state in IN_TROUBLE_STATES


def undecided_cells() -> frozenset[tuple[PackageState, PackageState]]:
    """List the pairs of state and news that the table says nothing of; a sound table has none."""
    return frozenset((state, news) for state in _S for news in _S) - MOVES.keys()


def _moment(event: TrackingEvent) -> tuple[int, int, str, str, str, str, str]:
    """Order events by time, then so that every two different events have one order."""
    return (
        event.occurred_at,
        _RANKS[event.meaning.state],
        event.meaning.exception_reason or "",
        event.source,
        event.raw_status,
        event.description,
        event.location,
    )


def _telling(
    reason: ExceptionReason | None, present: ExceptionReason | None
) -> ExceptionReason | None:
    """Prefer the later reason, unless it has no name and an earlier one has."""
    if reason in (None, _R.UNKNOWN):
        return present or _R.UNKNOWN
    return reason


def _proves_hand_over(event: TrackingEvent) -> bool:
    meaning = event.meaning
    if meaning.state == _S.EXCEPTION:
        return meaning.exception_reason in _CARRIED_REASONS
    return meaning.state in _CARRIED_STATES


def _is_sign_of_life(event: TrackingEvent) -> bool:
    return event.meaning.state not in _LIFELESS_STATES
