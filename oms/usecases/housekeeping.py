"""What time does by itself: deadlines pass, and what is kept for a while is forgotten."""

from collections.abc import Sequence

from oms.domain.allocations import AllocationEvent, AllocationState
from oms.domain.jobs import ClaimedJob, Cursor
from oms.storage import allocations, jobs, orders, requests, withdrawals
from oms.usecases.careful_batches import DueWork, run_batch
from oms.usecases.context import Oms, Transaction
from oms.usecases.move_allocation import move_allocation
from oms.usecases.withdraw_units import refuse_cancellation, settle

DAY_MS = 86_400_000
ANSWERS_KEPT_MS = 7 * DAY_MS  # How long a repeated request id gets the same answer.
JOBS_KEPT_MS = 7 * DAY_MS
PRUNE_ROWS_MAX = 1_000  # Rows of one short transaction.

Overdue = tuple[str, str]  # (allocation id, order id)


def run_expire_allocations(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Expire a batch of allocations that were not accepted in time; their units go back."""
    return run_batch(oms, job, _OVERDUE_ALLOCATIONS)


def run_expire_cancellations(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Let vendors keep what they were asked for and did not answer in time."""
    return run_batch(oms, job, _OVERDUE_CANCELLATIONS)


def _expire_allocations(tx: Transaction, overdue: Sequence[Overdue]) -> None:
    orders.lock(tx.db, [order_id for _, order_id in overdue])
    for allocation_id, _ in overdue:
        found = allocations.record(tx.db, allocation_id)
        if found.state == AllocationState.SUBMITTED:
            move_allocation(tx, found, AllocationEvent.EXPIRE)
    settle(tx, sorted({order_id for _, order_id in overdue}))


def _expire_cancellations(tx: Transaction, overdue: Sequence[Overdue]) -> None:
    orders.lock(tx.db, [order_id for _, order_id in overdue])
    for allocation_id, _ in overdue:
        found = allocations.record(tx.db, allocation_id)
        if found.state == AllocationState.CANCELLATION_REQUESTED:
            refuse_cancellation(tx, found, "not answered in time")
    settle(tx, sorted({order_id for _, order_id in overdue}))


_OVERDUE_ALLOCATIONS: DueWork[Overdue] = DueWork(
    read=lambda tx, limit: allocations.overdue(tx.db, tx.now_ms, limit),
    do=_expire_allocations,
    put_off=lambda tx, item, until: allocations.put_off_deadline(tx.db, item[0], until),
)
_OVERDUE_CANCELLATIONS: DueWork[Overdue] = DueWork(
    read=lambda tx, limit: withdrawals.overdue(tx.db, tx.now_ms, limit),
    do=_expire_cancellations,
    put_off=lambda tx, item, until: withdrawals.put_off_deadline(tx.db, item[0], until),
)


def run_prune(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Forget a batch of old answers and old finished jobs."""
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        pruned = requests.prune(oms.db, now_ms - ANSWERS_KEPT_MS, PRUNE_ROWS_MAX)
        pruned += jobs.prune(oms.db, now_ms - JOBS_KEPT_MS, PRUNE_ROWS_MAX)
        cursor = {"pruned": pruned} if pruned else None
        jobs.step(oms.db, job, cursor, now_ms)
    return cursor
