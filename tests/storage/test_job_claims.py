"""Who may run a job: claims, leases, fences, crashes and wake-ups."""

import pytest

from oms.domain.jobs import LEASE_MS, REDISPATCH_MS, JobState, Lane
from oms.storage import jobs
from oms.storage.jobs import LeaseLostError
from tests.services.job_table import JobTable
from tests.services.scene import at_once


@pytest.fixture
def table(database):
    return JobTable(database)


def test_new_job_is_due_at_once_and_knows_its_work(table):
    table.enqueue(args={"order_ids": ["o1"]}, merchant_id="m1")

    [job_id] = table.take_due()
    job = table.claim(job_id)

    assert job is not None
    assert (job.args, job.merchant_id, job.cursor) == ({"order_ids": ["o1"]}, "m1", {})
    assert (job.crashes, job.failures) == (0, 0)
    assert table.get(job_id).state == JobState.RUNNING


def test_second_claim_of_a_held_job_is_refused(table):
    job = table.claimed()
    before = table.rows()

    assert table.claim(job.id) is None
    table.clock.advance_ms(LEASE_MS - 1)
    assert table.claim(job.id) is None
    assert table.rows() == before


def test_many_claims_at_once_give_the_job_to_one(table):
    job_id = table.enqueued()

    claims = at_once(table.db, 6, lambda _: table.claim(job_id))

    assert sum(claim is not None for claim in claims) == 1
    assert table.get(job_id).crashes == 0


def test_lease_that_ran_out_counts_as_a_crash_before_the_job_runs_again(table):
    job = table.claimed()

    for crashes in (1, 2, 3):
        table.clock.advance_ms(LEASE_MS)
        assert table.get(job.id).crashes == crashes - 1
        job = table.reclaim(job)
        assert (job.crashes, table.get(job.id).crashes) == (crashes, crashes)


def test_job_of_a_dead_worker_is_due_when_its_lease_is_over(table):
    job = table.claimed()

    table.clock.advance_ms(LEASE_MS - 1)
    assert table.take_due() == []
    table.clock.advance_ms(1)

    assert table.take_due() == [job.id]
    assert table.reclaim(job).crashes == 1


def test_extended_lease_keeps_others_out(table):
    job, other = table.claimed(), table.claimed()

    for _ in range(3):
        table.clock.advance_ms(LEASE_MS - 1)
        table.extend(job)

    assert table.claim(job.id) is None
    assert table.reclaim(other).crashes == 1


def test_lease_is_not_extended_by_whoever_lost_it(table):
    lost = table.claimed()
    table.clock.advance_ms(LEASE_MS)
    job = table.reclaim(lost)
    before = table.rows()

    table.clock.advance_ms(1)
    table.extend(lost)

    assert table.rows() == before
    table.finish(job)


def test_lease_of_a_job_that_ended_is_not_extended(table):
    job = table.claimed()
    table.finish(job)
    before = table.rows()

    table.extend(job)

    assert table.rows() == before


def test_progress_saves_the_cursor_and_forgets_crashes_and_failures(table):
    job = table.claimed()
    table.put_off(job, 0)
    job = table.reclaim(job)
    table.clock.advance_ms(LEASE_MS)
    job = table.reclaim(job)
    assert (job.crashes, job.failures) == (1, 1)

    table.advance(job, {"page": 2})

    assert (table.get(job.id).crashes, table.get(job.id).failures) == (0, 0)
    table.clock.advance_ms(LEASE_MS)
    assert table.reclaim(job).cursor == {"page": 2}


def test_progress_prolongs_the_lease(table):
    job = table.claimed()
    table.clock.advance_ms(LEASE_MS - 1)

    table.advance(job, {"page": 2})

    table.clock.advance_ms(LEASE_MS - 1)
    assert table.claim(job.id) is None
    assert table.take_due() == []


@pytest.mark.parametrize(
    "write",
    [
        lambda table, job: table.advance(job, {"page": 9}),
        lambda table, job: table.finish(job),
        lambda table, job: table.put_off(job, 1000),
        lambda table, job: table.quarantine(job),
    ],
)
@pytest.mark.parametrize("ending", ["claimed again", "finished", "discarded", "put off"])
def test_whoever_lost_the_lease_writes_nothing(table, write, ending):
    lost = table.claimed()
    if ending == "claimed again":
        table.clock.advance_ms(LEASE_MS)
        table.reclaim(lost)
    elif ending == "finished":
        table.finish(lost)
    elif ending == "put off":
        table.put_off(lost, 0)
    else:
        table.clock.advance_ms(LEASE_MS)
        table.discard(lost.id)
    before = table.rows()

    with pytest.raises(LeaseLostError):
        write(table, lost)

    assert table.rows() == before


def test_step_that_lost_its_lease_takes_its_other_writes_with_it(table):
    lost = table.claimed()
    table.clock.advance_ms(LEASE_MS)
    table.reclaim(lost)

    def step():
        with table.db.transaction():
            jobs.enqueue(table.db, lost.kind, table.now)
            jobs.step(table.db, lost, {"page": 2}, table.now)

    with pytest.raises(LeaseLostError):
        step()

    assert [job.id for job in table.all()] == [lost.id]


def test_wake_up_goes_to_one_of_many_relays(table):
    made = {table.enqueued() for _ in range(30)}

    taken = at_once(table.db, 4, lambda _: table.take_due(50))

    ids = [job_id for part in taken if isinstance(part, list) for job_id in part]
    assert sorted(ids) == sorted(made)


def test_lost_wake_up_is_repeated_within_ten_seconds(table):
    job_id = table.enqueued()
    assert table.take_due() == [job_id]
    assert jobs.next_due_at(table.db, Lane.INSIDE) == table.now + REDISPATCH_MS

    table.clock.advance_ms(REDISPATCH_MS - 1)
    assert table.take_due() == []
    table.clock.advance_ms(1)

    assert jobs.next_due_at(table.db, Lane.INSIDE) == table.now
    assert table.take_due() == [job_id]
    assert REDISPATCH_MS <= 10_000


def test_due_jobs_are_woken_oldest_first_and_no_more_than_wanted(table):
    made = []
    for _ in range(5):
        made.append(table.enqueued())
        table.clock.advance_ms(1)

    assert table.take_due(2) == made[:2]
    assert table.take_due(9) == made[2:]


def test_claim_of_a_job_that_was_not_woken_works_as_well(table):
    job_id = table.enqueued()

    assert table.claim(job_id) is not None
    assert table.take_due() == []


def test_claim_of_what_is_not_there_is_none(table):
    assert table.claim("j-unknown") is None
