"""Pulling a store: page by page, through crashes and failures, until nothing is missed."""

import pytest

from oms.domain.errors import GatewayError, InvalidInput, Refused
from oms.domain.jobs import CRASHES_MAX, LEASE_MS, JobState
from oms.domain.snapshots import MalformedOrder
from oms.domain.stores import SyncRunState
from oms.storage import jobs, stores
from oms.usecases.manage_stores import (
    DisconnectStore,
    UpdateStore,
    disconnect_store,
    request_sync,
    update_store,
)
from oms.usecases.run_job import Leases, run_job
from oms.usecases.sync_store import GATEWAY_FAILURES_MAX
from tests.services.fake_gateways import WorkerKilled
from tests.services.snapshots import UPDATED_AT, line_snapshot, order_snapshot, product_snapshot

S = SyncRunState
OVERLAP = 120


class Pull:
    """A store of five orders and three products, two on a page, and the sync that was asked for."""

    def __init__(self, scene):
        self.scene = scene
        self.shop = scene.shop
        self.shop.orders = [order_snapshot(f"100{number}") for number in range(5)]
        self.shop.products = [product_snapshot(name) for name in ("mug", "plate", "bowl")]
        self.request()

    def request(self):
        self.scene.clock.advance_ms(1)
        return self.scene.do(request_sync, self.scene.store.id, self.scene.merchant)

    @property
    def run(self):
        return self.runs()[-1]

    def runs(self):
        found = stores.runs(self.scene.db, self.scene.merchant.id, self.scene.store.id, "", 100)
        return found[::-1]

    @property
    def store(self):
        return stores.get(self.scene.db, self.scene.merchant.id, self.scene.store.id)

    @property
    def job(self):
        found = jobs.page(self.scene.db, self.scene.clock.now_ms(), jobs.JobFilter(), "", 100)
        return next(job for job in found if job.kind == "sync_store")

    def fails(self, reason="GATEWAY_SERVER_ERROR", *, after=0, **options):
        self.shop.faults.extend([None] * after)
        self.shop.faults.append(GatewayError("the store failed", reason=reason, **options))

    def dies(self, *, after):
        """Let the worker be killed at a read, and its lease run out."""
        self.shop.faults.extend([None] * after)
        self.shop.faults.append(WorkerKilled())
        with pytest.raises(WorkerKilled):
            run_job(self.scene.oms, Leases(self.scene.oms), self.job.id)
        self.scene.clock.advance_ms(LEASE_MS)

    def cursors(self, what):
        return [cursor for read, _, cursor in self.shop.reads if read == what]

    def since(self, what):
        return {since for read, since, _ in self.shop.reads if read == what}


@pytest.fixture
def pull(scene):
    return Pull(scene)


def test_store_is_read_page_by_page_and_its_mark_moves(pull):
    pull.scene.run_jobs()

    assert pull.cursors("products") == ["", "2"]
    assert pull.cursors("orders") == ["", "2", "4"]
    run = pull.run
    assert (run.state, run.order_count, run.order_count_expected) == (S.SUCCEEDED, 5, 5)
    assert (run.product_count, run.created_count, run.problem_reason) == (3, 5, "")
    assert run.finished_at == pull.scene.clock.now_ms()
    assert pull.store.synced_until_at == pull.shop.now * 1000
    assert pull.store.products_synced_until_at == pull.shop.now * 1000
    assert len(pull.scene.orders("PENDING")) == 5


def test_first_pull_reads_everything_and_the_next_a_little_more_than_what_is_new(pull):
    pull.scene.run_jobs()
    assert pull.since("orders") == pull.since("products") == {0}
    pull.shop.reads.clear()
    pull.shop.orders.append(order_snapshot("1009", updated_at=pull.shop.now + 5))

    pull.request()
    pull.scene.run_jobs()

    assert pull.since("orders") == pull.since("products") == {pull.shop.now - OVERLAP}
    assert (pull.run.created_count, pull.run.unchanged_count) == (1, 0)


def test_pull_again_changes_no_order(pull):
    pull.scene.run_jobs()
    before = pull.scene.dump("job", "sync_run", "store", "product")
    pull.scene.db.run("UPDATE store SET synced_until_at = NULL")

    pull.request()
    pull.scene.run_jobs()

    assert pull.scene.dump("job", "sync_run", "store", "product") == before
    assert (pull.run.created_count, pull.run.unchanged_count) == (0, 5)


def test_killed_worker_is_followed_by_one_that_goes_on_where_it_was(pull):
    pull.dies(after=3)  # Two pages of products and one of orders were applied.
    assert (pull.run.state, pull.run.order_count) == (S.RUNNING, 2)

    pull.scene.run_jobs()

    assert pull.cursors("orders") == ["", "2", "2", "4"]
    assert len(pull.runs()) == 1
    assert (pull.run.state, pull.run.order_count, pull.run.created_count) == (S.SUCCEEDED, 5, 5)
    assert pull.job.state == JobState.DONE


@pytest.mark.parametrize("after", range(5))
def test_worker_may_die_at_any_page(pull, after):
    pull.dies(after=after)
    pull.dies(after=0)

    pull.scene.run_jobs()

    assert (pull.run.state, pull.run.order_count) == (S.SUCCEEDED, 5)
    assert pull.scene.db.all("SELECT COUNT(*) FROM orders") == [(5,)]


def test_pull_that_kills_its_workers_without_progress_is_given_up_and_says_so(pull):
    for _ in range(CRASHES_MAX):
        pull.dies(after=0)

    pull.scene.run_jobs()

    assert pull.job.state == JobState.QUARANTINED
    assert (pull.run.state, pull.run.problem_reason) == (S.FAILED, "INTERNAL")
    assert pull.job.id in pull.run.problem_message


def test_failing_store_is_asked_again_later_from_the_same_page(pull):
    pull.fails(after=3)

    pull.scene.run_jobs()

    run = pull.run
    assert (run.state, run.failure_count) == (S.WAITING, 1)
    assert (run.problem_reason, run.problem_message) == ("GATEWAY_SERVER_ERROR", "the store failed")
    assert run.next_attempt_at == pull.job.due_at == pull.scene.clock.now_ms() + 1_000
    pull.scene.clock.advance_ms(1_000)
    pull.scene.run_jobs()
    assert (pull.run.state, pull.run.failure_count, pull.run.next_attempt_at) == (
        S.SUCCEEDED,
        0,
        None,
    )
    assert pull.cursors("orders") == ["", "2", "2", "4"]


def test_store_that_asks_for_patience_is_given_it(pull):
    pull.fails("GATEWAY_THROTTLED", retry_after_seconds=90)

    pull.scene.run_jobs()
    pull.scene.clock.advance_ms(89_999)
    assert pull.scene.run_jobs() == 0
    pull.scene.clock.advance_ms(1)

    assert pull.scene.run_jobs() > 0
    assert pull.run.state == S.SUCCEEDED


def test_merchants_request_does_not_make_a_waiting_pull_impatient(pull):
    pull.fails("GATEWAY_THROTTLED", retry_after_seconds=90)
    pull.scene.run_jobs()

    pull.request()

    assert pull.scene.run_jobs() == 0
    pull.scene.clock.advance_ms(90_000)
    pull.scene.run_jobs()
    assert [run.state for run in pull.runs()] == [S.SUCCEEDED, S.SUCCEEDED]


def test_store_that_fails_on_is_given_up_and_the_next_pull_catches_up(pull):
    for _ in range(GATEWAY_FAILURES_MAX):
        pull.fails()
        pull.scene.clock.advance_ms(60_000)
        pull.scene.run_jobs()

    assert (pull.run.state, pull.run.failure_count) == (S.FAILED, GATEWAY_FAILURES_MAX)
    assert pull.job.state == JobState.DONE
    assert pull.store.synced_until_at is None

    pull.request()
    pull.scene.run_jobs()
    assert [run.state for run in pull.runs()] == [S.FAILED, S.SUCCEEDED]
    assert len(pull.scene.orders("PENDING")) == 5


def test_progress_forgets_earlier_failures(pull):
    for _ in range(GATEWAY_FAILURES_MAX + 2):
        pull.fails()
        pull.shop.faults.append(None)
    for _ in range(GATEWAY_FAILURES_MAX + 2):
        pull.scene.clock.advance_ms(60_000)
        pull.scene.run_jobs()

    assert pull.run.state == S.SUCCEEDED


@pytest.mark.parametrize("reason", ["GATEWAY_CREDENTIALS_REFUSED", "GATEWAY_NOT_FOUND"])
def test_failure_that_time_does_not_heal_ends_the_run_at_once(pull, reason):
    pull.fails(reason, after=3)

    pull.scene.run_jobs()

    assert (pull.run.state, pull.run.problem_reason) == (S.FAILED, reason)
    assert (pull.run.finished_at, pull.run.next_attempt_at) == (pull.scene.clock.now_ms(), None)
    assert (pull.job.state, pull.store.synced_until_at) == (JobState.DONE, None)
    assert len(pull.scene.orders("PENDING")) == 2  # What was read stays.


def test_address_that_cannot_be_opened_is_a_problem_of_the_run(pull):
    pull.shop.faults.append(InvalidInput.of("base_url", "is private"))

    pull.scene.run_jobs()

    assert (pull.run.state, pull.run.problem_reason) == (S.FAILED, "GATEWAY_REQUEST_REFUSED")


def test_bug_of_ours_is_retried_then_quarantined_with_the_run(pull):
    pull.shop.faults.extend([ZeroDivisionError("oops")] * 10)
    for _ in range(10):
        assert pull.job.state == JobState.PENDING
        pull.scene.clock.advance_ms(400_000)
        pull.scene.run_jobs()

    assert (pull.job.state, pull.job.last_error) == (
        JobState.QUARANTINED,
        "ZeroDivisionError: oops",
    )
    assert (pull.run.state, pull.run.problem_reason) == (S.FAILED, "INTERNAL")


def test_bad_orders_are_counted_and_stop_nothing(pull):
    pull.shop.malformed = [MalformedOrder("1007", "no total", b"{}")]
    pull.shop.orders[1] = order_snapshot("1001", line_snapshot(product_id=""))

    pull.scene.run_jobs()

    assert (pull.run.state, pull.run.order_count) == (S.SUCCEEDED, 6)
    assert (pull.run.created_count, pull.run.quarantined_count) == (4, 2)


def test_store_disconnected_while_it_is_read_ends_the_run(pull):
    pull.dies(after=3)
    pull.scene.do(disconnect_store, DisconnectStore(pull.store.id), pull.scene.merchant)
    pull.shop.reads.clear()

    pull.scene.run_jobs()

    assert (pull.run.state, pull.run.problem_reason) == (S.FAILED, "STORE_DISCONNECTED")
    assert (pull.job.state, pull.shop.reads) == (JobState.DONE, [])
    assert stores.credentials(pull.scene.db, pull.store.id) == {}
    with pytest.raises(Refused):
        pull.request()


def test_store_that_is_connected_again_is_read_from_its_mark(pull):
    pull.scene.run_jobs()
    pull.scene.do(disconnect_store, DisconnectStore(pull.store.id), pull.scene.merchant)
    command = UpdateStore(pull.store.id, credentials={"key": "new"})
    pull.scene.do(update_store, command, pull.scene.merchant)
    pull.shop.reads.clear()

    pull.request()
    pull.scene.run_jobs()

    assert pull.run.state == S.SUCCEEDED
    assert pull.since("orders") == {pull.shop.now - OVERLAP}
    assert pull.scene.oms.stores.addresses[-1].credentials == {"key": "new"}


def test_requests_while_a_run_is_queued_share_it(pull):
    first = pull.run

    assert pull.request().id == first.id

    assert len(pull.runs()) == 1


def test_request_during_a_run_is_followed_by_a_run_of_its_own(pull):
    pull.dies(after=3)
    asked = pull.request()
    pull.shop.orders.append(order_snapshot("1009", updated_at=UPDATED_AT - 1))

    pull.scene.run_jobs()

    assert [run.state for run in pull.runs()] == [S.SUCCEEDED, S.SUCCEEDED]
    assert pull.run.id == asked.id
    assert pull.job.state == JobState.DONE
