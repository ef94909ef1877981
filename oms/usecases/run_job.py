"""Run one job from claim to end: the steps, the lease, the failures.

The broker may lose, double or reorder the wake-up that leads here: a job that is finished or held
by somebody else is left alone, and one that was lost is due again by itself.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from oms.domain.errors import Unavailable
from oms.domain.jobs import (
    CRASHES_MAX,
    FAILURES_MAX,
    LEASE_MS,
    ClaimedJob,
    JobKind,
    back_off_ms,
)
from oms.storage import jobs
from oms.usecases.allocate_orders import run_allocate_orders
from oms.usecases.context import Oms
from oms.usecases.follow_cases import run_advance_case, run_expire_cases
from oms.usecases.follow_packages import run_poll_tracking
from oms.usecases.hold_orders import run_expire_holds
from oms.usecases.housekeeping import run_expire_allocations, run_expire_cancellations, run_prune
from oms.usecases.keep_photos import run_make_thumbnail, run_purge_photos
from oms.usecases.release_lines import run_release_lines
from oms.usecases.sync_store import fail_runs, run_sync_store

log = logging.getLogger(__name__)

# A step does one bounded piece of work in one fenced transaction and returns the next cursor, or
# None when the job was finished or put off.
Step = Callable[[Oms, ClaimedJob], Mapping[str, Any] | None]

STEPS: Mapping[JobKind, Step] = {
    JobKind.SYNC_STORE: run_sync_store,
    JobKind.ALLOCATE_ORDERS: run_allocate_orders,
    JobKind.RELEASE_LINES: run_release_lines,
    JobKind.POLL_TRACKING: run_poll_tracking,
    JobKind.EXPIRE_ALLOCATIONS: run_expire_allocations,
    JobKind.EXPIRE_CANCELLATIONS: run_expire_cancellations,
    JobKind.EXPIRE_HOLDS: run_expire_holds,
    JobKind.EXPIRE_CASES: run_expire_cases,
    JobKind.ADVANCE_CASE: run_advance_case,
    JobKind.PRUNE: run_prune,
    JobKind.MAKE_THUMBNAIL: run_make_thumbnail,
    JobKind.PURGE_PHOTOS: run_purge_photos,
}

# Kinds that deal with a crash themselves, order by order; the others are quarantined.
_HANDLE_CRASHES = frozenset({JobKind.ALLOCATE_ORDERS, JobKind.RELEASE_LINES})

_ON_QUARANTINE: Mapping[JobKind, Callable[[Oms, ClaimedJob], None]] = {
    JobKind.SYNC_STORE: fail_runs,
}


class Leases:
    """Prolongs the leases that this process holds, from one thread, for as long as it lives."""

    def __init__(self, oms: Oms) -> None:
        """Start nothing yet; `start` does."""
        self._oms = oms
        self.is_winding_down = False
        self._held: dict[str, str] = {}
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)

    def start(self) -> None:
        """Begin to prolong."""
        self._thread.start()

    def wind_down(self) -> None:
        """Let every job that is held go back after the step that runs."""
        self.is_winding_down = True

    def stop(self) -> None:
        """Stop; what is still held expires by itself."""
        self._stopped.set()
        self._thread.join()

    @contextmanager
    def hold(self, job: ClaimedJob) -> Iterator[None]:
        """Keep a job's lease while its steps run."""
        with self._guard:
            self._held[job.id] = job.lease_token
        try:
            yield
        finally:
            with self._guard:
                self._held.pop(job.id, None)

    def _beat(self) -> None:
        while not self._stopped.wait(LEASE_MS / 3000):
            with self._guard:
                held = list(self._held.items())
            if held:
                try:
                    with self._oms.db.session():
                        jobs.extend_leases(self._oms.db, held, self._oms.clock.now_ms())
                except Unavailable as error:
                    log.warning("leases were not prolonged: %s", error)
        self._oms.db.close()


def run_job(oms: Oms, leases: Leases, job_id: str) -> None:
    """Claim a job and run it to its end; a job that cannot be claimed is left alone."""
    with oms.db.session():
        job = jobs.claim(oms.db, job_id, oms.clock.now_ms())
    if job is None:
        return
    started_ms = oms.clock.now_ms()
    with leases.hold(job):
        outcome = _run(oms, leases, job)
    duration_ms = oms.clock.now_ms() - started_ms
    log.info("job", extra={"job": job.id, "kind": job.kind, "outcome": outcome, "ms": duration_ms})


def _run(oms: Oms, leases: Leases, job: ClaimedJob) -> str:
    try:
        return _run_steps(oms, leases, job)
    except jobs.LeaseLostError:  # Also while a failure was written down.
        return "lease lost"


def _run_steps(oms: Oms, leases: Leases, job: ClaimedJob) -> str:
    try:
        if job.crashes >= CRASHES_MAX and job.kind not in _HANDLE_CRASHES:
            return _quarantine(oms, job, f"killed its worker {job.crashes} times")
        step = STEPS[job.kind]
        cursor = step(oms, job)
        while cursor is not None:
            job = replace(job, cursor=dict(cursor), crashes=0, failures=0)
            if leases.is_winding_down:
                return _give_back(oms, job)
            cursor = step(oms, job)
    except jobs.LeaseLostError:
        raise
    except Exception as error:
        log.exception("job failed", extra={"job": job.id, "kind": job.kind})
        return _fail(oms, job, error)
    return "done"


def _give_back(oms: Oms, job: ClaimedJob) -> str:
    with oms.db.transaction():
        jobs.give_back(oms.db, job, oms.clock.now_ms())
    return "given back"


def _fail(oms: Oms, job: ClaimedJob, error: Exception) -> str:
    words = f"{type(error).__name__}: {error}"
    if job.failures + 1 >= FAILURES_MAX:
        return _quarantine(oms, job, words)
    jitter = random.random()  # noqa: S311 - spreads retries, keeps no secret.
    due_at = oms.clock.now_ms() + back_off_ms(job.failures + 1, jitter)
    with oms.db.transaction():
        jobs.put_off(oms.db, job, words, due_at)
    return "failed"


def _quarantine(oms: Oms, job: ClaimedJob, words: str) -> str:
    with oms.db.transaction():
        jobs.quarantine(oms.db, job, words, oms.clock.now_ms())
        if job.kind in _ON_QUARANTINE:
            _ON_QUARANTINE[job.kind](oms, job)
    log.error("job quarantined: %s", words, extra={"job": job.id, "kind": job.kind})
    return "quarantined"
