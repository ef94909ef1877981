"""Running jobs when workers die, lose their lease, or fail."""

import contextlib
import threading

import pytest

from oms.domain.errors import Unavailable
from oms.domain.jobs import (
    BACK_OFF_MAX_MS,
    CRASHES_MAX,
    FAILURES_MAX,
    LEASE_MS,
    JobKind,
    JobState,
)
from oms.domain.stores import SyncRunState
from oms.storage import jobs, stores
from oms.usecases.manage_stores import request_sync
from oms.usecases.run_job import STEPS, Leases, run_job
from tests.services.fake_gateways import WorkerKilled
from tests.services.snapshots import order_snapshot


class Poison:
    """An order that kills whoever allocates it, or fails, in the middle of the transaction."""

    def __init__(self, scene, external_id, error=WorkerKilled):
        self.error = error
        self.db = scene.db
        self.order_id = scene.order(external_id).id
        self.kills = 0
        self.db.on_statement = self.watch

    def watch(self, sql):
        if sql.startswith("INSERT INTO event"):
            self.db.on_statement = None
            allocated = "SELECT 1 FROM allocation WHERE order_id = ?"
            is_hit = self.db.one(allocated, self.order_id) is not None
            self.db.on_statement = self.watch
            if is_hit:
                self.kills += 1
                raise self.error


def survive(scene, rounds=12, pause_ms=LEASE_MS):
    """Run everything that is due with workers that may be killed, until nothing is left."""
    for _ in range(rounds):
        with contextlib.suppress(WorkerKilled):
            scene.run_jobs()
        scene.clock.advance_ms(pause_ms)


def sync_job(scene):
    scene.do(request_sync, scene.store.id, scene.merchant)
    return jobs.take_due(scene.db, scene.clock.now_ms(), 9)[0][0]


@pytest.mark.parametrize("position", [0, 2, 4])
def test_one_order_that_kills_workers_is_set_aside_and_the_others_go(scene, position):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.apply(*(order_snapshot(f"100{number}") for number in range(5)))
    [[args]] = scene.db.all("SELECT args FROM job WHERE kind = 'allocate_orders'")
    names = [f"100{number}" for number in range(5)]
    names.sort(key=lambda name: args.index(scene.order(name).id))
    poison = Poison(scene, names[position])

    survive(scene)

    assert scene.waiting_reasons(names[position]) == {"l1": "QUARANTINED"}
    assert scene.orders("PROCESSING") == sorted(set(names) - {names[position]})
    assert len(scene.allocations(vendor)) == 4
    assert poison.kills == 1 + CRASHES_MAX  # In the batch, then alone.
    assert ("allocate_orders", "DONE") in scene.job_states()


def test_order_alone_in_its_job_is_set_aside_after_three_deaths(scene):
    scene.host(scene.new_vendor())
    scene.apply(order_snapshot("1001"))
    poison = Poison(scene, "1001")

    survive(scene)

    assert poison.kills == CRASHES_MAX
    assert scene.waiting_reasons() == {"l1": "QUARANTINED"}


@pytest.mark.parametrize("position", [0, 2])
def test_release_passes_over_an_order_that_kills_workers(scene, position):
    vendor = scene.new_vendor()
    for number in range(4):
        scene.take(order_snapshot(f"100{number}"))
    poison = Poison(scene, f"100{position}")

    with pytest.raises(WorkerKilled):
        scene.host(vendor)
    scene.clock.advance_ms(LEASE_MS)
    survive(scene)

    assert scene.waiting_reasons(f"100{position}") == {"l1": "QUARANTINED"}
    assert len(scene.orders("PROCESSING")) == 3
    assert poison.kills == 1 + CRASHES_MAX
    assert ("release_lines", "DONE") in scene.job_states()


def test_one_order_that_always_fails_is_set_aside_and_the_others_go(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.apply(*(order_snapshot(f"100{number}") for number in range(5)))
    poison = Poison(scene, "1002", ZeroDivisionError)

    survive(scene, pause_ms=BACK_OFF_MAX_MS * 2)

    assert scene.waiting_reasons("1002") == {"l1": "QUARANTINED"}
    assert len(scene.allocations(vendor)) == 4
    assert poison.kills == FAILURES_MAX  # In the batch, then alone.
    assert ("allocate_orders", "DONE") in scene.job_states()


def test_healed_order_is_allocated_by_the_next_release(scene):
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.apply(order_snapshot("1001"))
    Poison(scene, "1001")
    survive(scene)
    scene.db.on_statement = None

    scene.host(vendor)

    assert scene.waiting_reasons() == {}
    assert len(scene.allocations(vendor)) == 1


def test_job_that_fails_after_it_lost_its_lease_leaves_the_new_holder_alone(scene):
    job_id = sync_job(scene)

    def lose_the_lease_and_fail():
        scene.clock.advance_ms(LEASE_MS)
        assert jobs.claim(scene.db, job_id, scene.clock.now_ms()) is not None
        held.extend(scene.db.all("SELECT * FROM job"))
        raise ZeroDivisionError

    held: list[object] = []
    scene.shop.faults.append(lose_the_lease_and_fail)

    run_job(scene.oms, Leases(scene.oms), job_id)

    assert scene.db.all("SELECT * FROM job") == held


def test_page_that_was_read_under_a_lost_lease_is_not_applied(scene):
    scene.shop.orders = [order_snapshot("1001")]
    job_id = sync_job(scene)

    def lose_the_lease():
        scene.clock.advance_ms(LEASE_MS)
        assert jobs.claim(scene.db, job_id, scene.clock.now_ms()) is not None

    scene.shop.faults.extend([None, lose_the_lease])

    run_job(scene.oms, Leases(scene.oms), job_id)

    assert scene.db.all("SELECT id FROM orders") == []


def test_job_is_run_by_one_of_many_workers_at_once(scene):
    scene.shop.orders = [order_snapshot(f"100{number}") for number in range(4)]
    job_id = sync_job(scene)

    scene.at_once(5, lambda _: run_job(scene.oms, Leases(scene.oms), job_id))

    assert [read[0] for read in scene.shop.reads] == ["products", "orders", "orders"]
    assert ("sync_store", "DONE") in scene.job_states()


def test_heartbeat_keeps_the_lease_of_a_long_step(scene):
    job_id = sync_job(scene)
    leases = Leases(scene.oms)
    beaten = threading.Event()
    scene.db.on_statement = lambda sql: (
        beaten.set() if sql.startswith("UPDATE job SET lease") else 0
    )

    def wait_for_a_beat():
        scene.clock.advance_ms(LEASE_MS - 1)
        beaten.clear()
        assert beaten.wait(LEASE_MS / 1000)

    scene.shop.faults.append(wait_for_a_beat)
    leases.start()
    run_job(scene.oms, leases, job_id)
    leases.stop()
    scene.run_jobs()  # It was long enough to let others go first.

    [run] = stores.runs(scene.db, scene.merchant.id, scene.store.id, "", 1)
    assert run.state == SyncRunState.SUCCEEDED
    assert [read[0] for read in scene.shop.reads] == ["products", "orders"]


def test_worker_that_winds_down_gives_its_job_back_after_the_step(scene):
    scene.shop.orders = [order_snapshot("1001")]
    job_id = sync_job(scene)
    leases = Leases(scene.oms)
    scene.shop.faults.append(leases.wind_down)

    run_job(scene.oms, leases, job_id)

    assert len(scene.shop.reads) == 1
    job = jobs.get(scene.db, job_id, scene.clock.now_ms())
    assert (job.state, job.crashes, job.due_at) == (JobState.PENDING, 0, scene.clock.now_ms())
    scene.run_jobs()
    assert scene.orders("PENDING") == ["1001"]
    assert jobs.get(scene.db, job_id, scene.clock.now_ms()).crashes == 0


def test_wake_up_for_a_job_that_is_done_does_nothing(scene):
    job_id = sync_job(scene)
    run_job(scene.oms, Leases(scene.oms), job_id)
    before = scene.dump()

    run_job(scene.oms, Leases(scene.oms), job_id)

    assert scene.dump() == before


def test_failed_step_changes_nothing_and_is_tried_again(scene):
    scene.shop.orders = [order_snapshot("1001")]
    job_id = sync_job(scene)
    scene.shop.faults.extend([None, Unavailable("busy")])

    run_job(scene.oms, Leases(scene.oms), job_id)

    job = jobs.get(scene.db, job_id, scene.clock.now_ms())
    assert (job.state, job.failures, job.last_error) == (JobState.PENDING, 1, "Unavailable: busy")
    assert scene.db.all("SELECT id FROM orders") == []
    scene.clock.advance_ms(2_000)
    scene.run_jobs()
    assert scene.orders("PENDING") == ["1001"]


def test_every_kind_has_its_step():
    assert set(STEPS) == set(JobKind)


@pytest.mark.parametrize("error", [WorkerKilled, ValueError])
def test_overdue_allocation_that_is_deadly_is_put_off_and_the_others_expire(scene, error):
    vendor = scene.new_vendor(acceptance_required=True)
    scene.host(vendor)
    names = [f"100{number}" for number in range(4)]
    for name in names:
        scene.take(order_snapshot(name))
    scene.clock.advance_ms(30 * 24 * 3_600_000)
    deadly_id = scene.order("1001").allocations[0].id
    kills = 0

    def watch(sql):
        nonlocal kills
        if sql.startswith("INSERT INTO event"):
            scene.db.on_statement = None
            [[state]] = scene.db.all("SELECT state FROM allocation WHERE id = ?", deadly_id)
            scene.db.on_statement = watch
            if state == "EXPIRED":
                kills += 1
                raise error

    scene.enqueue(JobKind.EXPIRE_ALLOCATIONS)
    scene.db.on_statement = watch
    survive(scene, rounds=16, pause_ms=BACK_OFF_MAX_MS)
    scene.db.on_statement = None

    states = {name: scene.order(name).allocations[0].state.value for name in names}
    assert states == {"1000": "EXPIRED", "1001": "SUBMITTED", "1002": "EXPIRED", "1003": "EXPIRED"}
    assert kills == (1 + CRASHES_MAX if error is WorkerKilled else FAILURES_MAX)
    assert ("expire_allocations", "DONE") in scene.job_states()
    deadline = scene.order("1001").allocations[0].accept_deadline_at
    assert deadline > scene.clock.now_ms() - 16 * BACK_OFF_MAX_MS


def test_job_whose_database_went_away_is_given_back_and_counts_as_no_crash(scene):
    job_id = sync_job(scene)
    leases = Leases(scene.oms)

    def go_away():
        scene.db.on_statement = refuse
        raise ZeroDivisionError

    def refuse(_sql):
        raise Unavailable("away")

    scene.shop.faults.append(go_away)
    run_job(scene.oms, leases, job_id)
    leases.beat()
    scene.db.on_statement = None
    assert scene.db.one("SELECT lease_token IS NULL FROM job") == (False,)

    leases.beat()

    assert scene.db.one("SELECT lease_token, crashes, failures FROM job") == (None, 0, 0)
    scene.run_jobs()
    assert ("sync_store", "DONE") in scene.job_states()


@pytest.mark.parametrize(
    ("kind", "crashes", "is_run"),
    [
        (JobKind.POLL_TRACKING, 1, False),
        (JobKind.POLL_TRACKING, 0, True),
        (JobKind.PRUNE, 1, True),  # It is of the other lane.
    ],
)
def test_of_jobs_that_saw_a_worker_die_a_process_runs_one_of_a_lane_at_a_time(
    scene, kind, crashes, is_run
):
    first = sync_job(scene)
    scene.enqueue(kind)
    [[second]] = scene.db.all("SELECT id FROM job WHERE kind = ?", kind.value)
    scene.db.run("UPDATE job SET crashes = 1 WHERE id = ?", first)
    scene.db.run("UPDATE job SET crashes = ? WHERE id = ?", crashes, second)
    leases = Leases(scene.oms)
    seen = []

    def run_the_other():
        run_job(scene.oms, leases, second)
        seen.append(jobs.get(scene.db, second, scene.clock.now_ms()))

    scene.shop.faults.append(run_the_other)
    run_job(scene.oms, leases, first)

    [met] = seen
    assert (met.state == JobState.DONE) == is_run
    assert scene.db.one("SELECT lease_token FROM job WHERE id = ?", second) == (None,)
    assert is_run or met.crashes == crashes
    scene.clock.advance_ms(1_000)
    run_job(scene.oms, leases, second)
    assert jobs.get(scene.db, second, scene.clock.now_ms()).state == JobState.DONE
