"""A clock that ran ahead and was put back: what it wrote waits no longer than it was meant to."""

import pytest

from oms.domain.jobs import LEASE_MS, REDISPATCH_MS
from oms.storage import clock_jumps, turns
from tests.services.job_table import JobTable

HOUR_MS = 3_600_000


@pytest.fixture
def table(database):
    return JobTable(database)


def set_right(table):
    return clock_jumps.set_right(table.db, table.now)


def due_in(table, job_id):
    return table.get(job_id).due_at - table.now


def take(table, name, holder):
    with table.db.transaction():
        return turns.take(table.db, name, holder, table.now)


WAITS = {
    "enqueued": (lambda table: table.enqueue("k"), 0),
    "triggered": (lambda table: (table.enqueue("k"), table.enqueue("k")), 0),
    "handed on": (lambda table: (table.enqueue("k"), table.take_due()), REDISPATCH_MS),
    "held": (lambda table: table.claimed("k"), LEASE_MS),
    "held for long": (lambda table: table.advance(table.claimed("k"), {"page": 2}), LEASE_MS),
    "given back": (lambda table: table.give_back(table.claimed("k")), 0),
    "put off": (lambda table: table.put_off(table.claimed("k"), 300_000), 300_000),
    "put off for a day": (
        lambda table: table.put_off(table.claimed("k"), 24 * HOUR_MS),
        24 * HOUR_MS,
    ),
}


@pytest.mark.parametrize(("write", "wait_ms"), WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("ahead_ms", [HOUR_MS, 30 * 24 * HOUR_MS])
def test_job_written_by_a_clock_ahead_waits_as_long_as_it_was_meant_to(
    table, write, wait_ms, ahead_ms
):
    table.clock.advance_ms(ahead_ms)
    write(table)
    table.clock.advance_ms(-ahead_ms)
    [job] = table.all()
    assert due_in(table, job.id) == ahead_ms + wait_ms

    assert set_right(table) == 1

    assert due_in(table, job.id) == wait_ms
    table.clock.advance_ms(wait_ms)
    assert table.take_due() == [job.id]
    assert table.claim(job.id) is not None


@pytest.mark.parametrize(("write", "wait_ms"), WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("jump_ms", [0, HOUR_MS, -clock_jumps.SKEW_MS])
def test_clock_that_is_right_or_goes_ahead_changes_nothing(table, write, wait_ms, jump_ms):
    write(table)
    table.clock.advance_ms(jump_ms)
    before = table.rows()

    assert set_right(table) == 0

    assert table.rows() == before


def test_job_that_waited_before_the_jump_and_back_waits_on(table):
    table.put_off(table.claimed(), 24 * HOUR_MS)
    before = table.rows()
    table.clock.advance_ms(HOUR_MS)
    set_right(table)
    table.clock.advance_ms(-HOUR_MS)

    assert set_right(table) == 0
    assert table.rows() == before


def test_holder_that_lives_keeps_its_job_and_its_turn_over_a_jump_back(table):
    table.clock.advance_ms(HOUR_MS)
    job = table.claimed()
    take(table, "stores/s1", job.lease_token)
    table.clock.advance_ms(-HOUR_MS)

    assert set_right(table) == 2

    assert table.claim(job.id) is None
    assert take(table, "stores/s1", "other") == table.now + turns.WATCH_MS
    table.advance(job, {"page": 2})
    assert take(table, "stores/s1", job.lease_token) == 0


def test_turn_of_a_dead_holder_is_free_a_lease_after_the_jump_back(table):
    table.clock.advance_ms(HOUR_MS)
    take(table, "stores/s1", "dead")
    table.clock.advance_ms(-HOUR_MS)
    set_right(table)

    table.clock.advance_ms(LEASE_MS - 1)
    assert take(table, "stores/s1", "next") > 0
    table.clock.advance_ms(1)
    assert take(table, "stores/s1", "next") == 0


def test_store_rests_as_long_as_it_asked_for(table):
    table.clock.advance_ms(HOUR_MS)
    with table.db.transaction():
        turns.rest(table.db, "stores/s1", table.now + 60_000, table.now)
    table.clock.advance_ms(-HOUR_MS)

    assert set_right(table) == 1

    assert take(table, "stores/s1", "mine") == table.now + 60_000
    assert set_right(table) == 0


def test_rest_of_a_day_that_was_asked_for_in_time_is_kept(table):
    with table.db.transaction():
        turns.rest(table.db, "stores/s1", table.now + 24 * HOUR_MS, table.now)

    assert set_right(table) == 0
    assert take(table, "stores/s1", "mine") == table.now + 24 * HOUR_MS


def test_pace_of_calls_begins_anew(table):
    def reserve():
        with table.db.transaction():
            return turns.reserve_call(table.db, "carriers/c", table.now, 350) - table.now

    table.clock.advance_ms(HOUR_MS)
    assert (reserve(), reserve()) == (0, 350)
    table.clock.advance_ms(-HOUR_MS)

    assert set_right(table) == 1

    assert (reserve(), reserve()) == (0, 350)
