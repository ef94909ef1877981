"""Discarding a job loses no order in silence: whoever waits for it sees that it was given up."""

import pytest

from fbali.v1.admin_service_pb2 import DiscardJobRequest, GetJobRequest, ListJobsRequest
from fbali.v1.hosting_service_pb2 import ListStoresRequest
from fbali.v1.job_pb2 import JOB_STATE_DISCARDED, JOB_STATE_PENDING
from fbali.v1.order_service_pb2 import ListWriteBacksRequest, SyncOrdersRequest
from fbali.v1.write_back_pb2 import WRITE_BACK_STATE_FAILED
from oms.domain.jobs import IF_DISCARDED, JobKind
from oms.domain.ledger import PendingReason
from oms.storage import jobs
from tests.functional.estate import Estate, last_id
from tests.services.stack import Stack, dump


def enqueue(stack: Stack, kind: JobKind, **args: object) -> str:
    with stack.db.transaction():
        jobs.enqueue(stack.db, kind, stack.clock.now_ms(), args=args, merchant_id=stack.merchant.id)
        [row] = stack.db.all("SELECT MAX(id) FROM job WHERE kind = ?", kind.value)
    return f"jobs/{row[0]}"


def discard(stack: Stack, name: str) -> None:
    job = stack.operator.call(DiscardJobRequest(name=name)).job
    assert job.state == JOB_STATE_DISCARDED


def test_every_kind_says_what_discarding_it_means():
    assert set(IF_DISCARDED) == set(JobKind)
    assert all(len(words) > 20 for words in IF_DISCARDED.values())


def test_job_tells_what_discarding_it_means(stack: Stack, estate: Estate):
    job = stack.operator.call(GetJobRequest(name=estate.job)).job

    assert job.discard_effect == IF_DISCARDED[JobKind.PRUNE]
    assert job in stack.operator.call(ListJobsRequest(kind="prune")).jobs


def test_units_that_nobody_allocates_any_more_are_marked(stack: Stack, estate: Estate):
    order_id = last_id(estate.order)
    with stack.db.transaction():
        line = "UPDATE order_line SET ordered = ordered + 1, open_units = 1, pending_reason = ''"
        assert stack.db.run(f"{line} WHERE order_id = ?", order_id)
    name = enqueue(stack, JobKind.ALLOCATE_ORDERS, order_ids=[order_id])

    discard(stack, name)

    with stack.db.session():
        reasons = stack.db.all("SELECT pending_reason FROM order_line WHERE order_id = ?", order_id)
    assert {row[0] for row in reasons} == {PendingReason.QUARANTINED}


def test_reason_for_which_units_wait_already_is_kept(stack: Stack, estate: Estate):
    order_id = last_id(estate.waiting)
    before = dump(stack.db, without=["job"])["order_line"]
    name = enqueue(stack, JobKind.ALLOCATE_ORDERS, order_ids=[order_id])

    discard(stack, name)

    assert dump(stack.db, without=["job"])["order_line"] == before


def test_sync_that_is_discarded_fails_and_the_next_one_reads_all(stack: Stack, estate: Estate):
    run = stack.merchant.call(SyncOrdersRequest(name=estate.store)).sync_run
    [job] = [
        job
        for job in stack.operator.call(
            ListJobsRequest(kind="sync_store", state=JOB_STATE_PENDING)
        ).jobs
        if job.discard_effect
    ]

    discard(stack, job.name)

    with stack.db.session():
        [row] = stack.db.all("SELECT state FROM sync_run WHERE id = ?", last_id(run.name))
    assert row[0] == "FAILED"
    again = stack.merchant.call(SyncOrdersRequest(name=estate.store)).sync_run
    assert again.name != run.name
    stack.work()
    [store] = stack.merchant.call(ListStoresRequest(parent=stack.merchant.name)).stores
    assert store.latest_sync_run == again.name


@pytest.mark.parametrize("state", ["PENDING", "SENT"])
def test_write_back_that_is_discarded_is_failed_and_can_be_retried(
    stack: Stack, estate: Estate, state: str
):
    request = ListWriteBacksRequest(parent=stack.merchant.name)
    with stack.db.transaction():
        assert stack.db.run(
            "UPDATE write_back SET state = ?, method = ?, finished_at = NULL WHERE id = ?",
            state,
            "NOTE_AND_STATUS" if state == "SENT" else "",
            last_id(estate.write_back),
        )
        [row] = stack.db.all(
            "SELECT order_id FROM write_back WHERE id = ?", last_id(estate.write_back)
        )
        stack.db.run("UPDATE job SET state = 'DONE' WHERE kind = 'write_back'")
    name = enqueue(stack, JobKind.WRITE_BACK, order_id=row[0], store_id=last_id(estate.store))

    discard(stack, name)

    [found] = [
        item for item in stack.merchant.call(request).write_backs if item.name == estate.write_back
    ]
    assert found.state == WRITE_BACK_STATE_FAILED
    assert last_id(name) in found.problem_message


def test_job_that_runs_is_not_discarded_and_nothing_changes(stack: Stack, estate: Estate):
    order_id = last_id(estate.waiting)
    name = enqueue(stack, JobKind.ALLOCATE_ORDERS, order_ids=[order_id])
    with stack.db.session():
        assert jobs.claim(stack.db, last_id(name), stack.clock.now_ms()) is not None
    before = dump(stack.db)

    assert stack.operator.code(DiscardJobRequest(name=name)) == "FAILED_PRECONDITION"

    assert dump(stack.db) == before
