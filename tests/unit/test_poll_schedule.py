"""When parcels are asked for next."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.poll_schedule import (
    DAY,
    HOUR,
    Cadence,
    PolledParcel,
    is_to_be_given_up,
    next_poll_at,
)
from oms.domain.tracking import ExceptionReason, PackageState

S, R = PackageState, ExceptionReason
NOW_MS = 1_800_000_000_000
MIDDLE = 0.5  # The jitter that changes nothing.
CLOSED = {S.RETURNED, S.EXPIRED, S.VOIDED}


def ago(seconds):
    return NOW_MS - round(seconds * 1000)


def parcel(state, **changes):
    plain = PolledParcel(
        state=state,
        exception_reason=R.UNKNOWN if state == S.EXCEPTION else None,
        announced_at_ms=ago(10 * DAY),
        last_event_at_ms=ago(HOUR),
        delivered_at_ms=ago(HOUR) if state == S.DELIVERED else None,
    )
    return replace(plain, **changes)


def wait_seconds(polled, *, jitter=MIDDLE, cadence=None):
    due = next_poll_at(polled, now_ms=NOW_MS, jitter=jitter, cadence=cadence or Cadence())
    return None if due is None else (due - NOW_MS) / 1000


@pytest.mark.parametrize(
    ("polled", "seconds"),
    [
        (parcel(S.ANNOUNCED, announced_at_ms=ago(HOUR), last_event_at_ms=None), 6 * HOUR),
        (parcel(S.ANNOUNCED, announced_at_ms=ago(5 * DAY - 1)), 6 * HOUR),
        (parcel(S.ANNOUNCED, announced_at_ms=ago(5 * DAY)), 24 * HOUR),
        (parcel(S.HANDED_OVER), 8 * HOUR),
        (parcel(S.IN_TRANSIT), 8 * HOUR),
        (parcel(S.OUT_FOR_DELIVERY), HOUR),
        (parcel(S.PICKUP_READY), 12 * HOUR),
        (parcel(S.EXCEPTION), 4 * HOUR),
        (parcel(S.EXCEPTION, exception_reason=R.ATTEMPT_FAILED), HOUR),
        (parcel(S.RETURNING), 8 * HOUR),
        (parcel(S.DELIVERED), 23 * HOUR),
        (parcel(S.RETURNED), None),
        (parcel(S.EXPIRED), None),
        (parcel(S.VOIDED), None),
    ],
)
def test_each_state_has_its_pace(polled, seconds):
    assert wait_seconds(polled) == seconds


@pytest.mark.parametrize(
    ("polls", "hours"), [(0, 8), (1, 16), (2, 32), (3, 48), (4, 48), (10_000, 48)]
)
def test_pace_halves_while_there_is_no_news(polls, hours):
    assert wait_seconds(parcel(S.IN_TRANSIT, polls_without_news=polls)) == hours * HOUR


def test_wait_for_the_first_scan_is_not_slowed_down_twice():
    waiting = parcel(S.ANNOUNCED, announced_at_ms=ago(DAY), polls_without_news=20)

    assert wait_seconds(waiting) == 6 * HOUR


@pytest.mark.parametrize(("jitter", "share"), [(0.0, 0.9), (0.5, 1.0), (0.999999, 1.1)])
def test_jitter_is_a_tenth_to_both_sides(jitter, share):
    waited = wait_seconds(parcel(S.IN_TRANSIT), jitter=jitter)

    assert waited == pytest.approx(8 * HOUR * share, abs=1)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999999])
def test_delivered_parcel_is_looked_at_twice_more(jitter):
    delivered_at_ms = NOW_MS
    delivered = parcel(S.DELIVERED, delivered_at_ms=delivered_at_ms)
    checks: list[int | None] = [NOW_MS]
    while (now_ms := checks[-1]) is not None:
        due = next_poll_at(delivered, now_ms=now_ms, jitter=jitter, cadence=Cadence())
        checks.append(due)

    share = 0.9 + 0.2 * jitter
    assert [check and (check - delivered_at_ms) / 1000 for check in checks[1:]] == [
        pytest.approx(DAY * share, abs=1),
        pytest.approx(7 * DAY * share, abs=1),
        None,
    ]


def test_delivery_that_became_known_late_is_checked_only_when_it_is_due():
    assert wait_seconds(parcel(S.DELIVERED, delivered_at_ms=ago(3 * DAY))) == 4 * DAY
    assert wait_seconds(parcel(S.DELIVERED, delivered_at_ms=ago(8 * DAY))) is None


@pytest.mark.parametrize(
    ("polled", "is_over"),
    [
        (
            parcel(S.IN_TRANSIT, last_event_at_ms=ago(30 * DAY - 1), announced_at_ms=ago(40 * DAY)),
            0,
        ),
        (parcel(S.IN_TRANSIT, last_event_at_ms=ago(30 * DAY), announced_at_ms=ago(40 * DAY)), 1),
        (parcel(S.ANNOUNCED, last_event_at_ms=None, announced_at_ms=ago(30 * DAY - 1)), 0),
        (parcel(S.ANNOUNCED, last_event_at_ms=None, announced_at_ms=ago(30 * DAY)), 1),
        # An old scan of a number that is announced only now does not count as silence.
        (parcel(S.IN_TRANSIT, last_event_at_ms=ago(60 * DAY), announced_at_ms=ago(DAY)), 0),
        (parcel(S.IN_TRANSIT, announced_at_ms=ago(90 * DAY - 1)), 0),
        (parcel(S.IN_TRANSIT, announced_at_ms=ago(90 * DAY)), 1),
        # A carrier's clock that runs ahead does not keep a parcel alive beyond its age.
        (parcel(S.IN_TRANSIT, last_event_at_ms=ago(-DAY), announced_at_ms=ago(90 * DAY)), 1),
        (parcel(S.DELIVERED, announced_at_ms=ago(99 * DAY), last_event_at_ms=ago(40 * DAY)), 0),
        (parcel(S.RETURNED, announced_at_ms=ago(99 * DAY)), 0),
        (parcel(S.EXPIRED, announced_at_ms=ago(99 * DAY)), 0),
        (parcel(S.VOIDED, announced_at_ms=ago(99 * DAY)), 0),
    ],
)
def test_silent_and_old_parcels_are_given_up(polled, is_over):
    assert is_to_be_given_up(polled, now_ms=NOW_MS, cadence=Cadence()) == bool(is_over)
    if is_over:
        assert wait_seconds(polled) is None


def test_demonstration_asks_at_one_pace():
    cadence = Cadence.every(2)
    polled = [
        parcel(state, polls_without_news=9)
        for state in S
        if state not in CLOSED and state != S.DELIVERED
    ]

    assert {wait_seconds(one, cadence=cadence) for one in polled} == {2}
    delivered = parcel(S.DELIVERED, delivered_at_ms=NOW_MS)
    assert wait_seconds(delivered, cadence=cadence) == 2
    assert cadence.silent_max == Cadence().silent_max


def test_every_interval_of_the_cadence_is_positive():
    assert all(getattr(Cadence(), field.name) > 0 for field in fields(Cadence))


@given(
    state=st.sampled_from(S),
    reason=st.sampled_from(R),
    announced=st.integers(0, 120 * DAY),
    last=st.none() | st.integers(-DAY, 120 * DAY),
    polls=st.integers(0, 500),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_next_poll_is_later_and_within_two_days(state, reason, announced, last, polls, jitter):
    polled = PolledParcel(
        state=state,
        exception_reason=reason if state == S.EXCEPTION else None,
        announced_at_ms=ago(announced),
        last_event_at_ms=None if last is None else ago(last),
        delivered_at_ms=ago(last or 0) if state == S.DELIVERED else None,
        polls_without_news=polls,
    )

    waited = wait_seconds(polled, jitter=jitter)

    longest = 7 * DAY if state == S.DELIVERED else 48 * HOUR
    assert waited is None or 0 < waited <= longest * 1.1
    if state in CLOSED:
        assert waited is None
