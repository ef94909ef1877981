"""The job table with a clock and one-line calls, for tests of the table itself."""

from collections.abc import Mapping
from typing import Any

from oms.domain.jobs import ClaimedJob, Job, JobKind
from oms.storage import in_hand, jobs
from oms.storage.database import Database
from oms.storage.jobs import JobFilter
from tests.services.clock import FakeClock


class JobTable:
    """Every call is one transaction at the clock's present instant."""

    def __init__(self, database: Database) -> None:
        self.db = database
        self.clock = FakeClock()

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    def enqueue(self, dedupe_key: str | None = None, **options: Any) -> None:
        with self.db.transaction():
            kind = options.pop("kind", JobKind.PRUNE)
            jobs.enqueue(self.db, kind, self.now, dedupe_key=dedupe_key, **options)

    def enqueued(self, dedupe_key: str | None = None, **options: Any) -> str:
        """Enqueue a job that is new and return its id."""
        known = {job.id for job in self.all()}
        self.enqueue(dedupe_key, **options)
        [made] = {job.id for job in self.all()} - known
        return made

    def claimed(self, dedupe_key: str | None = None) -> ClaimedJob:
        """Enqueue a job that is new and claim it."""
        job = self.claim(self.enqueued(dedupe_key))
        assert job is not None
        return job

    def claim(self, job_id: str) -> ClaimedJob | None:
        with self.db.session():
            return jobs.claim(self.db, job_id, self.now)

    def reclaim(self, job: ClaimedJob) -> ClaimedJob:
        """Claim a job that can be claimed."""
        again = self.claim(job.id)
        assert again is not None
        return again

    def take_due(self, limit: int = 100) -> list[str]:
        return [job_id for job_id, _ in jobs.take_due(self.db, self.now, limit)]

    def advance(self, job: ClaimedJob, cursor: Mapping[str, Any]) -> None:
        with self.db.transaction():
            jobs.advance(self.db, job, cursor, self.now)

    def finish(self, job: ClaimedJob) -> None:
        with self.db.transaction():
            jobs.finish(self.db, job, self.now)

    def put_off(self, job: ClaimedJob, milliseconds: int, error: str = "down") -> None:
        with self.db.transaction():
            jobs.put_off(self.db, job, error, self.now + milliseconds, self.now)

    def give_back(self, job: ClaimedJob) -> None:
        with self.db.transaction():
            jobs.give_back(self.db, job, self.now)

    def quarantine(self, job: ClaimedJob, error: str = "broken") -> None:
        with self.db.transaction():
            jobs.quarantine(self.db, job, error, self.now)

    def extend(self, *held: ClaimedJob) -> None:
        in_hand.prolong(self.db, [(job.id, job.lease_token) for job in held], self.now)

    def retry(self, job_id: str) -> None:
        with self.db.transaction():
            jobs.retry(self.db, job_id, self.now)

    def discard(self, job_id: str) -> None:
        with self.db.transaction():
            jobs.discard(self.db, job_id, self.now)

    def get(self, job_id: str) -> Job:
        with self.db.session():
            return jobs.get(self.db, job_id, self.now)

    def all(self, **wanted: Any) -> list[Job]:
        with self.db.session():
            return jobs.page(self.db, self.now, JobFilter(**wanted), "", 1000)

    def rows(self) -> list[tuple[Any, ...]]:
        with self.db.session():
            return self.db.all("SELECT * FROM job ORDER BY id")
