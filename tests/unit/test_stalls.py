"""When a parcel is taken to be stalled: every state and reason, and what moves the instant."""

from typing import Any

import pytest

from oms.domain.packages import PackageStanding
from oms.domain.stalls import StallProblem, is_stalled, limit_of, stall_problem, stalls_at_ms
from oms.domain.tracking import ExceptionReason, PackageState

S, R, P = PackageState, ExceptionReason, StallProblem
DAY_MS = 86_400_000
ANNOUNCED_AT = 100 * DAY_MS
NOW = 130 * DAY_MS

# (problem, days, instant from which they count) of every state; the exceptions follow.
ANNOUNCED, SINCE, NEWS = ANNOUNCED_AT, 110 * DAY_MS, 115 * DAY_MS
STATES: dict[PackageState, Any] = {
    S.ANNOUNCED: (P.NO_FIRST_SCAN, 5, ANNOUNCED),
    S.HANDED_OVER: (P.NO_NEWS, 10, NEWS),
    S.IN_TRANSIT: (P.NO_NEWS, 10, NEWS),
    S.OUT_FOR_DELIVERY: (P.OUT_FOR_DELIVERY, 3, SINCE),
    S.PICKUP_READY: (P.PICKUP_READY, 5, SINCE),
    S.DELIVERED: None,
    S.RETURNING: None,
    S.RETURNED: None,
    S.EXPIRED: None,
    S.VOIDED: None,
}
EXCEPTIONS: dict[ExceptionReason, Any] = {
    R.CUSTOMS: (P.CUSTOMS, 10, SINCE),
    R.ATTEMPT_FAILED: None,
    R.ADDRESS: None,
    R.HELD: None,
    R.DELAYED: None,
    R.DAMAGED: None,
    R.LOST: None,
    R.REFUSED: None,
    R.CANCELLED: None,
    R.UNKNOWN: None,
}
CELLS: list[Any] = [(state, None, cell) for state, cell in STATES.items()]
CELLS += [(S.EXCEPTION, reason, cell) for reason, cell in EXCEPTIONS.items()]


def standing(state, reason=None, *, since=SINCE, news=NEWS):
    return PackageStanding(
        state, reason, last_event_at=news and news // 1000, since=since and since // 1000
    )


def instant(parcel):
    return stalls_at_ms(parcel, announced_at_ms=ANNOUNCED_AT, now_ms=NOW)


def test_every_state_and_every_reason_is_looked_at():
    assert STATES.keys() | {S.EXCEPTION} == set(S)
    assert EXCEPTIONS.keys() == set(R)


@pytest.mark.parametrize(("state", "reason", "cell"), CELLS)
def test_parcel_stalls_after_the_days_of_its_state(state, reason, cell):
    found = instant(standing(state, reason))

    if cell is None:
        assert found is None
        assert limit_of(state, reason) is None
        assert stall_problem(state, reason, 0, NOW) is None
        return
    problem, days, start = cell
    assert found == start + days * DAY_MS
    assert stall_problem(state, reason, found, found - 1) is None
    assert stall_problem(state, reason, found, found) == problem


@pytest.mark.parametrize(("state", "reason", "cell"), [cell for cell in CELLS if cell[2]])
def test_parcel_without_news_counts_from_its_announcement(state, reason, cell):
    found = instant(standing(state, reason, since=None, news=None))

    assert found == ANNOUNCED_AT + cell[1] * DAY_MS


@pytest.mark.parametrize(
    ("told_at", "counted_from"),
    [(NOW + 40 * DAY_MS, NOW), (ANNOUNCED_AT - 40 * DAY_MS, ANNOUNCED_AT)],
)
@pytest.mark.parametrize("state", [S.IN_TRANSIT, S.PICKUP_READY])
def test_wrong_clock_of_a_carrier_neither_hides_nor_makes_a_stall(state, told_at, counted_from):
    found = instant(standing(state, since=told_at, news=told_at))

    assert found == counted_from + STATES[state][1] * DAY_MS


def test_instant_has_come_from_itself_on():
    assert [is_stalled(at, 10) for at in (None, 9, 10, 11)] == [False, True, True, False]
