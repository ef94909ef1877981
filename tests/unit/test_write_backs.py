"""When stores are told of parcels, cell by cell."""

import itertools

import pytest

from oms.domain.ledger import LineLedger
from oms.domain.stores import WriteBackMode
from oms.domain.write_backs import (
    BACK_OFF_MAX_MS,
    FAILURES_MAX,
    FIRST_WORDS,
    VOIDED_WORDS,
    WRITE_BACK_TABLE,
    Action,
    ParcelStanding,
    WriteBackEvent,
    WriteBackState,
    decide,
    has_waiting_units,
    is_wholly_shipped,
    pause_ms,
)

M, S, E, A = WriteBackMode, WriteBackState, WriteBackEvent, Action


def test_table_is_sound_and_ends_where_it_should():
    assert WRITE_BACK_TABLE.unreachable() == frozenset()
    assert WRITE_BACK_TABLE.finals() == {S.CONFIRMED, S.SUPERSEDED}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(S, E)))
def test_every_arrow_is_meant(state, event):
    arrows = {
        (S.PENDING, E.SEND): S.SENT,
        (S.PENDING, E.GIVE_UP): S.FAILED,
        (S.PENDING, E.SUPERSEDE): S.SUPERSEDED,
        (S.SENT, E.SEND): S.SENT,
        (S.SENT, E.CONFIRM): S.CONFIRMED,
        (S.SENT, E.GIVE_UP): S.FAILED,
        (S.SENT, E.SUPERSEDE): S.SUPERSEDED,
        (S.FAILED, E.RETRY): S.PENDING,
        (S.FAILED, E.SUPERSEDE): S.SUPERSEDED,
    }

    assert WRITE_BACK_TABLE.arrows.get((state, event)) == arrows.get((state, event))


def test_tables_have_every_cell():
    assert set(FIRST_WORDS) == set(itertools.product(M, (False, True)))
    assert set(VOIDED_WORDS) == set(S)


@pytest.mark.parametrize(
    ("mode", "waits", "is_told"),
    [
        (M.SEPARATE, True, True),
        (M.SEPARATE, False, True),
        (M.TOGETHER, True, False),
        (M.TOGETHER, False, True),
        (M.OFF, True, False),
        (M.OFF, False, False),
    ],
)
def test_mode_decides_when_a_parcel_is_told(mode, waits, is_told):
    parcel = ParcelStanding("p1", is_tellable=True, is_void=False)

    expected = {"p1": A.TELL} if is_told else {}
    assert decide(mode, [parcel], has_waiting_units=waits) == expected


@pytest.mark.parametrize("mode", M)
@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize(("is_tellable", "is_void"), [(False, False), (True, True), (False, True)])
def test_parcel_that_no_carrier_has_or_that_is_void_is_never_told(
    mode, waits, is_tellable, is_void
):
    parcel = ParcelStanding("p1", is_tellable=is_tellable, is_void=is_void)

    assert decide(mode, [parcel], has_waiting_units=waits) == {}


@pytest.mark.parametrize("mode", M)
@pytest.mark.parametrize("told", S)
def test_what_is_noted_stays_noted_whatever_the_mode_becomes(mode, told):
    parcel = ParcelStanding("p1", is_tellable=True, is_void=False, told=told)

    assert decide(mode, [parcel], has_waiting_units=False) == {}


@pytest.mark.parametrize(
    ("told", "action"),
    [
        (S.PENDING, A.SUPERSEDE),
        (S.FAILED, A.SUPERSEDE),
        (S.SENT, A.MARK_OUTDATED),
        (S.CONFIRMED, A.MARK_OUTDATED),
        (S.SUPERSEDED, None),
    ],
)
def test_void_supersedes_what_was_not_told_and_marks_what_was(told, action):
    parcel = ParcelStanding("p1", is_tellable=True, is_void=True, told=told)

    expected = {} if action is None else {"p1": action}
    assert decide(M.SEPARATE, [parcel], has_waiting_units=False) == expected


def test_outdated_write_back_is_marked_once():
    parcel = ParcelStanding(
        "p1", is_tellable=True, is_void=True, told=S.CONFIRMED, is_outdated=True
    )

    assert decide(M.SEPARATE, [parcel], has_waiting_units=False) == {}


@pytest.mark.parametrize(
    ("ledger", "waits", "is_shipped"),
    [
        (LineLedger(2), True, False),
        (LineLedger(2, allocated=2), True, False),
        (LineLedger(2, packed=2), True, False),
        (LineLedger(2, packed=2, handed_over=1), True, False),
        (LineLedger(2, packed=2, handed_over=2), False, True),
        (LineLedger(2, packed=1, handed_over=1), True, False),
        (LineLedger(2, removed=1, packed=1, handed_over=1), False, True),
        (LineLedger(2, excluded=1, packed=1, handed_over=1), False, False),
        (LineLedger(2, removed=2), False, False),
        (LineLedger(2, elsewhere=2), False, False),
    ],
)
def test_order_is_complete_when_carriers_have_what_the_store_wants(ledger, waits, is_shipped):
    assert has_waiting_units([ledger]) is waits
    assert is_wholly_shipped([ledger]) is is_shipped


def test_line_fulfilled_elsewhere_does_not_keep_an_order_from_being_complete():
    lines = [LineLedger(1, packed=1, handed_over=1), LineLedger(1, elsewhere=1)]

    assert is_wholly_shipped(lines)


def test_pauses_grow_to_hours_and_are_spread():
    pauses = [pause_ms(failures, 0.5) for failures in range(1, FAILURES_MAX)]

    assert pauses[:3] == [5_000, 10_000, 20_000]
    assert pauses == sorted(pauses)
    assert 5 * 3_600_000 > sum(pauses) > 2 * 3_600_000
    assert pause_ms(100, 0.999) < BACK_OFF_MAX_MS * 1.25
    assert pause_ms(1, 0.0) == 3_750
