"""The table of a package, and what a whole set of events makes of it."""

import itertools
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oms.domain.packages import (
    MOVES,
    PACKAGE_TABLE,
    PackageStanding,
    is_delivered,
    is_handed_over,
    is_in_trouble,
    recompute,
    undecided_cells,
    unexplained_status,
)
from oms.domain.tracking import (
    ExceptionReason,
    Meaning,
    PackageState,
    ParcelNumber,
    TrackingEvent,
    TrackingReport,
)

S, R = PackageState, ExceptionReason
PARCEL = ParcelNumber("3011", "RR123456789CN")

# The shortest history that leads to each state, one event a second.
WAYS = {
    S.ANNOUNCED: [],
    S.HANDED_OVER: [S.HANDED_OVER],
    S.IN_TRANSIT: [S.HANDED_OVER, S.IN_TRANSIT],
    S.OUT_FOR_DELIVERY: [S.IN_TRANSIT, S.OUT_FOR_DELIVERY],
    S.PICKUP_READY: [S.IN_TRANSIT, S.PICKUP_READY],
    S.DELIVERED: [S.OUT_FOR_DELIVERY, S.DELIVERED],
    S.EXCEPTION: [S.IN_TRANSIT, S.EXCEPTION],
    S.RETURNING: [S.IN_TRANSIT, S.RETURNING],
    S.RETURNED: [S.RETURNING, S.RETURNED],
    S.EXPIRED: [S.IN_TRANSIT, S.EXPIRED],
    S.VOIDED: [S.VOIDED],
}

# Row by row, written apart from the table in the code: the news that each state follows.
FOLLOWED = {
    S.ANNOUNCED: set(S) - {S.ANNOUNCED},
    S.HANDED_OVER: set(S) - {S.ANNOUNCED, S.HANDED_OVER},
    S.IN_TRANSIT: set(S) - {S.ANNOUNCED, S.HANDED_OVER, S.IN_TRANSIT},
    S.OUT_FOR_DELIVERY: set(S) - {S.ANNOUNCED, S.HANDED_OVER, S.OUT_FOR_DELIVERY},
    S.PICKUP_READY: set(S) - {S.ANNOUNCED, S.HANDED_OVER, S.PICKUP_READY},
    S.DELIVERED: {S.RETURNING, S.RETURNED, S.VOIDED},
    S.EXCEPTION: set(S) - {S.ANNOUNCED, S.HANDED_OVER, S.EXCEPTION, S.EXPIRED},
    S.RETURNING: {S.DELIVERED, S.RETURNED, S.VOIDED},
    S.RETURNED: {S.VOIDED},
    S.EXPIRED: set(S) - {S.ANNOUNCED, S.EXPIRED},
    S.VOIDED: set(),
}


def event(state, at, *, reason=None, source="17track", description=""):
    if state == S.EXCEPTION and reason is None:
        reason = R.UNKNOWN
    raw = state.value if state else "Mystery_Status"
    return TrackingEvent(at, Meaning(state, reason), raw, description, "", source)


def way_to(state, *, starting_at=100):
    return [event(news, starting_at + second) for second, news in enumerate(WAYS[state])]


meanings = st.one_of(
    st.sampled_from([state for state in S if state != S.EXCEPTION]).map(Meaning),
    st.sampled_from(R).map(lambda reason: Meaning(S.EXCEPTION, reason)),
    st.just(Meaning(None)),
)
events = st.builds(
    TrackingEvent,
    occurred_at=st.integers(1000, 1012),  # Close together, so that many happen at once.
    meaning=meanings,
    raw_status=st.sampled_from(["", "A", "B"]),
    description=st.sampled_from(["", "one", "two"]),
    location=st.sampled_from(["", "Berlin"]),
    source=st.sampled_from(["17track", "vendor"]),
)
histories = st.lists(events, max_size=12)


def test_table_decides_every_cell_and_reaches_every_state():
    assert undecided_cells() == frozenset()
    assert len(MOVES) == len(S) ** 2
    assert PACKAGE_TABLE.unreachable() == frozenset()
    assert all(WAYS[state] == [] or recompute(way_to(state)).state == state for state in S)


def test_voided_is_the_only_final_and_nothing_but_a_correction_leaves_returned():
    assert PACKAGE_TABLE.finals() == {S.VOIDED}
    assert PACKAGE_TABLE.allowed(S.RETURNED) == (S.VOIDED,)


@pytest.mark.parametrize(("state", "news"), list(itertools.product(S, S)))
def test_later_news_moves_a_parcel_as_the_table_says(state, news):
    later = event(news, 200)

    standing = recompute([*way_to(state), later])

    assert standing.state == (news if news in FOLLOWED[state] else state)


@pytest.mark.parametrize("state", S)
def test_unknown_news_moves_nothing_but_is_a_sign_of_life(state):
    before = recompute(way_to(state))

    after = recompute([*way_to(state), event(None, 200)])

    assert (after.state, after.exception_reason) == (before.state, before.exception_reason)
    assert after.handed_over_at == before.handed_over_at
    assert after.last_event_at == 200


def test_nothing_known_is_announced():
    assert recompute([]) == PackageStanding(S.ANNOUNCED, None, None, None, None)


def test_whole_journey_with_vendor_and_carrier():
    history = [
        event(S.ANNOUNCED, 10),
        event(S.HANDED_OVER, 20, source="vendor"),
        event(S.IN_TRANSIT, 30),
        event(S.EXCEPTION, 40, reason=R.CUSTOMS),
        event(S.IN_TRANSIT, 50),
        event(S.OUT_FOR_DELIVERY, 60),
        event(S.EXCEPTION, 61, reason=R.ATTEMPT_FAILED),
        event(S.PICKUP_READY, 70),
        event(S.DELIVERED, 80),
        event(S.DELIVERED, 90, description="signed"),
    ]

    assert recompute(history) == PackageStanding(
        S.DELIVERED, None, 20, 80, 90, since=80, first_scan_at=30, was_in_trouble=True
    )


def test_failed_day_goes_back_to_transit():
    history = [event(S.OUT_FOR_DELIVERY, 10), event(S.IN_TRANSIT, 20)]

    assert recompute(history).state == S.IN_TRANSIT


def test_late_scans_of_the_past_change_nothing_that_is_known():
    known = [event(S.IN_TRANSIT, 50), event(S.DELIVERED, 80)]

    late = recompute([*known, event(S.EXCEPTION, 60), event(S.ANNOUNCED, 85)])

    assert (late.state, late.delivered_at) == (S.DELIVERED, 80)


def test_hand_over_is_known_from_an_earlier_scan_that_comes_late():
    assert recompute([event(S.IN_TRANSIT, 50)]).handed_over_at == 50
    assert recompute([event(S.IN_TRANSIT, 50), event(S.HANDED_OVER, 20)]).handed_over_at == 20


@pytest.mark.parametrize(
    ("reason", "is_with_carrier"),
    [
        (R.ATTEMPT_FAILED, True),
        (R.CUSTOMS, True),
        (R.HELD, True),
        (R.DAMAGED, True),
        (R.LOST, True),
        (R.REFUSED, True),
        (R.ADDRESS, False),
        (R.DELAYED, False),
        (R.CANCELLED, False),
        (R.UNKNOWN, False),
    ],
)
def test_trouble_before_any_scan_counts_as_handed_over_only_if_it_proves_it(
    reason, is_with_carrier
):
    first = recompute([event(S.ANNOUNCED, 10), event(S.EXCEPTION, 20, reason=reason)])
    after_scan = recompute([event(S.HANDED_OVER, 10), event(S.EXCEPTION, 20, reason=reason)])

    assert first.state == S.EXCEPTION
    assert is_handed_over(first.state, first.handed_over_at) == is_with_carrier
    assert is_handed_over(after_scan.state, after_scan.handed_over_at)


def test_expired_label_was_never_handed_over():
    standing = recompute([event(S.ANNOUNCED, 10), event(S.EXPIRED, 99)])

    assert (standing.state, standing.handed_over_at) == (S.EXPIRED, None)
    assert standing.last_event_at == 10


def test_later_reason_counts_unless_it_has_no_name():
    lost = [event(S.EXCEPTION, 10, reason=R.DELAYED), event(S.EXCEPTION, 20, reason=R.LOST)]

    assert recompute(lost).exception_reason == R.LOST
    assert recompute([*lost, event(S.EXCEPTION, 30)]).exception_reason == R.LOST
    assert recompute([event(S.EXCEPTION, 30)]).exception_reason == R.UNKNOWN
    recovered = [*lost, event(S.IN_TRANSIT, 40), event(S.EXCEPTION, 50)]
    assert recompute(recovered).exception_reason == R.UNKNOWN


def test_return_after_delivery_takes_the_delivery_back():
    history = [event(S.DELIVERED, 10), event(S.RETURNING, 20), event(S.IN_TRANSIT, 30)]

    standing = recompute(history)

    assert (standing.state, standing.delivered_at) == (S.RETURNING, None)
    assert is_handed_over(standing.state, standing.handed_over_at)


def test_voided_parcel_counts_for_nothing():
    standing = recompute([event(S.DELIVERED, 10), event(S.VOIDED, 20), event(S.IN_TRANSIT, 30)])

    assert standing.state == S.VOIDED
    assert not is_handed_over(standing.state, standing.handed_over_at)
    assert not is_delivered(standing.state)
    assert not is_in_trouble(standing.state)


@pytest.mark.parametrize("state", S)
def test_predicates_of_every_state(state):
    assert is_in_trouble(state) == (state in {S.EXCEPTION, S.RETURNING, S.RETURNED, S.EXPIRED})
    assert is_delivered(state) == (state == S.DELIVERED)


def test_day_without_times_is_read_as_a_journey():
    day = [S.DELIVERED, S.OUT_FOR_DELIVERY, S.EXCEPTION, S.IN_TRANSIT, S.ANNOUNCED]

    assert recompute(event(news, 10) for news in day).state == S.DELIVERED


@given(histories, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(history, luck):
    shuffled = random.Random(luck.random()).sample(history, len(history))

    assert recompute(shuffled) == recompute(history)
    assert recompute(sorted(history, key=lambda e: e.occurred_at)) == recompute(history)


@given(histories, st.data())
def test_repeated_events_change_nothing(history, data):
    assume(history)
    again = data.draw(st.lists(st.sampled_from(history), max_size=6))

    assert recompute(history + again) == recompute(history)


@given(
    st.lists(events.filter(lambda e: e.meaning.state not in {S.RETURNED, S.VOIDED}), max_size=9),
    st.lists(events.filter(lambda e: e.meaning.state not in {S.RETURNED, S.VOIDED}), max_size=3),
)
def test_older_events_never_take_a_delivery_back(history, older):
    # RETURNED is left out, for it stays: what is delivered after it, is delivered to the sender.
    known = [*history, event(S.DELIVERED, 1013)]
    before = recompute(known)

    after = recompute([*known, *older])

    assert before.state == after.state == S.DELIVERED


@given(histories, st.sampled_from([S.ANNOUNCED, S.HANDED_OVER]), st.integers(1013, 2000))
def test_label_or_hand_over_after_scans_never_moves_back(history, news, at):
    before = recompute(history)
    assume(before.state not in {S.ANNOUNCED, S.EXPIRED})

    assert recompute([*history, event(news, at)]).state == before.state


@given(histories, events)
def test_more_events_never_undo_a_hand_over_or_make_it_later(history, more):
    before = recompute(history).handed_over_at
    after = recompute([*history, more]).handed_over_at

    assert before is None or (after is not None and after <= before)


@given(histories)
def test_standing_is_whole(history):
    standing = recompute(history)

    assert (standing.exception_reason is not None) == (standing.state == S.EXCEPTION)
    assert (standing.delivered_at is not None) == (standing.state == S.DELIVERED)
    if standing.state in {S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.PICKUP_READY, S.DELIVERED}:
        assert standing.handed_over_at is not None


@given(histories)
def test_fold_takes_only_arrows_of_the_table(history):
    in_time = sorted(set(history), key=lambda e: e.occurred_at)
    moments = sorted({e.occurred_at for e in in_time})
    states = [recompute(e for e in in_time if e.occurred_at <= moment).state for moment in moments]

    for before, after in itertools.pairwise([S.ANNOUNCED, *states]):
        assert before == after or after in reachable(before)


def reachable(state):
    """States that one second's news may lead to, over any number of arrows."""
    found: set[PackageState] = set()
    frontier = [state]
    while frontier:
        present = frontier.pop()
        targets = {
            after for (before, _), after in PACKAGE_TABLE.arrows.items() if before == present
        }
        frontier += targets - found
        found |= targets
    return found


def report(state, *told, reason=None):
    return TrackingReport(PARCEL, Meaning(state, reason), "Word", tuple(told))


def test_status_without_a_scan_becomes_an_event_once():
    scans = [event(S.IN_TRANSIT, 10)]
    read = report(S.EXPIRED, *scans)

    added = unexplained_status(read, [], source="17track", seen_at=50)

    assert added is not None
    assert added == TrackingEvent(50, Meaning(S.EXPIRED), "Word", "", "", "17track")
    assert recompute([*scans, added]).state == S.EXPIRED
    assert unexplained_status(read, [added], source="17track", seen_at=60) is None


@pytest.mark.parametrize(
    "read",
    [
        report(None, event(S.IN_TRANSIT, 10)),
        report(S.IN_TRANSIT, event(S.IN_TRANSIT, 10)),
        report(S.ANNOUNCED, event(S.IN_TRANSIT, 10)),
        report(S.IN_TRANSIT, event(S.DELIVERED, 10)),
        report(S.EXCEPTION, event(S.EXCEPTION, 10, reason=R.LOST), reason=R.UNKNOWN),
    ],
)
def test_status_that_is_told_or_moves_nothing_becomes_no_event(read):
    assert unexplained_status(read, [], source="17track", seen_at=50) is None


@given(histories, meanings, st.integers(2000, 3000))
def test_same_status_read_again_adds_nothing(history, meaning, seen_at):
    read = TrackingReport(PARCEL, meaning, "Word", tuple(history))
    added = unexplained_status(read, [], source="17track", seen_at=seen_at)
    stored = [added] if added else []

    assert unexplained_status(read, stored, source="17track", seen_at=seen_at + 9) is None
