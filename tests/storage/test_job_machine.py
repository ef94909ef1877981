"""The job table under any sequence of workers, deaths, triggers and operators, on a fake clock."""

import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from oms.domain.errors import AlreadyExists, IllegalTransition
from oms.domain.jobs import LEASE_MS, REDISPATCH_MS, ClaimedJob, JobState
from oms.storage.database import Database
from oms.storage.jobs import LeaseLostError
from tests.services.job_table import JobTable


@cache
def template() -> Path:
    """Have one migrated file per process, to be copied."""
    path = Path(tempfile.mkdtemp(prefix="fbali-jobs-")) / "jobs.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@dataclass
class Expected:
    """What is known of one job without looking at the table; instants are ms, moments steps."""

    key: str
    state: JobState = JobState.PENDING
    token: str | None = None
    lease_until: int = 0
    is_patient: bool = False
    triggered_at: int = 0  # The moment of the last trigger.
    began_at: int = -1  # The moment in which the present run began from nothing.
    cursor: dict[str, int] = field(default_factory=dict)


# Things are chosen by their place, since ids differ from run to run; mostly the newest one.
places = st.sampled_from([0, 0, 0, 0, 1, 2])


def at(place, found):
    return found[::-1][min(place, len(found) - 1)]


class Jobs(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="fbali-jobs-")
        path = shutil.copy(template(), self.folder)
        self.table = JobTable(Database(f"sqlite:///{path}"))
        self.expected: dict[str, Expected] = {}
        self.keys: dict[str, str] = {}  # The unfinished job by dedupe key.
        self.claims: list[ClaimedJob] = []  # Everything that any worker ever held.
        self.moment = 0

    def teardown(self) -> None:
        self.table.db.close()
        shutil.rmtree(self.folder)

    # --- Rules --------------------------------------------------------------------------------

    @initialize()
    def work_begins(self):
        self.trigger("a")
        self.claim_job(*self.expected)

    @rule(key=st.sampled_from(["a", "a", "a", "b"]))
    def trigger(self, key):
        self.moment += 1
        before = {job.id for job in self.table.all()}
        self.table.enqueue(key)
        made = {job.id for job in self.table.all()} - before
        if key in self.keys:
            assert made == set()
            self.expected[self.keys[key]].triggered_at = self.moment
            return
        [job_id] = made
        self.expected[job_id] = Expected(key, triggered_at=self.moment)
        self.keys[key] = job_id

    @rule(milliseconds=st.sampled_from([1, LEASE_MS - 1, LEASE_MS, REDISPATCH_MS]))
    def time_passes(self, milliseconds):
        self.table.clock.advance_ms(milliseconds)

    @rule()
    def relay_wakes_each_due_job_once(self):
        taken = self.table.take_due()
        assert len(set(taken)) == len(taken)
        assert all(self.expected[job_id].state == JobState.PENDING for job_id in taken)
        assert self.table.take_due() == []

    @rule(place=places)
    def claim(self, place):
        unfinished = [job_id for job_id in self.expected if job_id in self.keys.values()]
        self.claim_job(at(place, unfinished or list(self.expected)))

    def claim_job(self, job_id):
        self.moment += 1
        expected = self.expected[job_id]
        job = self.table.claim(job_id)
        is_free = expected.lease_until <= self.table.now
        assert (job is not None) == (expected.state == JobState.PENDING and is_free)
        if job is None:
            return
        assert job.cursor == expected.cursor
        if not job.cursor:
            expected.began_at = self.moment
        expected.token, expected.lease_until = job.lease_token, self.table.now + LEASE_MS
        expected.is_patient = job.failures > 0
        self.claims.append(job)

    @rule(place=places, page=st.integers(1, 9))
    def advance(self, place, page):
        expected = self.write(place, lambda job: self.table.advance(job, {"page": page}))
        if expected is not None:
            expected.cursor = {"page": page}
            expected.lease_until = self.table.now + LEASE_MS
            expected.is_patient = False

    @rule(place=places)
    def finish(self, place):
        expected = self.write(place, self.table.finish)
        if expected is not None:
            is_over = expected.began_at > expected.triggered_at
            self.let_go(expected, JobState.DONE if is_over else JobState.PENDING)
            expected.cursor, expected.is_patient = {}, False

    @rule(place=places, milliseconds=st.sampled_from([0, 1_000, 60_000]))
    def put_off(self, place, milliseconds):
        expected = self.write(place, lambda job: self.table.put_off(job, milliseconds))
        if expected is not None:
            self.let_go(expected, JobState.PENDING)
            expected.is_patient = True

    @rule(place=places, gives_up=st.booleans())
    def give_back(self, place, gives_up):
        write = self.table.quarantine if gives_up else self.table.give_back
        expected = self.write(place, write)
        if expected is not None:
            self.let_go(expected, JobState.QUARANTINED if gives_up else JobState.PENDING)

    @rule(place=places)
    def extend(self, place):
        job = at(place, self.claims)
        self.table.extend(job)
        expected = self.expected[job.id]
        if expected.token == job.lease_token:
            expected.lease_until = self.table.now + LEASE_MS

    @rule(place=places, decide=st.sampled_from([JobTable.retry, JobTable.discard]))
    def operator_decides(self, place, decide):
        job_id = at(place, list(self.expected))
        expected = self.expected[job_id]
        before = self.table.rows()
        try:
            decide(self.table, job_id)
        except (IllegalTransition, AlreadyExists):
            assert self.table.rows() == before
            return
        assert expected.lease_until <= self.table.now
        if decide is JobTable.discard:
            self.let_go(expected, JobState.DISCARDED)
        else:
            expected.state, expected.is_patient = JobState.PENDING, False
            self.keys[expected.key] = job_id

    # --- What must always hold ----------------------------------------------------------------

    def write(self, place, do):
        """Write as some worker; only the holder of the lease succeeds, others change nothing."""
        self.moment += 1
        job = at(place, self.claims)
        expected = self.expected[job.id]
        before = self.table.rows()
        try:
            do(job)
        except LeaseLostError:
            assert expected.token != job.lease_token
            assert self.table.rows() == before
            return None
        assert (expected.token, expected.state) == (job.lease_token, JobState.PENDING)
        return expected

    def let_go(self, expected, state):
        expected.token, expected.lease_until, expected.state = None, 0, state
        ended = {job_id for job_id, job in self.expected.items() if job.state != JobState.PENDING}
        self.keys = {key: job_id for key, job_id in self.keys.items() if job_id not in ended}

    @invariant()
    def table_is_as_expected(self):
        found = {job.id: job.state for job in self.table.all()}
        assert found == {
            job_id: JobState.RUNNING
            if job.state == JobState.PENDING and job.lease_until > self.table.now
            else job.state
            for job_id, job in self.expected.items()
        }

    @invariant()
    def done_means_that_a_run_began_after_the_last_trigger(self):
        for job in self.expected.values():
            assert job.state != JobState.DONE or job.began_at > job.triggered_at

    @invariant()
    def nothing_unfinished_is_forgotten(self):
        for job in self.table.all(state=JobState.PENDING):
            if not self.expected[job.id].is_patient:
                assert job.due_at <= self.table.now + REDISPATCH_MS


TestJobs = Jobs.TestCase
TestJobs.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
