"""Allocate the lines that waited for a hosting, a partnership or a store's processing."""

from collections.abc import Sequence

from oms import crash_points
from oms.domain.jobs import BATCH_ORDERS_MAX, ClaimedJob, Cursor, JobKind
from oms.storage import allocations, jobs
from oms.usecases.allocate_orders import allocate_unless_deadly, go_on, is_suspicious
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


def run_release_lines(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Allocate the next batch of waiting orders; return the next cursor.

    Orders come product by product, or (without products) in the order in which they were placed.
    After a crash or a failure they are taken one by one to the end, and one that killed its workers
    or always fails is set aside.
    """
    is_careful = "careful" in job.cursor
    if is_suspicious(job) and not is_careful:
        return go_on(oms, job, {**job.cursor, "careful": True})
    limit = 1 if is_careful else BATCH_ORDERS_MAX
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        read = _next_of_products if job.args["product_ids"] else _next_of_any
        batch, cursor = read(tx, job, limit)
        allocate_unless_deadly(tx, job, batch)
        if cursor is not None and is_careful:
            cursor["careful"] = True
        jobs.step(tx.db, job, cursor, tx.now_ms)
        crash_points.reach("release.written")
    crash_points.reach("release.committed")
    return cursor


def _next_of_any(tx: Transaction, job: ClaimedJob, limit: int) -> tuple[list[str], Cursor | None]:
    placed_at, order_id = job.cursor.get("after", (0, ""))
    found = allocations.orders_waiting(tx.db, job.merchant_id, (placed_at, order_id), limit)
    return [item[1] for item in found], {"after": found[-1]} if found else None


def _next_of_products(
    tx: Transaction, job: ClaimedJob, limit: int
) -> tuple[list[str], Cursor | None]:
    """Read on in the product where the last batch ended, or in the next one that is waited for."""
    product_ids: list[str] = job.args["product_ids"]
    first: int = job.cursor.get("product", 0)
    after: str = job.cursor.get("after", "")
    for place in range(first, len(product_ids)):
        batch = allocations.orders_waiting_for(
            tx.db, job.merchant_id, product_ids[place], after if place == first else "", limit
        )
        if batch:
            return batch, {"product": place, "after": batch[-1]}
    return [], None
