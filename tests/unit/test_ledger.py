"""The ledger of a line, against the sentences of the design, and for any counters."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.allocations import AllocationState
from oms.domain.ledger import (
    AllocatedUnits,
    LineLedger,
    PackedUnits,
    ShippingStatus,
    recount,
    restate,
    shipping_status,
)
from oms.domain.tracking import PackageState

A, P = AllocationState, PackageState
LIVE = {A.SUBMITTED, A.ACCEPTED, A.CANCELLATION_REQUESTED}
units = st.integers(0, 6)


@st.composite
def sound_ledgers(draw):
    """Any counters that a line can have, over-allocated ones included."""
    ordered = draw(units)
    removed = draw(st.integers(0, ordered))
    packed = draw(units)
    handed_over = draw(st.integers(0, packed))
    delivered = draw(st.integers(0, handed_over))
    return LineLedger(
        ordered=ordered,
        removed=removed,
        elsewhere=draw(st.integers(0, ordered - removed)),
        excluded=draw(units),
        allocated=draw(units),
        packed=packed,
        handed_over=handed_over,
        delivered=delivered,
        settled=draw(st.integers(0, handed_over - delivered)),
    )


allocated_units = st.builds(
    lambda state, parts: AllocatedUnits(state, sum(parts), parts[0], parts[1]),
    st.sampled_from(A),
    st.tuples(units, units, units),
)
packed_units = st.builds(
    lambda state, carried, quantity: PackedUnits(state, carried or state == P.DELIVERED, quantity),
    st.sampled_from(P),
    st.booleans(),
    st.integers(1, 6),
)


@given(ledger=sound_ledgers())
def test_open_is_what_nobody_has_and_never_below_zero(ledger):
    rest = ledger.ordered - ledger.removed - ledger.elsewhere
    rest -= ledger.excluded + ledger.allocated + ledger.packed

    assert ledger.open == max(0, rest)
    assert ledger.is_over_allocated == (rest < 0)
    assert ledger.broken_rules() == ()


@pytest.mark.parametrize(
    ("ledger", "broken"),
    [
        (LineLedger(2, removed=-1), "at least 0"),
        (LineLedger(2, settled=-1, handed_over=0), "at least 0"),
        (LineLedger(2, removed=2, elsewhere=1), "at most ordered"),
        (LineLedger(2, packed=1, handed_over=2), "handed over is at most packed"),
        (LineLedger(2, packed=2, handed_over=1, delivered=1, settled=1), "delivered and settled"),
    ],
)
def test_counters_that_cannot_be_are_named(ledger, broken):
    [rule] = ledger.broken_rules()

    assert broken in rule


@given(ledger=sound_ledgers(), parts=st.lists(allocated_units), parcels=st.lists(packed_units))
def test_recount_sums_live_units_and_parcels_that_are_not_void(ledger, parts, parcels):
    counted = recount(ledger, iter(parts), iter(parcels))

    real = [parcel for parcel in parcels if parcel.state != P.VOIDED]
    assert counted == replace(
        ledger,
        allocated=sum(p.quantity - p.packed - p.returned for p in parts if p.state in LIVE),
        packed=sum(parcel.quantity for parcel in real),
        handed_over=sum(parcel.quantity for parcel in real if parcel.is_handed_over),
        delivered=sum(parcel.quantity for parcel in real if parcel.state == P.DELIVERED),
    )
    assert recount(counted, parts, parcels) == counted


@st.composite
def store_words(draw):
    bought = draw(units)
    return {
        "bought": bought,
        "taken_out": draw(st.integers(0, bought)),
        "is_gone": draw(st.booleans()),
        "is_fulfilled": draw(st.booleans()),
    }


@given(ledger=sound_ledgers(), words=store_words())
def test_the_stores_word_told_twice_is_told_once(ledger, words):
    once = restate(ledger, **words)

    assert restate(once, **words) == once
    assert once.broken_rules() == ()


@given(ledger=sound_ledgers(), words=store_words())
def test_the_stores_word_never_touches_what_vendors_have(ledger, words):
    after = restate(ledger, **words)

    assert after.counters()[4:] == ledger.counters()[4:]
    assert after.ordered == max(ledger.ordered, words["bought"])
    assert after.removed <= after.ordered - min(after.packed, after.ordered)


@given(ledger=sound_ledgers(), words=store_words())
def test_units_stay_open_exactly_as_the_store_still_wants_them(ledger, words):
    after = restate(ledger, **words)

    wanted = 0 if words["is_gone"] else words["bought"] - words["taken_out"]
    taken = after.excluded + ledger.allocated + ledger.packed
    assert after.open == (0 if words["is_fulfilled"] else max(0, wanted - taken))
    if wanted > taken:
        assert after.elsewhere == (wanted - taken if words["is_fulfilled"] else 0)


def say(ledger, bought, taken_out=0, *, is_gone=False, is_fulfilled=False):
    return restate(
        ledger, bought=bought, taken_out=taken_out, is_gone=is_gone, is_fulfilled=is_fulfilled
    )


def test_new_line_is_open():
    assert say(LineLedger(0), 3) == LineLedger(3)


def test_lowered_quantity_is_removed_and_comes_back_when_it_is_raised():
    lowered = say(LineLedger(5), 2)

    assert lowered == LineLedger(5, removed=3)
    assert say(lowered, 4) == LineLedger(5, removed=1)
    assert say(lowered, 7) == LineLedger(7)


def test_refund_of_unpacked_units_takes_them_out():
    assert say(LineLedger(3), 3, 2) == LineLedger(3, removed=2)


def test_refund_of_packed_units_moves_no_goods():
    packed = LineLedger(3, packed=3, handed_over=1)

    assert say(packed, 3, 3) == packed
    assert say(LineLedger(3, packed=2), 3, 2) == LineLedger(3, removed=1, packed=2)


def test_refund_of_allocated_units_over_allocates():
    after = say(LineLedger(3, allocated=3), 3, 1)

    assert after == LineLedger(3, removed=1, allocated=3)
    assert (after.is_over_allocated, after.open) == (True, 0)


def test_units_that_nobody_processes_are_removed_before_those_of_vendors():
    assert say(LineLedger(3, excluded=1, allocated=2), 3, 1) == LineLedger(
        3, removed=1, allocated=2
    )
    assert say(LineLedger(3, excluded=2, allocated=1), 3, 1) == LineLedger(
        3, removed=1, excluded=1, allocated=1
    )


def test_units_that_nobody_has_are_removed_before_those_that_nobody_processes():
    assert say(LineLedger(3, excluded=1), 3, 2) == LineLedger(3, removed=2, excluded=1)
    assert say(LineLedger(2, excluded=2), 2, is_gone=True) == LineLedger(2, removed=2)


def test_cancelled_line_keeps_only_what_is_in_parcels():
    after = say(LineLedger(4, allocated=1, packed=2), 4, is_gone=True)

    assert after == LineLedger(4, removed=2, allocated=1, packed=2)
    assert say(LineLedger(4), 4, is_gone=True) == LineLedger(4, removed=4)


def test_fulfilled_in_the_store_takes_all_that_is_not_in_a_parcel():
    after = say(LineLedger(5, allocated=1, packed=2), 5, is_fulfilled=True)

    assert after == LineLedger(5, elsewhere=3, allocated=1, packed=2)
    assert (after.open, after.is_over_allocated) == (0, True)


def test_fulfilment_that_the_store_takes_back_opens_the_units_again():
    fulfilled = say(LineLedger(2), 2, is_fulfilled=True)

    assert fulfilled == LineLedger(2, elsewhere=2)
    assert say(fulfilled, 2) == LineLedger(2)


def literal_status(lines, *, trouble):
    """Section 2 of the design, sentence by sentence."""
    opened = sum(
        max(0, x.ordered - x.removed - x.elsewhere - x.excluded - x.allocated - x.packed)
        for x in lines
    )
    if trouble:
        return "EXCEPTION"
    if opened > 0:
        return "PENDING"
    if sum(x.allocated for x in lines) > 0 or sum(x.packed - x.handed_over for x in lines) > 0:
        return "PROCESSING"
    if sum(x.handed_over - x.delivered - x.settled for x in lines) > 0:
        return "IN_TRANSIT"
    if sum(x.delivered for x in lines) > 0:
        return "DELIVERED"
    return None


@given(lines=st.lists(sound_ledgers(), max_size=4), trouble=st.booleans())
def test_status_is_what_the_design_says(lines, trouble):
    assert shipping_status(iter(lines), has_parcel_in_trouble=trouble) == literal_status(
        lines, trouble=trouble
    )


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], None),
        ([LineLedger(2, removed=2)], None),
        ([LineLedger(2, excluded=2)], None),
        ([LineLedger(2), LineLedger(1, packed=1, handed_over=1)], ShippingStatus.PENDING),
        ([LineLedger(1, packed=1)], ShippingStatus.PROCESSING),
        ([LineLedger(1, packed=1, handed_over=1)], ShippingStatus.IN_TRANSIT),
        ([LineLedger(1, packed=1, handed_over=1, settled=1)], None),
        (
            [
                LineLedger(1, packed=1, handed_over=1, settled=1),
                LineLedger(1, packed=1, handed_over=1, delivered=1),
            ],
            ShippingStatus.DELIVERED,
        ),
    ],
)
def test_status_of_telling_orders(lines, status):
    assert shipping_status(lines, has_parcel_in_trouble=False) == status


def test_a_tracking_number_alone_is_not_in_transit():
    announced = recount(
        LineLedger(1), [], [PackedUnits(P.ANNOUNCED, is_handed_over=False, quantity=1)]
    )

    assert shipping_status([announced], has_parcel_in_trouble=False) == ShippingStatus.PROCESSING
