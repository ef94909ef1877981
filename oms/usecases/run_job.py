"""Run one job from claim to end: the steps, the lease, the failures.

The broker may lose, double or reorder the wake-up that leads here: a job that is finished or held
by somebody else is left alone, and one that was lost is due again by itself.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from oms import crash_points
from oms.domain.errors import LimitExceeded, Unavailable
from oms.domain.jobs import (
    CRASHES_MAX,
    FAILURES_MAX,
    LEASE_MS,
    OUTSIDE_KINDS,
    SLICE_MS,
    SUSPECT_PAUSE_MS,
    ClaimedJob,
    JobKind,
    Lane,
    back_off_ms,
    lane_of,
)
from oms.storage import in_hand, jobs, turns
from oms.usecases.allocate_orders import run_allocate_orders
from oms.usecases.context import Oms, again_if_contended
from oms.usecases.follow_cases import run_advance_case, run_expire_cases
from oms.usecases.follow_packages import run_poll_tracking, turn_of_carrier
from oms.usecases.hold_orders import run_expire_holds
from oms.usecases.housekeeping import run_expire_allocations, run_expire_cancellations, run_prune
from oms.usecases.keep_photos import run_make_thumbnail, run_purge_photos
from oms.usecases.release_lines import run_release_lines
from oms.usecases.slow_share import SlowShare
from oms.usecases.sync_store import fail_runs, make_runs_wait, run_sync_store, turn_of_store
from oms.usecases.write_back import fail_write_backs, run_write_back

log = logging.getLogger(__name__)

# A step does one bounded piece of work in one fenced transaction and returns the next cursor, or
# None when the job was finished or put off.
Step = Callable[[Oms, ClaimedJob], Mapping[str, Any] | None]

STEPS: Mapping[JobKind, Step] = {
    JobKind.SYNC_STORE: run_sync_store,
    JobKind.ALLOCATE_ORDERS: run_allocate_orders,
    JobKind.RELEASE_LINES: run_release_lines,
    JobKind.POLL_TRACKING: run_poll_tracking,
    JobKind.WRITE_BACK: run_write_back,
    JobKind.EXPIRE_ALLOCATIONS: run_expire_allocations,
    JobKind.EXPIRE_CANCELLATIONS: run_expire_cancellations,
    JobKind.EXPIRE_HOLDS: run_expire_holds,
    JobKind.EXPIRE_CASES: run_expire_cases,
    JobKind.ADVANCE_CASE: run_advance_case,
    JobKind.PRUNE: run_prune,
    JobKind.MAKE_THUMBNAIL: run_make_thumbnail,
    JobKind.PURGE_PHOTOS: run_purge_photos,
}

# Kinds that deal with a crash themselves, one by one; the others are quarantined.
_HANDLE_CRASHES = frozenset(
    {
        JobKind.ALLOCATE_ORDERS,
        JobKind.RELEASE_LINES,
        JobKind.POLL_TRACKING,
        JobKind.EXPIRE_ALLOCATIONS,
        JobKind.EXPIRE_CANCELLATIONS,
        JobKind.EXPIRE_HOLDS,
        JobKind.EXPIRE_CASES,
    }
)

# Whose turn a kind needs for its steps; the others call nobody.
_TURNS: Mapping[JobKind, Callable[[Oms, ClaimedJob], str]] = {
    JobKind.SYNC_STORE: turn_of_store,
    JobKind.POLL_TRACKING: turn_of_carrier,
    JobKind.WRITE_BACK: turn_of_store,
}

# What else is to be written when a system is to be left alone until an instant.
_ON_REST: Mapping[JobKind, Callable[[Oms, ClaimedJob, int], None]] = {
    JobKind.SYNC_STORE: make_runs_wait,
}

_ON_QUARANTINE: Mapping[JobKind, Callable[[Oms, str, Mapping[str, Any]], None]] = {
    JobKind.SYNC_STORE: fail_runs,
    JobKind.WRITE_BACK: fail_write_backs,
}


class Leases:
    """Prolongs the leases that this process holds, from one thread, for as long as it lives."""

    def __init__(self, oms: Oms, process_id: str = "", slow_max: int = 4) -> None:
        """Start nothing yet; `start` does.

        What a process without a name holds can only run out. `slow_max` steps at once may wait for
        systems that are slow.
        """
        self._oms = oms
        self.process_id = process_id
        self.slow = SlowShare(slow_max)
        self.is_winding_down = False
        self._held: dict[str, str] = {}
        self._owed: list[ClaimedJob] = []
        self._suspects = {lane: threading.Lock() for lane in Lane}
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

    def holds(self, job_id: str) -> bool:
        """Tell whether this process runs a job, whatever the clock says of its lease."""
        with self._guard:
            return job_id in self._held

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

    @contextmanager
    def apart(self, job: ClaimedJob) -> Iterator[bool]:
        """Tell whether a job may run now: of those that saw a worker die, one of a lane may.

        So the one that kills this process takes no other with it that was there the last time, and
        what has done no harm is not quarantined for it.
        """
        if not job.crashes:
            yield True
            return
        suspects = self._suspects[lane_of(job.kind)]
        may_run = suspects.acquire(blocking=False)
        try:
            yield may_run
        finally:
            if may_run:
                suspects.release()

    def owe(self, job: ClaimedJob) -> None:
        """Give a job back as soon as the database allows, so that it counts as no crash."""
        with self._guard:
            self._owed.append(job)

    def _beat(self) -> None:
        while not self._stopped.wait(LEASE_MS / 3000):
            self.beat()
        self._oms.db.close()

    def beat(self) -> None:
        """Prolong what is held, and give back what is owed."""
        with self._guard:
            held, owed = list(self._held.items()), list(self._owed)
        try:
            if held:
                self._prolong(held)
            for job in owed:
                self._give_back(job)
        except (Unavailable, LimitExceeded) as error:
            log.warning("leases were not prolonged: %s", error)

    def _give_back(self, job: ClaimedJob) -> None:
        with suppress(jobs.LeaseLostError), self._oms.db.transaction():
            jobs.give_back(self._oms.db, job, self._oms.clock.now_ms())
        with self._guard:
            self._owed.remove(job)

    def _prolong(self, held: list[tuple[str, str]]) -> None:
        with self._oms.db.transaction():
            now_ms = self._oms.clock.now_ms()
            in_hand.prolong(self._oms.db, held, now_ms)
            turns.prolong(self._oms.db, [token for _, token in held], now_ms)
        crash_points.reach("lease.prolonged")


def run_job(oms: Oms, leases: Leases, job_id: str) -> None:
    """Claim a job and run it to its end; a job that cannot be claimed is left alone."""
    if leases.holds(job_id):
        return
    crash_points.reach("job.woken")
    with oms.db.session():
        job = jobs.claim(oms.db, job_id, oms.clock.now_ms(), leases.process_id)
    if job is None:
        return
    crash_points.reach("job.claimed")
    started_ms = oms.clock.now_ms()
    with leases.hold(job):
        outcome = _run(oms, leases, job)
    crash_points.reach("job.ended")
    duration_ms = oms.clock.now_ms() - started_ms
    log.info("job", extra={"job": job.id, "kind": job.kind, "outcome": outcome, "ms": duration_ms})


def _run(oms: Oms, leases: Leases, job: ClaimedJob) -> str:
    try:
        with leases.apart(job) as may_run:
            return _run_steps(oms, leases, job) if may_run else _step_aside(oms, job)
    except jobs.LeaseLostError:  # Also while a failure was written down.
        return "lease lost"
    except (Unavailable, LimitExceeded) as error:  # What happened could not be written down.
        log.warning("job is given back later: %s", error, extra={"job": job.id})
        leases.owe(job)
        return "database away"


def _run_steps(oms: Oms, leases: Leases, job: ClaimedJob) -> str:
    slice_end = time.monotonic() + SLICE_MS / 1000
    try:
        if job.crashes >= CRASHES_MAX and job.kind not in _HANDLE_CRASHES:
            return _quarantine(oms, job, f"killed its worker {job.crashes} times")
        step = STEPS[job.kind]
        while True:
            with _turn(oms, leases, job) as turn_at:
                if turn_at:
                    return _defer(oms, job, turn_at)
                cursor = again_if_contended(partial(step, oms, job))
            if cursor is None:
                return "done"
            job = replace(job, cursor=dict(cursor), crashes=0, failures=0)
            is_over = job.kind in OUTSIDE_KINDS and time.monotonic() > slice_end
            if leases.is_winding_down or is_over:
                return _give_back(oms, job)
    except jobs.LeaseLostError:
        raise
    except Exception as error:
        log.exception("job failed", extra={"job": job.id, "kind": job.kind})
        return _fail(oms, job, error)


@contextmanager
def _turn(oms: Oms, leases: Leases, job: ClaimedJob) -> Iterator[int]:
    """Have the turn at the system that the next step calls; give 0, or when to come again."""
    if job.kind not in _TURNS:
        yield 0
        return
    with oms.db.session():
        now_ms = oms.clock.now_ms()
        is_slow = turns.is_slow(oms.db, _TURNS[job.kind](oms, job), now_ms)
    with leases.slow.room(is_slow=is_slow) as has_room:
        yield _take_turn(oms, job) if has_room else now_ms + turns.WATCH_MS


def _take_turn(oms: Oms, job: ClaimedJob) -> int:
    """Take or keep the turn; return 0, or when to come again.

    A worker that was stopped for a while finds out here that its lease is lost, and calls nobody.
    """
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        jobs.keep(oms.db, job, now_ms)
        turn_at = turns.take(oms.db, _TURNS[job.kind](oms, job), job.lease_token, now_ms)
    crash_points.reach("job.turn_taken")
    return turn_at


def _defer(oms: Oms, job: ClaimedJob, turn_at: int) -> str:
    with oms.db.transaction():
        rests_until = turns.rests_until(oms.db, _TURNS[job.kind](oms, job))
        if rests_until >= turn_at and job.kind in _ON_REST:
            _ON_REST[job.kind](oms, job, rests_until)
        jobs.defer(oms.db, job, turn_at, oms.clock.now_ms())
    return "waits for its turn"


def _step_aside(oms: Oms, job: ClaimedJob) -> str:
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        jobs.defer(oms.db, job, now_ms + SUSPECT_PAUSE_MS, now_ms)
    return "stepped aside"


def _give_back(oms: Oms, job: ClaimedJob) -> str:
    with oms.db.transaction():
        jobs.give_back(oms.db, job, oms.clock.now_ms())
    crash_points.reach("job.given_back")
    return "given back"


def _fail(oms: Oms, job: ClaimedJob, error: Exception) -> str:
    words = f"{type(error).__name__}: {error}"
    if job.failures + 1 >= FAILURES_MAX:
        return _quarantine(oms, job, words)
    jitter = random.random()  # noqa: S311 - spreads retries, keeps no secret.
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        due_at = now_ms + back_off_ms(job.failures + 1, jitter)
        jobs.put_off(oms.db, job, words, due_at, now_ms)
    return "failed"


def _quarantine(oms: Oms, job: ClaimedJob, words: str) -> str:
    with oms.db.transaction():
        if job.kind in _ON_QUARANTINE:  # First: it locks orders, which come before jobs.
            _ON_QUARANTINE[job.kind](oms, job.id, job.args)
        jobs.quarantine(oms.db, job, words, oms.clock.now_ms())
    log.error("job quarantined: %s", words, extra={"job": job.id, "kind": job.kind})
    return "quarantined"
