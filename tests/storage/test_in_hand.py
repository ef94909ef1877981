"""What a process that has died had in hand: due at once, counted, and out of its reach."""

import pytest

from oms.domain.jobs import LEASE_MS, REDISPATCH_MS, JobKind, JobState, Lane
from oms.storage import in_hand, jobs, processes, turns
from oms.storage.jobs import LeaseLostError
from oms.storage.processes import Process
from oms.usecases.health import problems
from oms.usecases.release_processes import release_processes
from tests.services.job_table import JobTable
from tests.services.scene import Scene


@pytest.fixture
def table(database):
    return JobTable(database)


def claim(table, process_id, **options):
    with table.db.session():
        job = jobs.claim(table.db, table.enqueued(**options), table.now, process_id)
    assert job is not None
    return job


def release(table, process_id):
    return in_hand.release(table.db, process_id, table.now)


def process_ids(table):
    with table.db.session():
        return [row[0] for row in table.db.all("SELECT process_id FROM job ORDER BY id")]


def test_lease_of_a_dead_process_is_released_as_a_crash(table):
    job = claim(table, "dead")
    other = claim(table, "alive")
    table.clock.advance_ms(10)

    assert release(table, "dead") == 1

    assert table.take_due() == [job.id]
    assert table.reclaim(job).crashes == 1
    assert table.claim(other.id) is None
    assert release(table, "dead") == 0


@pytest.mark.parametrize(
    "write",
    [
        lambda table, job: table.advance(job, {"page": 2}),
        lambda table, job: table.finish(job),
        lambda table, job: table.give_back(job),
        lambda table, job: table.put_off(job, 5),
        lambda table, job: table.quarantine(job),
    ],
    ids=["advance", "finish", "give_back", "put_off", "quarantine"],
)
def test_process_that_was_released_and_comes_back_cannot_write(table, write):
    job = claim(table, "dead")
    release(table, "dead")
    before = table.rows()

    table.extend(job)
    with pytest.raises(LeaseLostError):
        write(table, job)

    assert table.rows() == before


def test_turn_of_a_released_lease_is_free(table):
    job = claim(table, "dead", kind=JobKind.SYNC_STORE)
    with table.db.transaction():
        turns.take(table.db, "stores/s1", job.lease_token, table.now)
        turns.take(table.db, "stores/s2", "somebody", table.now)

    release(table, "dead")

    with table.db.transaction():
        assert turns.take(table.db, "stores/s1", "next", table.now) == 0
        assert turns.take(table.db, "stores/s2", "next", table.now) > table.now


def test_wake_up_in_the_memory_of_a_dead_process_is_due_at_once_and_no_crash(table):
    job_id = table.enqueued()
    assert jobs.take_due(table.db, table.now, 9, Lane.INSIDE, "dead") == [(job_id, "prune")]
    assert table.take_due() == []

    assert release(table, "dead") == 1

    assert table.take_due() == [job_id]
    assert table.get(job_id).crashes == 0


def test_wake_up_that_another_process_has_since_stays_with_it(table):
    job_id = table.enqueued()
    jobs.take_due(table.db, table.now, 9, None, "dead")
    table.clock.advance_ms(REDISPATCH_MS)
    jobs.take_due(table.db, table.now, 9, None, "alive")

    assert release(table, "dead") == 0
    assert table.take_due() == []
    assert table.claim(job_id) is not None


def test_lease_that_ran_out_is_not_released_with_whoever_has_its_wake_up(table):
    job = claim(table, "slow")
    table.clock.advance_ms(LEASE_MS)
    jobs.take_due(table.db, table.now, 9, None, "dead")

    assert release(table, "dead") == 0
    table.advance(job, {"page": 2})
    assert table.get(job.id).state == JobState.RUNNING


@pytest.mark.parametrize("end", ["finish", "give_back", "put_off", "quarantine"])
def test_job_that_was_given_back_keeps_its_patience_when_its_process_dies(table, end):
    job = claim(table, "dead")
    getattr(table, end)(*([job, 60_000] if end == "put_off" else [job]))
    before = table.rows()

    assert process_ids(table) == [""]
    assert release(table, "dead") == 0
    assert table.rows() == before


def test_job_that_is_being_written_is_released_next_time(table):
    if table.db.is_sqlite:
        pytest.skip("one writer at a time")
    held, free = claim(table, "dead"), claim(table, "dead")
    writer = type(table.db)(table.db.url)
    with writer.transaction():
        writer.all("SELECT id FROM job WHERE id = ? FOR NO KEY UPDATE", held.id)
        assert release(table, "dead") == 1
        assert process_ids(table) == ["dead", ""]
    writer.close()

    assert release(table, "dead") == 1
    assert [job.crashes for job in table.all()] == [1, 1]
    assert free.id != held.id


# --- Who notices ------------------------------------------------------------------------------


@pytest.fixture
def scene(database):
    return Scene(database)


def beat(scene, process_id, life):
    process = Process(process_id, "worker", "here", "", scene.clock.now_ms(), life)
    processes.beat(scene.db, process, scene.clock.now_ms())


def known(scene):
    with scene.db.session():
        return [row[0] for row in scene.db.all("SELECT id FROM process ORDER BY id")]


def test_ended_process_is_released_and_buried_and_others_are_left_alone(scene):
    table = JobTable(scene.db)
    held = {name: claim(table, name) for name in ("ended", "lives", "elsewhere")}
    for name in held:
        beat(scene, name, "" if name == "elsewhere" else f"life of {name}")
    scene.machine.ended.add("life of ended")
    scene.machine.ended.add("")

    release_processes(scene.oms)

    assert known(scene) == ["elsewhere", "lives"]
    assert table.claim(held["ended"].id) is not None
    assert table.claim(held["lives"].id) is None
    assert table.claim(held["elsewhere"].id) is None


def test_process_that_lives_is_released_by_nobody_however_long_it_was_silent(scene):
    table = JobTable(scene.db)
    job = claim(table, "stopped")
    beat(scene, "stopped", "life")
    scene.clock.advance_ms(10 * LEASE_MS)

    release_processes(scene.oms)

    table.advance(job, {"page": 2})
    assert known(scene) == ["stopped"]


def test_health_knows_at_once_that_the_last_worker_was_killed(scene):
    process = Process("p1", "worker,scheduler", "here", "", scene.clock.now_ms(), "its life")
    processes.beat(scene.db, process, scene.clock.now_ms())
    assert problems(scene.oms) == []

    scene.machine.ended.add("its life")

    assert problems(scene.oms) == [
        "no worker runs: calls are answered, jobs wait",
        "no scheduler runs: nothing happens by the clock",
    ]


def test_health_misses_a_worker_of_elsewhere_when_it_was_not_seen_for_a_while(scene):
    beat(scene, "p1", "")
    scene.clock.advance_ms(processes.SEEN_MS - 1)
    assert len(problems(scene.oms)) == 1
    scene.clock.advance_ms(1)

    assert len(problems(scene.oms)) == 2
