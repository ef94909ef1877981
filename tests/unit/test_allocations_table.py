"""The table of a vendor's part, cell by cell, written apart from the code."""

import itertools

import pytest

from oms.domain.allocations import (
    ALLOCATION_TABLE,
    LIVE_STATES,
    REFUSED_STATES,
    AllocationEvent,
    AllocationState,
)
from oms.domain.errors import IllegalTransition

S, E = AllocationState, AllocationEvent

# Section 2 of the design: state -> event -> state after it.
MOVES = {
    S.SUBMITTED: {
        E.ACCEPT: S.ACCEPTED,
        E.PACK: S.ACCEPTED,  # The first package accepts it.
        E.REJECT: S.REJECTED,
        E.EXPIRE: S.EXPIRED,
        E.CANCEL: S.CANCELLED,
    },
    S.ACCEPTED: {
        E.PACK: S.ACCEPTED,
        E.VOID_PACKAGE: S.ACCEPTED,
        E.COMPLETE: S.CLOSED,
        E.CLOSE_SHORT: S.CLOSED,
        E.REQUEST_CANCELLATION: S.CANCELLATION_REQUESTED,
    },
    S.CANCELLATION_REQUESTED: {
        E.PACK: S.CANCELLATION_REQUESTED,
        E.VOID_PACKAGE: S.CANCELLATION_REQUESTED,
        E.COMPLETE: S.CLOSED,
        E.REFUSE_CANCELLATION: S.ACCEPTED,
        E.AGREE_TO_CANCEL: S.CANCELLED,
        E.AGREE_IN_PART: S.ACCEPTED,
        E.TAKE_REQUEST_BACK: S.ACCEPTED,
        E.WITHDRAW_REST: S.CLOSED,
    },
    S.CLOSED: {E.VOID_PACKAGE: S.ACCEPTED},
    S.REJECTED: {},
    S.EXPIRED: {},
    S.CANCELLED: {},
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(S, E)))
def test_allocation_moves_only_along_its_table(state, event):
    if event in MOVES[state]:
        assert ALLOCATION_TABLE.advance("a", state, event) == MOVES[state][event]
    else:
        with pytest.raises(IllegalTransition) as refusal:
            ALLOCATION_TABLE.advance("a", state, event)
        assert set(refusal.value.allowed) == {allowed.value for allowed in MOVES[state]}


def test_every_state_is_reached():
    assert ALLOCATION_TABLE.initial == S.SUBMITTED
    assert ALLOCATION_TABLE.unreachable() == frozenset()


def test_units_that_went_back_never_return_by_the_same_allocation():
    assert ALLOCATION_TABLE.finals() == {S.REJECTED, S.EXPIRED, S.CANCELLED}


def test_live_states_are_those_in_which_a_vendor_may_pack():
    assert {state for state in S if E.PACK in MOVES[state]} == LIVE_STATES
    assert ALLOCATION_TABLE.finals() >= REFUSED_STATES


def test_every_event_is_used():
    assert {event for (_, event) in ALLOCATION_TABLE.arrows} == set(E)
