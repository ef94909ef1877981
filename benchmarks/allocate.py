"""Allocation jobs of 50 orders: one after the other, by a worker process, and by the driver."""

import json
import time
from collections.abc import Sequence

from app.demo.shop_catalog import Catalog
from benchmarks.bare import BareDatabase, Insert, Update, inserted, updated
from benchmarks.databases import Databases, copied
from benchmarks.history import Past
from benchmarks.processes import program
from benchmarks.report import Spread, Table, rate_ratio
from benchmarks.scene import FIRST_PLACED_AT, PAGE_ORDERS, Scene, forget_jobs, order_pages
from oms.storage.database import Database
from oms.usecases.apply_orders import apply_orders
from oms.usecases.context import Oms
from oms.usecases.run_job import Leases, run_job

HEAD = ("allocated by", "orders/s", "bare driver orders/s", "ours / bare")
_LEGEND = (
    "Jobs of up to 50 admitted orders, as a sync leaves them, by the hosting rules: claim, plan,"
    " write allocations with lines, quoted costs and history, recount the orders, finish. Raw"
    " limit: the bare driver inserts and updates the same rows in a copy, a transaction a job."
)
_FAR_AWAY_MS = 2**50
_IDLE_SECONDS = 3.0  # A worker process has started by then.
_POLL_SECONDS = 0.01
_WORKER_RUNS_MAX = 3
_LINE = ("id", "allocated", "open_units", "over_allocated", "pending_reason")


def measure_allocate(kind: Databases, pasts: Sequence[Past], pages: int, runs: int) -> Table:
    """Allocate the orders of some pages, in `runs` equal shares and by a worker at once."""
    rows = [cells for past in pasts for cells in _rows(kind, past, pages, runs)]
    return Table(f"Allocate orders, {kind.name}", _LEGEND, HEAD, rows)


def _rows(kind: Databases, past: Past, pages: int, runs: int) -> list[list[str]]:
    with copied(kind, past.url) as url:
        job_ids = _apply(past.scene.at(url), past.orders // PAGE_ORDERS + 1, pages)
        kind.settle(url)
        with copied(kind, url) as copy, copied(kind, url) as bare_copy:
            oms, bare = past.scene.at(copy).oms, BareDatabase(bare_copy)
            ours, raw = _one_by_one(oms, bare, job_ids, runs)
            oms.db.close()
            bare.close()
        workers = []
        for _ in range(min(runs, _WORKER_RUNS_MAX)):
            with copied(kind, url) as copy:
                workers.append(_by_worker(past.scene.at(copy).oms))
    worker = Spread.of(workers)
    there = f"{past.orders:,} orders there"
    return [
        [f"one thread, {there}", str(ours), str(raw), rate_ratio(ours, raw)],
        [f"a worker process, {there}", str(worker), str(raw), rate_ratio(worker, raw)],
    ]


def _apply(people: Scene, first_page: int, pages: int) -> list[str]:
    """Apply pages; return their allocation jobs, which wait."""
    forget_jobs(people)
    db = people.oms.db
    for page in order_pages(Catalog(3, now=FIRST_PLACED_AT), pages, first_page=first_page):
        with db.transaction():
            apply_orders(people.transaction(), people.store, page, ())
    with db.transaction():
        db.run("UPDATE job SET due_at = ?", _FAR_AWAY_MS)
        ids = [row[0] for row in db.all("SELECT id FROM job ORDER BY id")]
    db.close()
    return ids


def _one_by_one(
    oms: Oms, bare: BareDatabase, job_ids: Sequence[str], runs: int
) -> tuple[Spread, Spread]:
    leases = Leases(oms)
    ours, raw = [], []
    share = len(job_ids) // runs
    for start in range(0, share * runs, share):
        orders, taken, taken_bare = 0, 0.0, 0.0
        for job_id in job_ids[start : start + share]:
            started = time.perf_counter()
            run_job(oms, leases, job_id)
            taken += time.perf_counter() - started
            order_ids = _order_ids(oms, job_id)
            taken_bare += bare.write(_written(oms, job_id, order_ids))
            orders += len(order_ids)
        ours.append(orders / taken)
        raw.append(orders / taken_bare)
    return Spread.of(ours), Spread.of(raw)


def _order_ids(oms: Oms, job_id: str) -> list[str]:
    with oms.db.session():
        row = oms.db.one("SELECT args FROM job WHERE id = ? AND state = 'DONE'", job_id)
    assert row is not None, "the job is done"
    found: list[str] = json.loads(row[0])["order_ids"]
    return found


def _written(oms: Oms, job_id: str, order_ids: Sequence[str]) -> list[Insert | Update]:
    """Read back what a job wrote."""
    with oms.db.session():
        job = updated(oms.db, "job", ("id", "state", "due_at", "finished_at"), {"id": [job_id]})
    return [*allocated_rows(oms.db, order_ids), job]


def allocated_rows(db: Database, order_ids: Sequence[str]) -> list[Insert | Update]:
    """Read back what allocating orders wrote."""
    with db.session():
        parts = inserted(db, "allocation", "order_id", order_ids)
        part_ids = [row[parts.columns.index("id")] for row in parts.rows]
        events = inserted(db, "event", "order_id", order_ids)
        kind = events.columns.index("kind")
        submitted = [row for row in events.rows if row[kind] == "allocation.submitted"]
        order = ("id", "status", "has_open_units", "version")
        return [
            parts,
            inserted(db, "allocation_line", "allocation_id", part_ids),
            inserted(db, "cost_entry", "allocation_id", part_ids),
            Insert(events.table, events.columns, submitted),
            updated(db, "order_line", _LINE, {"order_id": order_ids}),
            updated(db, "orders", order, {"id": order_ids}),
        ]


def _by_worker(oms: Oms) -> float:
    """Let a worker process find all jobs due at once; return the orders per second."""
    with oms.db.session():
        orders = sum(len(json.loads(row[0])["order_ids"]) for row in oms.db.all(_WAITING_ARGS))
    with program("app.main", "worker", database_url=oms.db.url):
        time.sleep(_IDLE_SECONDS)
        started = time.perf_counter()
        with oms.db.transaction():
            oms.db.run("UPDATE job SET due_at = ?", oms.clock.now_ms())
        with oms.db.session():
            while oms.db.one(_WAITING_ARGS) is not None:
                time.sleep(_POLL_SECONDS)
        taken = time.perf_counter() - started
    oms.db.close()
    return orders / taken


_WAITING_ARGS = "SELECT args FROM job WHERE state = 'PENDING' AND kind = 'allocate_orders'"
