"""Turns at outside systems: one caller at a time, none too early, all at one pace."""

import pytest

from oms.domain.jobs import LEASE_MS, OUTSIDE_KINDS, JobKind
from oms.storage import turns
from oms.usecases.run_job import _TURNS
from tests.services.job_table import JobTable
from tests.services.scene import at_once

NOW = 1_800_000_000_000


@pytest.fixture
def db(database):
    with database.session():
        yield database


def take(db, name, holder, now_ms=NOW):
    with db.transaction():
        return turns.take(db, name, holder, now_ms)


def test_of_many_callers_at_once_one_has_the_turn(db):
    answers = at_once(db, 20, lambda index: take(db, "stores/s1", f"t{index}"))

    assert sorted(map(str, answers))[:2] == ["0", str(NOW + 1000)]
    assert answers.count(0) == 1


def test_turn_is_kept_by_its_holder_and_free_after_it_lets_go(db):
    take(db, "stores/s1", "mine")

    assert take(db, "stores/s1", "mine", NOW + 1) == 0
    assert take(db, "stores/s1", "other", NOW + 2) == NOW + 2 + 1000
    turns.let_go(db, "other", NOW + 2)
    assert take(db, "stores/s1", "other", NOW + 3) > 0
    turns.let_go(db, "mine", NOW + 3)
    assert take(db, "stores/s1", "other", NOW + 4) == 0


def test_turn_of_a_dead_holder_is_free_when_its_lease_has_run_out(db):
    take(db, "stores/s1", "dead")

    assert take(db, "stores/s1", "next", NOW + LEASE_MS - 1) == NOW + LEASE_MS
    assert take(db, "stores/s1", "next", NOW + LEASE_MS) == 0


def test_prolonged_turn_outlives_the_first_lease(db):
    take(db, "stores/s1", "mine")
    turns.prolong(db, ["mine", "unknown"], NOW + LEASE_MS - 1)

    assert take(db, "stores/s1", "next", NOW + LEASE_MS) > 0


def test_nobody_has_a_turn_before_the_instant_that_was_asked_for(db):
    turns.rest(db, "stores/s1", NOW + 60_000, NOW)
    turns.rest(db, "stores/s1", NOW + 1_000, NOW)

    assert turns.rests_until(db, "stores/s1") == NOW + 60_000
    assert take(db, "stores/s1", "mine") == NOW + 60_000
    assert take(db, "stores/s1", "mine", NOW + 59_999) == NOW + 60_000
    assert take(db, "stores/s1", "mine", NOW + 60_000) == 0


def test_holder_that_was_told_to_wait_loses_the_next_step_too(db):
    take(db, "stores/s1", "mine")
    turns.rest(db, "stores/s1", NOW + 5_000, NOW)

    assert take(db, "stores/s1", "mine", NOW + 1) == NOW + 5_000


def test_systems_do_not_wait_for_each_other(db):
    turns.rest(db, "stores/s1", NOW + 60_000, NOW)
    take(db, "stores/s2", "mine")

    assert take(db, "stores/s3", "other") == 0


def test_calls_of_many_processes_are_spread_at_one_pace(db):
    def reserve(_index):
        with db.transaction():
            return turns.reserve_call(db, "carriers/c", NOW, 350)

    calls = at_once(db, 8, reserve)

    assert sorted(map(str, calls)) == [str(NOW + 350 * number) for number in range(8)]
    assert turns.reserve_call(db, "carriers/c", NOW + 60_000, 350) == NOW + 60_000


@pytest.mark.parametrize(
    ("took_ms", "is_slow"), [(turns.SLOW_MS, False), (turns.SLOW_MS + 1, True)]
)
def test_system_whose_turn_took_long_is_slow_for_a_while(db, took_ms, is_slow):
    assert not turns.is_slow(db, "stores/s1", NOW)
    take(db, "stores/s1", "mine")
    end = NOW + took_ms
    turns.let_go(db, "mine", end)

    assert turns.is_slow(db, "stores/s1", end) == is_slow
    assert turns.is_slow(db, "stores/s1", end + turns.SLOW_KEPT_MS - 1) == is_slow
    assert not turns.is_slow(db, "stores/s1", end + turns.SLOW_KEPT_MS)
    assert not turns.is_slow(db, "stores/s2", end)


def test_turn_of_several_calls_is_measured_from_the_last_one(db):
    take(db, "stores/s1", "mine")
    take(db, "stores/s1", "mine", NOW + turns.SLOW_MS)
    turns.let_go(db, "mine", NOW + turns.SLOW_MS + 1)

    assert not turns.is_slow(db, "stores/s1", NOW + turns.SLOW_MS + 1)


def test_system_that_a_clock_ahead_called_slow_is_not_slow_for_that_hour(db):
    take(db, "stores/s1", "mine", NOW + 3_600_000)
    turns.let_go(db, "mine", NOW + 3_600_000 + turns.SLOW_MS + 1)

    assert not turns.is_slow(db, "stores/s1", NOW)


@pytest.mark.parametrize("end", ["finish", "put_off", "give_back", "quarantine"])
def test_turn_ends_with_the_job_in_one_transaction(database, end):
    table = JobTable(database)
    job = table.claim(table.enqueued(kind=JobKind.SYNC_STORE))
    assert job is not None
    take(database, "stores/s1", job.lease_token, table.now)

    getattr(table, end)(*([job, 60_000] if end == "put_off" else [job]))

    assert take(database, "stores/s1", "next", table.now) == 0


def test_every_kind_that_calls_somebody_takes_turns():
    assert set(_TURNS) == OUTSIDE_KINDS
