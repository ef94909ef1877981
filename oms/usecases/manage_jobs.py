"""What the operator decides of jobs that were given up or wait."""

from collections.abc import Callable, Mapping
from typing import Any

from oms.domain.jobs import Job, JobKind
from oms.domain.ledger import PendingReason
from oms.storage import jobs, orders
from oms.usecases.context import Transaction
from oms.usecases.note_waiting import note_waiting
from oms.usecases.sync_store import fail_runs
from oms.usecases.write_back import fail_write_backs

Args = Mapping[str, Any]


def retry_job(tx: Transaction, job_id: str) -> Job:
    """Make a job due now; raises NotFound, IllegalTransition, AlreadyExists."""
    jobs.retry(tx.db, job_id, tx.now_ms)
    return jobs.get(tx.db, job_id, tx.now_ms)


def discard_job(tx: Transaction, job_id: str) -> Job:
    """Give a job up for good, and what it was to do where its merchant sees it.

    Raises:
        NotFound: no such job.
        IllegalTransition: it runs or is finished.
    """
    kind, args = jobs.work_of(tx.db, job_id)
    # Orders before jobs, as everybody locks them.
    orders.lock(tx.db, args["order_ids"] if kind == JobKind.ALLOCATE_ORDERS else [])
    orders.lock(tx.db, [args["order_id"]] if kind == JobKind.WRITE_BACK else [])
    jobs.discard(tx.db, job_id, tx.now_ms)
    if kind in _ON_DISCARD:
        _ON_DISCARD[kind](tx, job_id, args)
    return jobs.get(tx.db, job_id, tx.now_ms)


def _set_aside(tx: Transaction, job_id: str, args: Args) -> None:
    """Mark open units that nobody allocates any more; those that wait for a reason keep it."""
    job = jobs.get(tx.db, job_id, tx.now_ms)
    set_aside = {
        order_id: {
            line.id: PendingReason.QUARANTINED
            for line in lines
            if line.ledger.open and not line.pending_reason
        }
        for order_id, lines in orders.lines_of(tx.db, args["order_ids"]).items()
    }
    note_waiting(tx, job.merchant_id, set_aside)


_ON_DISCARD: Mapping[JobKind, Callable[[Transaction, str, Args], None]] = {
    JobKind.ALLOCATE_ORDERS: _set_aside,
    JobKind.SYNC_STORE: lambda tx, job_id, args: fail_runs(tx.oms, job_id, args),
    JobKind.WRITE_BACK: lambda tx, job_id, args: fail_write_backs(tx.oms, job_id, args),
}
