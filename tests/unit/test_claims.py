"""What may be claimed, for which issues, and until when."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.claims import (
    DAY_MS,
    AfterSalesPolicy,
    Blocker,
    Claim,
    IssueType,
    ParcelUnits,
    judge,
    judge_type,
)
from oms.domain.tracking import PackageState

P, T, B = PackageState, IssueType, Blocker
SENT = 1_000 * DAY_MS
POLICY = AfterSalesPolicy()
PARCEL = ParcelUnits(
    line_id="l",
    package_id="p",
    vendor_id="v",
    quantity=5,
    state=P.IN_TRANSIT,
    announced_at=SENT - DAY_MS,
    handed_over_at=SENT,
    delivered_at=None,
    policy=POLICY,
)
ARRIVED = replace(PARCEL, state=P.DELIVERED, delivered_at=SENT + 9 * DAY_MS)
SEEN = (
    *(T.DAMAGED, T.DEFECTIVE, T.WRONG_ITEM, T.MISSING_ITEM, T.WRONG_VARIANT, T.NOT_AS_DESCRIBED),
)


def blockers(units: ParcelUnits, day: int) -> dict[IssueType, Blocker | None]:
    return {kind: judge_type(units, kind, SENT + day * DAY_MS).blocker for kind in T}


def expected(**differing: Blocker | None) -> dict[IssueType, Blocker | None]:
    return {kind: differing.get(kind.name) for kind in T}


def test_parcel_in_time_may_be_damaged_but_is_not_late():
    early = dict.fromkeys(("NOT_RECEIVED", "DELAYED", "LOST"), B.TOO_EARLY)

    assert blockers(PARCEL, 29) == expected(**early, RETURNED_TO_SENDER=B.NOT_RETURNED)
    assert blockers(PARCEL, 30) == expected(RETURNED_TO_SENDER=B.NOT_RETURNED)
    assert judge_type(PARCEL, T.LOST, SENT).from_at == SENT + 30 * DAY_MS
    assert judge_type(PARCEL, T.DAMAGED, SENT).from_at is None


def test_parcel_in_trouble_is_lost_at_once():
    lost = replace(PARCEL, state=P.EXCEPTION)

    assert blockers(lost, 1) == expected(RETURNED_TO_SENDER=B.NOT_RETURNED)
    assert blockers(replace(PARCEL, state=P.RETURNED), 1) == expected()


def test_delivered_parcel_is_not_missing():
    absent = dict.fromkeys(
        ("NOT_RECEIVED", "DELAYED", "LOST", "CUSTOMS", "CUSTOMER_CANCELLED"), B.DELIVERED
    )

    assert blockers(ARRIVED, 10) == expected(**absent, RETURNED_TO_SENDER=B.NOT_RETURNED)


def test_policy_may_let_a_delivered_parcel_be_not_received():
    excused = replace(ARRIVED, policy=replace(POLICY, not_received_when_delivered=True))

    assert judge_type(excused, T.NOT_RECEIVED, SENT + 10 * DAY_MS).blocker is None
    assert judge_type(excused, T.LOST, SENT + 10 * DAY_MS).blocker == B.DELIVERED


@pytest.mark.parametrize(("units", "last_day"), [(ARRIVED, 9 + 30), (PARCEL, 120)])
def test_window_closes_to_the_millisecond(units, last_day):
    end = SENT + last_day * DAY_MS

    assert judge_type(units, T.DAMAGED, end - 1).blocker is None
    assert {judge_type(units, kind, end).blocker for kind in T} == {B.WINDOW_CLOSED}
    assert judge_type(units, T.DAMAGED, end).until_at == end


def test_photos_are_needed_for_what_only_shows_on_them():
    needed = {kind: judge_type(ARRIVED, kind, SENT).photo_count_min for kind in T}

    assert needed == {kind: int(kind in SEEN) for kind in T}
    assert POLICY.photos_needed([T.LOST, T.DAMAGED]) == 1
    assert POLICY.photos_needed([]) == 0


def test_units_outside_of_parcels_and_parcels_with_the_vendor_are_not_shipped():
    waiting = replace(PARCEL, state=P.ANNOUNCED, handed_over_at=None)

    packed, unpacked = judge([waiting], {"l": 2, "other": 0}, SENT)

    assert (packed.package_id, packed.quantity, packed.blocker) == ("p", 5, B.NOT_SHIPPED)
    assert (unpacked.package_id, unpacked.quantity, unpacked.blocker) == ("", 2, B.NOT_SHIPPED)


def test_parcel_that_was_never_scanned_and_given_up_can_be_claimed():
    silent = replace(PARCEL, state=P.EXPIRED, handed_over_at=None)

    [group] = judge([silent], {}, SENT)

    assert (group.quantity, group.blocker) == (5, None)


def test_units_in_cases_are_apart_from_those_that_are_free():
    claims = (Claim("k1", 1, is_settled=False), Claim("k2", 2, is_settled=True))

    in_case, settled, free = judge([replace(PARCEL, claims=claims)], {}, SENT)

    assert (in_case.quantity, in_case.blocker, in_case.case_ids) == (1, B.IN_OPEN_CASE, ("k1",))
    assert (settled.quantity, settled.blocker, settled.case_ids) == (2, B.SETTLED, ("k2",))
    assert (free.quantity, free.blocker, [item.type for item in free.types]) == (2, None, list(T))


claims = st.lists(st.builds(Claim, st.just("k"), st.integers(1, 3), st.booleans()), max_size=4)


@given(state=st.sampled_from(P), carried=st.booleans(), claims=claims, day=st.integers(0, 200))
def test_every_unit_is_judged_once(state, carried, claims, day):
    units = replace(
        PARCEL,
        state=state,
        handed_over_at=SENT if carried else None,
        quantity=20,
        claims=tuple(claims),
    )

    groups = judge([units], {"l": 3}, SENT + day * DAY_MS)

    assert sum(group.quantity for group in groups) == 23
    assert all(bool(group.types) == (group.blocker is None) for group in groups)
