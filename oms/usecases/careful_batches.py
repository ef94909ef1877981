"""Work on what is due, batch by batch; one by one after a batch that crashed or failed.

So the one that is to blame is found out and set aside, and the others proceed.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from oms.domain.jobs import BATCH_ORDERS_MAX, CRASHES_MAX, FAILURES_MAX, ClaimedJob, Cursor
from oms.storage import jobs
from oms.usecases.allocate_orders import go_on, is_suspicious
from oms.usecases.context import Oms, Transaction

log = logging.getLogger(__name__)

ASIDE_MS = 86_400_000  # What is set aside is due again after a day.

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DueWork(Generic[T]):
    """What is due: read in the order in which it is to be done, done, or put off until an instant.

    What was done or put off is not due any more, so that reading again gives the next.
    """

    read: Callable[[Transaction, int], Sequence[T]]
    do: Callable[[Transaction, Sequence[T]], None]
    put_off: Callable[[Transaction, T, int], None]


def run_batch(oms: Oms, job: ClaimedJob, work: DueWork[T]) -> Cursor | None:
    """Run one step of a job that does all that is due; return the next cursor."""
    is_careful = "careful" in job.cursor
    if is_suspicious(job) and not is_careful:
        return go_on(oms, job, {"careful": True})
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        due = work.read(tx, 1 if is_careful else BATCH_ORDERS_MAX)
        if due and is_careful and _is_to_blame(job):
            log.error("set aside: %s", due[0], extra={"job": job.id, "kind": job.kind})
            work.put_off(tx, due[0], tx.now_ms + ASIDE_MS)
        elif due:
            work.do(tx, due)
        cursor: Cursor | None = {"batch": len(due)} if due else None
        if cursor is not None and is_careful:
            cursor = {**cursor, "careful": True}
        jobs.step(tx.db, job, cursor, tx.now_ms)
    return cursor


def _is_to_blame(job: ClaimedJob) -> bool:
    return job.crashes >= CRASHES_MAX or job.failures >= FAILURES_MAX - 1
