"""How a job goes on: triggers during a run, patience, the operator's decisions, pruning."""

import pytest

from oms.domain.errors import AlreadyExists, IllegalTransition, NotFound
from oms.domain.jobs import LEASE_MS, JobKind, JobState
from oms.storage import jobs
from tests.services.job_table import JobTable


@pytest.fixture
def table(database):
    return JobTable(database)


def test_finished_job_is_not_due_again(table):
    job = table.claimed("sync:1")

    table.finish(job)

    table.clock.advance_ms(10**9)
    assert table.take_due() == []
    assert table.claim(job.id) is None
    done = table.get(job.id)
    assert (done.state, done.finished_at) == (JobState.DONE, table.now - 10**9)


def test_trigger_of_a_waiting_job_makes_no_second_one(table):
    table.enqueue("sync:1")
    table.enqueue("sync:1")
    table.enqueue("sync:2")

    assert len(table.all()) == 2
    assert len(table.take_due()) == 2


def test_jobs_without_a_key_are_never_merged(table):
    table.enqueue()
    table.enqueue()

    assert len(table.all()) == 2


def test_trigger_after_the_end_makes_a_new_job(table):
    table.finish(table.claimed("sync:1"))
    table.clock.advance_ms(1)

    assert table.enqueued("sync:1") is not None
    assert [job.state for job in table.all()] == [JobState.PENDING, JobState.DONE]


def test_triggers_during_a_run_cause_one_more_from_the_start(table):
    job = table.claimed("sync:1")
    table.advance(job, {"page": 2})
    table.enqueue("sync:1")
    table.enqueue("sync:1")
    assert table.take_due() == []

    table.finish(job)

    assert table.get(job.id).state == JobState.PENDING
    assert table.get(job.id).finished_at is None
    assert table.take_due() == [job.id]
    again = table.reclaim(job)
    assert (again.cursor, again.crashes) == ({}, 0)
    table.finish(again)
    assert table.get(job.id).state == JobState.DONE


def test_trigger_between_two_steps_survives_the_death_of_the_worker(table):
    job = table.claimed("sync:1")
    table.advance(job, {"page": 2})
    table.enqueue("sync:1")
    table.clock.advance_ms(LEASE_MS)

    resumed = table.reclaim(job)  # It goes on in the middle: what came before was not triggered.
    assert resumed.cursor == {"page": 2}
    table.finish(resumed)

    assert table.get(job.id).state == JobState.PENDING
    table.finish(table.reclaim(job))
    assert table.get(job.id).state == JobState.DONE


def test_trigger_while_a_half_done_job_waits_causes_one_more_run(table):
    job = table.claimed("sync:1")
    table.advance(job, {"page": 2})
    table.put_off(job, 1000)
    table.enqueue("sync:1")
    table.clock.advance_ms(1000)

    table.finish(table.reclaim(job))

    assert table.get(job.id).state == JobState.PENDING


def test_trigger_before_a_job_starts_anew_is_covered_by_that_run(table):
    job = table.claimed("sync:1")
    table.put_off(job, 1000)
    table.enqueue("sync:1")
    table.clock.advance_ms(1000)

    table.finish(table.reclaim(job))

    assert table.get(job.id).state == JobState.DONE


def test_trigger_does_not_make_a_failed_job_impatient(table):
    job = table.claimed("sync:1")
    table.put_off(job, 60_000)

    table.enqueue("sync:1")

    assert table.get(job.id).due_at == table.now + 60_000
    assert table.take_due() == []
    table.clock.advance_ms(60_000)
    assert table.take_due() == [job.id]


def test_put_off_job_keeps_its_place_and_says_why(table):
    job = table.claimed()
    table.advance(job, {"page": 2})

    table.put_off(job, 5_000, "x" * 5_000)

    waiting = table.get(job.id)
    assert (waiting.state, waiting.failures, waiting.crashes) == (JobState.PENDING, 1, 0)
    assert waiting.last_error == "x" * 2_000
    table.clock.advance_ms(5_000)
    again = table.reclaim(job)
    assert (again.cursor, again.failures, again.crashes) == ({"page": 2}, 1, 0)


def test_job_that_is_given_back_goes_on_at_once_without_a_crash(table):
    job = table.claimed()
    table.advance(job, {"page": 2})

    table.give_back(job)

    assert table.take_due() == [job.id]
    again = table.reclaim(job)
    assert (again.cursor, again.crashes, again.failures) == ({"page": 2}, 0, 0)


def test_quarantined_job_waits_for_the_operator(table):
    job = table.claimed("sync:1")

    table.quarantine(job, "broken")

    table.clock.advance_ms(10**9)
    assert table.take_due() == []
    assert table.claim(job.id) is None
    found = table.get(job.id)
    assert (found.state, found.last_error) == (JobState.QUARANTINED, "broken")


def test_retried_job_is_due_with_its_failures_forgotten(table):
    job = table.claimed()
    table.advance(job, {"page": 2})
    table.quarantine(job)

    table.retry(job.id)

    assert table.take_due() == [job.id]
    again = table.reclaim(job)
    assert (again.cursor, again.failures, again.crashes) == ({"page": 2}, 0, 0)
    assert table.get(job.id).finished_at is None


def test_retry_of_a_waiting_job_ends_its_patience(table):
    job = table.claimed()
    table.put_off(job, 60_000)

    table.retry(job.id)

    assert table.take_due() == [job.id]


def test_retry_is_refused_while_a_twin_is_queued(table):
    job = table.claimed("sync:1")
    table.quarantine(job)
    twin = table.enqueued("sync:1")
    before = table.rows()

    with pytest.raises(AlreadyExists):
        table.retry(job.id)

    assert table.rows() == before
    table.finish(table.claim(twin))
    table.retry(job.id)
    assert table.take_due() == [job.id]


@pytest.mark.parametrize("decide", [JobTable.retry, JobTable.discard])
@pytest.mark.parametrize("state", ["RUNNING", "DONE", "DISCARDED"])
def test_decision_about_a_job_that_runs_or_ended_is_refused(table, decide, state):
    job = table.claimed()
    if state == "DONE":
        table.finish(job)
    elif state == "DISCARDED":
        table.quarantine(job)
        table.discard(job.id)
    before = table.rows()

    with pytest.raises(IllegalTransition) as refusal:
        decide(table, job.id)

    assert refusal.value.state == state
    assert table.rows() == before


def test_discarded_job_never_runs_and_frees_its_key(table):
    job_id = table.enqueued("sync:1")

    table.discard(job_id)

    assert table.take_due() == []
    assert table.claim(job_id) is None
    assert table.get(job_id).state == JobState.DISCARDED
    assert table.enqueued("sync:1") != job_id


@pytest.mark.parametrize("call", [JobTable.get, JobTable.retry, JobTable.discard])
def test_unknown_job_is_not_found(table, call):
    with pytest.raises(NotFound):
        call(table, "j-unknown")


def test_lists_tell_running_from_waiting_jobs(table):
    waiting = table.enqueued(kind=JobKind.SYNC_STORE)
    running = table.claimed().id

    assert [job.id for job in table.all(state=JobState.PENDING)] == [waiting]
    assert [job.id for job in table.all(state=JobState.RUNNING)] == [running]
    assert [job.id for job in table.all(kind="sync_store")] == [waiting]
    assert [job.id for job in table.all()] == sorted([waiting, running], reverse=True)


def test_list_goes_on_after_the_last_id(table):
    made = sorted((table.enqueued() for _ in range(5)), reverse=True)

    page = jobs.page(table.db, table.now, jobs.JobFilter(), made[1], 2)

    assert [job.id for job in page] == made[2:4]


def test_only_finished_jobs_that_are_old_are_pruned(table):
    done, discarded, quarantined = table.claimed(), table.enqueued(), table.claimed()
    table.finish(done)
    table.discard(discarded)
    table.quarantine(quarantined)
    table.clock.advance_ms(1000)
    waiting, young = table.enqueued(), table.claimed()
    table.finish(young)

    with table.db.transaction():
        assert jobs.prune(table.db, table.now, 1) == 1
        assert jobs.prune(table.db, table.now, 9) == 1

    assert {job.id for job in table.all()} == {quarantined.id, waiting, young.id}
