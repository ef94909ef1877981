"""Jobs under any sequence of relays, deaths, and brokers that lose, double and reorder.

Every step of a job has its effect at most once, and when the faults are over exactly once. Table
and statements are the real ones; the broker is a list, the clock is a fake one.
"""

import shutil
import tempfile
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from oms.domain.jobs import LEASE_MS, REDISPATCH_MS, ClaimedJob
from oms.storage import jobs
from oms.storage.database import Database
from oms.storage.jobs import LeaseLostError
from tests.services.job_table import JobTable
from tests.storage.test_job_machine import template

STEPS = 3
DRAIN_ROUNDS_MAX = 50

places = st.integers(0, 5)


@dataclass
class Worker:
    """Somebody who believes that it holds a job; it may be slow, dead or overtaken."""

    job: ClaimedJob

    @property
    def position(self) -> int:
        return int(self.job.cursor.get("position", 0))


def die() -> None:
    raise InterruptedError


class Wakeups(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="fbali-relay-")
        self.table = JobTable(Database(f"sqlite:///{shutil.copy(template(), self.folder)}"))
        with self.table.db.session():
            self.table.db.run("CREATE TABLE effect (job TEXT, generation INTEGER, step INTEGER)")
        self.broker: list[str] = []
        self.workers: list[Worker] = []
        self.job_count = 0

    # --- Rules --------------------------------------------------------------------------------

    @initialize()
    def work_begins(self):
        self.work_is_caused()

    @rule()
    def work_is_caused(self):
        self.job_count += 1
        self.table.enqueue(f"job {self.job_count}")

    @rule(limit=st.integers(1, 4))
    def relay(self, limit):
        self.broker += self.table.take_due(limit)

    @rule()
    def relay_dies_before_it_pushes(self):
        self.table.take_due()

    @rule(place=places)
    def broker_delivers(self, place):
        """Any message first: brokers reorder."""
        if self.broker:
            self.wake(self.broker.pop(place % len(self.broker)))

    @rule(place=places)
    def broker_delivers_twice(self, place):
        if self.broker:
            self.wake(self.broker[place % len(self.broker)])

    @rule()
    def broker_is_wiped(self):
        self.broker.clear()

    @rule(place=places)
    def worker_takes_a_step(self, place):
        if self.workers:
            self.step(self.workers[place % len(self.workers)])

    @rule(place=places)
    def worker_dies(self, place):
        if self.workers:
            self.workers.pop(place % len(self.workers))

    @rule(place=places)
    def worker_dies_before_its_commit(self, place):
        if self.workers:
            worker = self.workers.pop(place % len(self.workers))
            self.step(worker, commits=False)

    @rule(place=places)
    def worker_beats(self, place):
        if self.workers:
            self.table.extend(self.workers[place % len(self.workers)].job)

    @rule(milliseconds=st.sampled_from([1, LEASE_MS // 2, LEASE_MS, REDISPATCH_MS]))
    def time_passes(self, milliseconds):
        self.table.clock.advance_ms(milliseconds)

    # --- Work ---------------------------------------------------------------------------------

    def wake(self, job_id: str) -> None:
        job = self.table.claim(job_id)
        if job is not None:
            self.workers.append(Worker(job))

    def step(self, worker: Worker, *, commits: bool = True) -> None:
        """Have one effect and save the cursor in one fenced transaction, as every step does."""
        job, position = worker.job, worker.position
        cursor = {"position": position + 1} if position + 1 < STEPS else None
        try:
            with self.table.db.transaction():
                self.table.db.run(
                    "INSERT INTO effect VALUES (?, ?, ?)", job.id, job.generation, position
                )
                jobs.step(self.table.db, job, cursor, self.table.now)
                if not commits:
                    die()
        except (LeaseLostError, InterruptedError):
            cursor = None
        if cursor is None:
            self.workers = [other for other in self.workers if other is not worker]
        else:
            worker.job = replace(job, cursor=cursor)

    def effects(self) -> list[tuple[str, int]]:
        with self.table.db.session():
            return [(row[0], row[1]) for row in self.table.db.all("SELECT job, step FROM effect")]

    # --- What must always hold ----------------------------------------------------------------

    @invariant()
    def no_step_has_its_effect_twice(self):
        effects = self.effects()
        assert len(effects) == len(set(effects))

    @invariant()
    def done_means_that_every_step_had_its_effect(self):
        effects = set(self.effects())
        for job in self.table.all():
            expected = {(job.id, position) for position in range(STEPS)}
            assert (expected <= effects) == (job.state == "DONE")

    def teardown(self) -> None:
        """Without faults, all that was caused is done, whatever was left behind."""
        try:
            self.workers.clear()
            for _ in range(DRAIN_ROUNDS_MAX):
                self.table.clock.advance_ms(REDISPATCH_MS)
                self.relay(50)
                while self.broker:
                    self.wake(self.broker.pop())
                while self.workers:
                    self.step(self.workers[0])
                if all(job.state == "DONE" for job in self.table.all()):
                    break
            assert len(self.effects()) == self.job_count * STEPS
        finally:
            self.table.db.close()
            shutil.rmtree(self.folder)


TestWakeups = Wakeups.TestCase
TestWakeups.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
