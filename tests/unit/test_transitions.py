"""State machines as tables, for any table; and the table of partnerships."""

import itertools
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.errors import IllegalTransition
from oms.domain.partnerships import PARTNERSHIP_TABLE, PartnershipEvent, PartnershipState
from oms.domain.transitions import TransitionTable


class Light(StrEnum):
    RED = "RED"
    GREEN = "GREEN"
    BROKEN = "BROKEN"
    GONE = "GONE"


class Act(StrEnum):
    SWITCH = "switch"
    BREAK = "break"
    TAKE_AWAY = "take away"


CELLS = list(itertools.product(Light, Act))
arrows = st.dictionaries(st.sampled_from(CELLS), st.sampled_from(Light))


@given(arrows=arrows)
def test_every_pair_moves_as_the_table_says_or_is_refused(arrows):
    table = TransitionTable("light", Light.RED, arrows)

    for state, act in CELLS:
        if (state, act) in arrows:
            assert table.advance("lights/1", state, act) == arrows[state, act]
        else:
            with pytest.raises(IllegalTransition) as refusal:
                table.advance("lights/1", state, act)
            assert refusal.value.allowed == table.allowed(state)
            assert act.value not in table.allowed(state)


@given(arrows=arrows)
def test_finals_are_the_states_without_exits(arrows):
    table = TransitionTable("light", Light.RED, arrows)

    assert table.finals() == {state for state in Light if table.allowed(state) == ()}


@given(arrows=arrows)
def test_unreachable_states_are_found(arrows):
    reached = {Light.RED}
    for _ in Light:
        reached |= {after for (state, _), after in arrows.items() if state in reached}

    assert TransitionTable("light", Light.RED, arrows).unreachable() == set(Light) - reached


def test_refusal_names_what_was_tried_and_what_is_allowed():
    table = TransitionTable(
        "light",
        Light.RED,
        {(Light.RED, Act.SWITCH): Light.GREEN, (Light.RED, Act.BREAK): Light.BROKEN},
    )

    with pytest.raises(IllegalTransition) as refusal:
        table.advance("lights/1", Light.RED, Act.TAKE_AWAY)

    assert refusal.value.message == (
        "cannot take away lights/1: it is RED, which allows switch, break"
    )
    assert refusal.value.metadata == {
        "subject": "lights/1",
        "event": "take away",
        "current_state": "RED",
        "allowed": "switch,break",
    }


S, E = PartnershipState, PartnershipEvent
PARTNERSHIP_MOVES = {
    (S.INVITED, E.ACCEPT): S.ACTIVE,
    (S.ACTIVE, E.SUSPEND): S.SUSPENDED,
    (S.SUSPENDED, E.RESUME): S.ACTIVE,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(S, E)))
def test_partnership_moves_only_along_its_table(state, event):
    if (state, event) in PARTNERSHIP_MOVES:
        assert PARTNERSHIP_TABLE.advance("p", state, event) == PARTNERSHIP_MOVES[state, event]
    else:
        with pytest.raises(IllegalTransition):
            PARTNERSHIP_TABLE.advance("p", state, event)


def test_partnership_reaches_every_state_and_never_ends():
    assert PARTNERSHIP_TABLE.unreachable() == frozenset()
    assert PARTNERSHIP_TABLE.finals() == frozenset()
