"""Pull a store: products first, then orders, page by page, each page one fenced transaction.

A run reads fixed windows [since, until) by the store's own clock and saves its cursor with every
page, so a run that was killed goes on where it was. Only a complete run moves the store's mark, a
failed one leaves it where it was: the next run catches up. Each run reads a little of what the one
before read already, since stores commit late; what is known changes nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from oms import crash_points
from oms.domain.errors import GatewayError, InvalidInput
from oms.domain.jobs import ClaimedJob, back_off_ms
from oms.domain.snapshots import OrderPage, ProductPage
from oms.domain.stores import Store, StoreState, SyncRun, SyncRunState
from oms.storage import catalog, jobs, stores, turns
from oms.usecases.apply_orders import apply_orders
from oms.usecases.context import Oms, Transaction
from oms.usecases.ports import StoreAddress, StoreGateway

GATEWAY_FAILURES_MAX = 6  # Failed attempts in a row before a run is given up: about a minute.

Cursor = dict[str, Any]


def run_sync_store(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Run one step: read one page, apply it, save the cursor; return the next cursor.

    The cursor holds the run's id, the phase (products, then orders), the store's cursor within the
    window, and where the next windows start.
    """
    with oms.db.session():
        store = stores.get(oms.db, job.merchant_id, job.args["store_id"])
        address = StoreAddress(store.platform, store.base_url, stores.credentials(oms.db, store.id))
    if store.state != StoreState.CONNECTED:
        _abandon(oms, job, store)
        return None
    if not job.cursor:
        return _start(oms, job, store)
    try:
        gateway = oms.stores.open(address)
        page = _read(gateway, job.cursor)
        crash_points.reach("sync.read")
    except (GatewayError, InvalidInput) as error:
        _record_problem(oms, job, store, _as_gateway_error(error))
        return None
    if isinstance(page, ProductPage):
        return _apply_products(oms, job, store, page)
    return _apply_orders(oms, job, store, page)


def turn_of_store(oms: Oms, job: ClaimedJob) -> str:
    """Name the turn that the steps of a sync need."""
    del oms
    return stores.turn_name(job.args["store_id"])


def make_runs_wait(oms: Oms, job: ClaimedJob, until_ms: int) -> None:
    """Say in the unfinished runs when the store may be asked, in the caller's transaction."""
    for run in stores.unfinished_runs(oms.db, job.args["store_id"]):
        is_begun = run.state != SyncRunState.QUEUED
        state = SyncRunState.WAITING if is_begun else run.state
        stores.update_run(oms.db, replace(run, state=state, next_attempt_at=until_ms))


def _start(oms: Oms, job: ClaimedJob, store: Store) -> Cursor:
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        waiting = stores.unfinished_runs(oms.db, store.id)
        run = waiting[0] if waiting else stores.new_run(store, now_ms)
        if not waiting:
            stores.insert_run(oms.db, run)
        stores.update_run(
            oms.db, replace(run, state=SyncRunState.RUNNING, started_at=run.started_at or now_ms)
        )
        cursor: Cursor = {
            "run_id": run.id,
            "phase": "products",
            "page": "",
            "since": _since(oms, store.products_synced_until_at),
            "orders_since": _since(oms, store.synced_until_at),
        }
        jobs.advance(oms.db, job, cursor, now_ms)
    crash_points.reach("sync.started")
    return cursor


def _since(oms: Oms, synced_until_ms: int | None) -> int:
    """Return where a window starts, in epoch seconds; a store's whole past at first."""
    if synced_until_ms is None:
        return 0
    return max(0, synced_until_ms // 1000 - oms.policy.sync_overlap_seconds)


def _read(gateway: StoreGateway, cursor: Cursor) -> ProductPage | OrderPage:
    if cursor["phase"] == "products":
        return gateway.read_products(since=cursor["since"], cursor=cursor["page"])
    return gateway.read_orders(since=cursor["since"], cursor=cursor["page"])


def _apply_products(oms: Oms, job: ClaimedJob, store: Store, page: ProductPage) -> Cursor:
    cursor = dict(job.cursor)
    if page.next_cursor:
        cursor["page"] = page.next_cursor
    else:
        cursor |= {
            "phase": "orders",
            "page": "",
            "since": cursor["orders_since"],
            "products_until": page.read_until,
        }
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        stores.lock(oms.db, store.id)
        run = _continue_run(oms, job, store)
        catalog.apply_products(oms.db, store, page.products, now_ms)
        stores.update_run(
            oms.db, replace(run, product_count=run.product_count + len(page.products))
        )
        jobs.advance(oms.db, job, cursor, now_ms)
        crash_points.reach("sync.products_written")
    return cursor


def _apply_orders(oms: Oms, job: ClaimedJob, store: Store, page: OrderPage) -> Cursor | None:
    is_last = not page.next_cursor
    cursor = None if is_last else {**job.cursor, "page": page.next_cursor}
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        run = _continue_run(oms, job, store)
        applied = apply_orders(tx, store, page.orders, page.malformed)
        run = replace(
            run,
            order_count=run.order_count + len(page.orders) + len(page.malformed),
            order_count_expected=page.orders_total,
            created_count=run.created_count + applied.created,
            changed_count=run.changed_count + applied.changed,
            unchanged_count=run.unchanged_count + applied.unchanged,
            quarantined_count=run.quarantined_count + applied.quarantined,
        )
        if is_last:
            products_until = job.cursor["products_until"]
            stores.set_synced_until(tx.db, store.id, page.read_until * 1000, products_until * 1000)
            run = replace(run, state=SyncRunState.SUCCEEDED, finished_at=tx.now_ms)
        stores.update_run(tx.db, run)
        jobs.step(tx.db, job, cursor, tx.now_ms)
        crash_points.reach("sync.orders_written")
    crash_points.reach("sync.committed")
    return cursor


def _continue_run(oms: Oms, job: ClaimedJob, store: Store) -> SyncRun:
    """Read the run, whose last attempt has now succeeded."""
    run = stores.run(oms.db, store.merchant_id, store.id, job.cursor["run_id"])
    return replace(run, state=SyncRunState.RUNNING, failure_count=0, next_attempt_at=None)


def _record_problem(oms: Oms, job: ClaimedJob, store: Store, error: GatewayError) -> None:
    """Say in the run what is wrong; try again later where that makes sense, else give up."""
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        run = stores.run(oms.db, store.merchant_id, store.id, job.cursor["run_id"])
        failures = job.failures + 1
        rest_ms = int(error.retry_after_seconds * 1000)
        run = replace(
            run,
            problem_reason=error.word,
            problem_message=error.message,
            problem_at=now_ms,
            failure_count=failures,
        )
        if error.retryable and failures < GATEWAY_FAILURES_MAX:
            due_at = now_ms + max(back_off_ms(failures, 0.5), rest_ms)
            run = replace(run, state=SyncRunState.WAITING, next_attempt_at=due_at)
            stores.update_run(oms.db, run)
            jobs.put_off(oms.db, job, error.message, due_at, now_ms)
        else:
            run = replace(run, state=SyncRunState.FAILED, finished_at=now_ms, next_attempt_at=None)
            stores.update_run(oms.db, run)
            jobs.finish(oms.db, job, now_ms)
        if rest_ms:
            turns.rest(oms.db, turn_of_store(oms, job), now_ms + rest_ms, now_ms)


def _abandon(oms: Oms, job: ClaimedJob, store: Store) -> None:
    """End the runs of a store that was disconnected."""
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        for run in stores.unfinished_runs(oms.db, store.id):
            stores.update_run(
                oms.db,
                replace(
                    run,
                    state=SyncRunState.FAILED,
                    problem_reason="STORE_DISCONNECTED",
                    problem_message="the store was disconnected",
                    problem_at=now_ms,
                    finished_at=now_ms,
                    next_attempt_at=None,
                ),
            )
        jobs.finish(oms.db, job, now_ms)


def fail_runs(oms: Oms, job_id: str, args: Mapping[str, Any]) -> None:
    """End the runs of a sync job that is given up, in its transaction."""
    now_ms = oms.clock.now_ms()
    for run in stores.unfinished_runs(oms.db, args["store_id"]):
        stores.update_run(
            oms.db,
            replace(
                run,
                state=SyncRunState.FAILED,
                problem_reason="INTERNAL",
                problem_message=f"an error of ours: ask the operator for job {job_id}",
                problem_at=now_ms,
                finished_at=now_ms,
                next_attempt_at=None,
            ),
        )


def _as_gateway_error(error: GatewayError | InvalidInput) -> GatewayError:
    if isinstance(error, GatewayError):
        return error
    return GatewayError(error.message, reason="GATEWAY_REQUEST_REFUSED")
