"""Allocate the lines that waited for a hosting, a partnership or a store's processing."""

from collections.abc import Sequence
from typing import Any

from oms.domain.jobs import BATCH_ORDERS_MAX, ClaimedJob, JobKind
from oms.storage import allocations, jobs
from oms.usecases.allocate_orders import allocate
from oms.usecases.context import Oms, Transaction


def request_release(tx: Transaction, merchant_id: str, product_ids: Sequence[str] = ()) -> None:
    """Ask for it, for orders with open units of some products or (empty) of any."""
    jobs.enqueue(
        tx.db,
        JobKind.RELEASE_LINES,
        tx.now_ms,
        args={"product_ids": list(product_ids)},
        dedupe_key=None if product_ids else f"release_lines:{merchant_id}",
        merchant_id=merchant_id,
    )


def run_release_lines(oms: Oms, job: ClaimedJob) -> dict[str, Any] | None:
    """Allocate the next batch of waiting orders, in id order; return the next cursor.

    After a crash the batch is a single order, and one that crashed repeatedly is passed over.
    """
    after: str = job.cursor.get("after", "")
    limit = 1 if job.crashes else BATCH_ORDERS_MAX
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        batch = allocations.orders_waiting_for(
            tx.db, job.merchant_id, job.args["product_ids"], after, limit
        )
        allocate(tx, batch)
        cursor = {"after": batch[-1]} if batch else None
        jobs.step(tx.db, job, cursor, tx.now_ms)
    return cursor
