"""What time does by itself: deadlines pass, and what is kept for a while is forgotten."""

from typing import Any

from oms.domain.allocations import AllocationEvent, AllocationState
from oms.domain.jobs import BATCH_ORDERS_MAX, ClaimedJob
from oms.storage import allocations, jobs, orders, recounting, requests, withdrawals
from oms.usecases.answer_allocation import move_allocation
from oms.usecases.context import Oms, Transaction
from oms.usecases.tell_stores import tell_stores
from oms.usecases.withdraw_units import refuse_cancellation

DAY_MS = 86_400_000
ANSWERS_KEPT_MS = 7 * DAY_MS  # How long a repeated request id gets the same answer.
JOBS_KEPT_MS = 7 * DAY_MS
PRUNE_ROWS_MAX = 1_000  # Rows of one short transaction.


def run_expire_allocations(oms: Oms, job: ClaimedJob) -> dict[str, Any] | None:
    """Expire a batch of allocations that were not accepted in time; their units go back."""
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        overdue = allocations.overdue(tx.db, tx.now_ms, BATCH_ORDERS_MAX)
        orders.lock(tx.db, [order_id for _, order_id in overdue])
        for allocation_id, _ in overdue:
            found = allocations.record(tx.db, allocation_id)
            if found.state == AllocationState.SUBMITTED:
                move_allocation(tx, found, AllocationEvent.EXPIRE)
        order_ids = sorted({order_id for _, order_id in overdue})
        recounting.refresh(tx.db, order_ids)
        tell_stores(tx, order_ids)
        cursor = {"batch": len(overdue)} if overdue else None
        jobs.step(tx.db, job, cursor, tx.now_ms)
    return cursor


def run_expire_cancellations(oms: Oms, job: ClaimedJob) -> dict[str, Any] | None:
    """Let vendors keep what they were asked for and did not answer in time."""
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        overdue = withdrawals.overdue(tx.db, tx.now_ms, BATCH_ORDERS_MAX)
        orders.lock(tx.db, [order_id for _, order_id in overdue])
        for allocation_id, _ in overdue:
            found = allocations.record(tx.db, allocation_id)
            if found.state == AllocationState.CANCELLATION_REQUESTED:
                refuse_cancellation(tx, found, "not answered in time")
        order_ids = sorted({order_id for _, order_id in overdue})
        recounting.refresh(tx.db, order_ids)
        tell_stores(tx, order_ids)
        cursor = {"batch": len(overdue)} if overdue else None
        jobs.step(tx.db, job, cursor, tx.now_ms)
    return cursor


def run_prune(oms: Oms, job: ClaimedJob) -> dict[str, Any] | None:
    """Forget a batch of old answers and old finished jobs."""
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        pruned = requests.prune(oms.db, now_ms - ANSWERS_KEPT_MS, PRUNE_ROWS_MAX)
        pruned += jobs.prune(oms.db, now_ms - JOBS_KEPT_MS, PRUNE_ROWS_MAX)
        cursor = {"pruned": pruned} if pruned else None
        jobs.step(oms.db, job, cursor, now_ms)
    return cursor
