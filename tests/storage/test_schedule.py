"""The timetable: every slot becomes one job, however many look at it."""

from dataclasses import replace

import pytest

from oms.domain.jobs import JobKind
from oms.storage import schedule
from oms.storage.schedule import Slot
from tests.services.job_table import JobTable
from tests.services.scene import at_once

MINUTE = 60_000


@pytest.fixture
def table(database):
    return JobTable(database)


@pytest.fixture
def slot(table):
    """Every minute, for the first time in a minute."""
    slot = Slot("sync:1", JobKind.SYNC_STORE, MINUTE, table.now + MINUTE, {"store_id": "s1"}, "m1")
    put(table, slot)
    return slot


def put(table, slot):
    with table.db.transaction():
        schedule.put(table.db, slot)


def tick(table):
    with table.db.session():
        return schedule.tick(table.db, table.now)


def test_slot_becomes_a_job_when_its_time_has_come(table, slot):
    table.clock.advance_ms(MINUTE - 1)
    assert tick(table) == 0
    table.clock.advance_ms(1)

    assert tick(table) == 1

    [job_id] = table.take_due()
    job = table.claim(job_id)
    assert job is not None
    assert (job.kind, job.args, job.merchant_id) == (JobKind.SYNC_STORE, {"store_id": "s1"}, "m1")


def test_many_schedulers_make_one_job_of_a_slot(table, slot):
    table.clock.advance_ms(MINUTE)

    turned = at_once(table.db, 6, lambda _: tick(table))

    assert sorted(turned, key=str) == [0, 0, 0, 0, 0, 1]
    [job] = table.all()
    [row] = table.db.all("SELECT generation FROM job WHERE id = ?", job.id)
    assert row == (1,)


def test_missed_slots_are_skipped_and_the_rhythm_stays(table, slot):
    table.clock.advance_ms(10 * MINUTE + 5)

    assert (tick(table), tick(table)) == (1, 0)

    [row] = table.db.all("SELECT next_at FROM schedule")
    assert row == (slot.first_at + 10 * MINUTE,)


def test_slot_during_a_run_causes_one_more_run(table, slot):
    table.clock.advance_ms(MINUTE)
    tick(table)
    job = table.claim(table.take_due()[0])
    assert job is not None
    for _ in range(3):
        table.clock.advance_ms(MINUTE)
        table.extend(job)
        assert tick(table) == 1

    table.finish(job)

    assert table.take_due() == [job.id]
    table.finish(table.reclaim(job))
    assert table.take_due() == []


def test_shorter_interval_counts_from_now(table, slot):
    put(table, replace(slot, every_ms=10_000, first_at=table.now + 10_000))
    table.clock.advance_ms(10_000)

    assert tick(table) == 1

    [row] = table.db.all("SELECT every_ms, next_at FROM schedule")
    assert row == (10_000, table.now + 10_000)


def test_longer_interval_counts_from_the_next_slot(table, slot):
    put(table, replace(slot, every_ms=5 * MINUTE, first_at=table.now + 5 * MINUTE))
    table.clock.advance_ms(MINUTE)

    assert tick(table) == 1

    [row] = table.db.all("SELECT every_ms, next_at FROM schedule")
    assert row == (5 * MINUTE, table.now + 5 * MINUTE)


def test_same_row_put_again_and_again_is_never_late(table, slot):
    for _ in range(6):
        table.clock.advance_ms(10_000)
        put(table, replace(slot, first_at=table.now + MINUTE))

    assert tick(table) == 1


def test_removed_row_makes_no_more_jobs(table, slot):
    with table.db.transaction():
        schedule.remove(table.db, slot.name)
    table.clock.advance_ms(MINUTE)

    assert tick(table) == 0
    assert table.all() == []


def test_slot_that_a_clock_ahead_wrote_does_not_wait_for_that_hour(table, slot):
    table.clock.advance_ms(60 * MINUTE)
    assert tick(table) == 1
    table.clock.advance_ms(-60 * MINUTE)

    assert tick(table) == 1
    assert tick(table) == 0
    table.clock.advance_ms(MINUTE)
    assert tick(table) == 1
