"""The table of a case, cell by cell and role by role, written apart from the code."""

import itertools

import pytest

from oms.domain.cases import (
    ACTORS,
    AGREED_STATES,
    CASE_TABLE,
    FINAL_STATES,
    OPEN_STATES,
    TURNS,
    CaseAction,
    CaseState,
    advance,
    allowed_actions,
)
from oms.domain.errors import IllegalTransition
from oms.domain.principals import Role

S, A = CaseState, CaseAction
MERCHANT, VENDOR, OPERATOR, SYSTEM = Role.MERCHANT, Role.VENDOR, Role.OPERATOR, None
ROLES = (MERCHANT, VENDOR, OPERATOR, SYSTEM)

# State -> who -> what -> state after it.
MOVES: dict[CaseState, dict[Role | None, dict[CaseAction, CaseState]]] = {
    S.DRAFT: {
        MERCHANT: {A.UPDATE: S.DRAFT, A.SUBMIT: S.SUBMITTED, A.WITHDRAW: S.WITHDRAWN},
        SYSTEM: {A.RUN_OUT: S.EXPIRED},
    },
    S.SUBMITTED: {
        VENDOR: {
            A.ACCEPT: S.ACCEPTED,
            A.REJECT: S.REJECTED,
            A.OFFER: S.OFFERED,
            A.REQUEST_INFO: S.INFO_REQUESTED,
        },
        MERCHANT: {A.WITHDRAW: S.WITHDRAWN},
        SYSTEM: {A.RUN_OUT: S.ESCALATED},
    },
    S.INFO_REQUESTED: {
        MERCHANT: {
            A.PROVIDE_INFO: S.SUBMITTED,
            A.ESCALATE: S.ESCALATED,
            A.WITHDRAW: S.WITHDRAWN,
        },
        VENDOR: {A.ACCEPT: S.ACCEPTED, A.OFFER: S.OFFERED},
        SYSTEM: {A.RUN_OUT: S.EXPIRED},
    },
    S.OFFERED: {
        MERCHANT: {
            A.ACCEPT_OFFER: S.ACCEPTED,
            A.DECLINE_OFFER: S.SUBMITTED,
            A.COUNTER: S.COUNTERED,
            A.ESCALATE: S.ESCALATED,
            A.WITHDRAW: S.WITHDRAWN,
        },
        VENDOR: {A.ACCEPT: S.ACCEPTED},
        SYSTEM: {A.RUN_OUT: S.EXPIRED},
    },
    S.COUNTERED: {
        VENDOR: {
            A.ACCEPT: S.ACCEPTED,
            A.REJECT: S.REJECTED,
            A.OFFER: S.OFFERED,
            A.REQUEST_INFO: S.INFO_REQUESTED,
        },
        MERCHANT: {A.ESCALATE: S.ESCALATED, A.WITHDRAW: S.WITHDRAWN},
        SYSTEM: {A.RUN_OUT: S.ESCALATED},
    },
    S.REJECTED: {
        MERCHANT: {A.ESCALATE: S.ESCALATED, A.WITHDRAW: S.WITHDRAWN},
        VENDOR: {A.ACCEPT: S.ACCEPTED, A.OFFER: S.OFFERED},
        SYSTEM: {A.RUN_OUT: S.DISMISSED},
    },
    S.ESCALATED: {
        OPERATOR: {A.UPHOLD: S.ACCEPTED, A.DISMISS: S.DISMISSED},
        VENDOR: {A.ACCEPT: S.ACCEPTED},
        MERCHANT: {A.WITHDRAW: S.WITHDRAWN},
    },
    S.ACCEPTED: {
        MERCHANT: {A.RESOLVE: S.RESOLVED, A.ESCALATE: S.ESCALATED},
        OPERATOR: {A.RESOLVE: S.RESOLVED},
        SYSTEM: {A.COMPLETE: S.RESOLVED, A.FAIL: S.ESCALATED},
    },
    S.RESOLVED: {},
    S.DISMISSED: {},
    S.WITHDRAWN: {},
    S.EXPIRED: {},
}


@pytest.mark.parametrize(("state", "action", "role"), list(itertools.product(S, A, ROLES)))
def test_case_moves_only_along_its_table(state, action, role):
    moves = MOVES[state].get(role, {})

    if action in moves:
        assert advance("c", state, action, role) == moves[action]
        return
    with pytest.raises(IllegalTransition) as refusal:
        advance("c", state, action, role)
    assert set(refusal.value.allowed) == {allowed.value for allowed in moves}
    assert refusal.value.state == state


@pytest.mark.parametrize(("state", "role"), list(itertools.product(S, ROLES)))
def test_what_is_allowed_is_what_moves(state, role):
    assert set(allowed_actions(state, role)) == set(MOVES[state].get(role, {}))


def test_every_state_is_reached_and_every_action_used():
    assert CASE_TABLE.initial == S.DRAFT
    assert CASE_TABLE.unreachable() == frozenset()
    assert {action for (_, action) in CASE_TABLE.arrows} == set(A) == set(ACTORS)


def test_final_states_are_four():
    assert frozenset({S.RESOLVED, S.DISMISSED, S.WITHDRAWN, S.EXPIRED}) == FINAL_STATES
    assert frozenset({S.ACCEPTED, S.RESOLVED}) == AGREED_STATES


def test_open_states_are_those_that_are_neither_drafted_nor_ended():
    assert set(S) - FINAL_STATES - {S.DRAFT} == OPEN_STATES


@pytest.mark.parametrize("state", sorted(TURNS))
def test_whoever_has_the_turn_can_do_something(state):
    assert allowed_actions(state, TURNS[state]) != ()


@pytest.mark.parametrize("state", sorted(set(S) - FINAL_STATES))
def test_no_open_case_is_stuck(state):
    assert any(
        target != state for (source, _), target in CASE_TABLE.arrows.items() if source == state
    )


def test_time_runs_out_wherever_merchant_or_vendor_has_the_turn():
    awaited = {state for state, role in TURNS.items() if role != OPERATOR}

    assert {state for state, action in CASE_TABLE.arrows if action == A.RUN_OUT} == awaited
