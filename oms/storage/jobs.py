"""The job table: every piece of work, with its lease, its back-off and its cursor.

A job is written in the transaction that caused it. Whoever claims it by compare-and-set holds a
lease; every step is fenced by the lease token, so a worker that lost its lease cannot write. The
clock of the caller decides what is due.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from oms.domain.errors import AlreadyExists, IllegalTransition, NotFound
from oms.domain.ids import IdKind, new_id
from oms.domain.jobs import (
    LEASE_MS,
    OUTSIDE_KINDS,
    REDISPATCH_MS,
    ClaimedJob,
    Job,
    JobKind,
    JobState,
    Lane,
    lane_of,
)
from oms.storage import turns
from oms.storage.database import Database, Row, marks

_ERROR_LENGTH_MAX = 2_000
_IS_PATIENT = "WHEN job.failures > 0 OR job.lease_until > excluded.due_at"
# Whatever makes a job that nobody holds due says when, so that a clock that is put back is noticed.
_FREE = "due_at = ?, due_set_at = ?, lease_token = NULL, lease_until = 0, process_id = ''"


class LeaseLostError(Exception):
    """Somebody else holds the job now: roll back and let go."""


def enqueue(
    db: Database,
    kind: JobKind,
    now_ms: int,
    *,
    args: Mapping[str, Any] | None = None,
    dedupe_key: str | None = None,
    merchant_id: str = "",
) -> None:
    """Write a job, due now. One transaction with what caused it.

    With a `dedupe_key` of an unfinished job, that one is triggered instead: a run that is under way
    is followed by one more, and a job that waits after a failure keeps its patience.
    """
    db.run(
        "INSERT INTO job (id, kind, merchant_id, dedupe_key, generation, args, cursor, state,"
        " due_at, due_set_at, lease_until, lease_generation, crashes, failures, last_error,"
        " created_at, lane)"
        " VALUES (?, ?, ?, ?, 1, ?, '{}', 'PENDING', ?, ?, 0, 0, 0, 0, '', ?, ?)"
        " ON CONFLICT (dedupe_key) WHERE state = 'PENDING' DO UPDATE SET"
        f" generation = job.generation + 1, due_at = CASE {_IS_PATIENT} THEN job.due_at"
        f" ELSE excluded.due_at END, due_set_at = CASE {_IS_PATIENT} THEN job.due_set_at"
        " ELSE excluded.due_set_at END",
        new_id(IdKind.JOB, now_ms),
        kind.value,
        merchant_id,
        dedupe_key,
        json.dumps(args or {}),
        now_ms,
        now_ms,
        now_ms,
        lane_of(kind).value,
    )


def take_due(
    db: Database, now_ms: int, limit: int, lane: Lane | None = None, process_id: str = ""
) -> list[tuple[str, str]]:
    """Return (id, kind) of due jobs of one lane or of all, oldest first; put off their wake-ups.

    Any number of relays may call it: a job goes to one of them, and to another one only after
    REDISPATCH_MS, unless it was finished or put off meanwhile. `process_id` names the process whose
    memory alone has the wake-ups from now on.
    """
    lanes = tuple(Lane) if lane is None else (lane,)
    with db.transaction():
        rows = db.all(
            f"SELECT id, kind FROM job WHERE state = 'PENDING' AND lane IN ({marks(lanes)})"
            f" AND due_at <= ? ORDER BY due_at LIMIT ?{db.lock_free_rows}",
            *(lane.value for lane in lanes),
            now_ms,
            limit,
        )
        due_again = now_ms + REDISPATCH_MS
        # A lease that ran out stays that of its process, which may go on with it yet.
        db.many(
            "UPDATE job SET due_at = ?, due_set_at = ?, process_id ="
            " CASE WHEN lease_token IS NULL THEN ? ELSE process_id END WHERE id = ?",
            [(due_again, now_ms, process_id, row[0]) for row in rows],
        )
    return [(row[0], row[1]) for row in rows]


def next_due_at(db: Database, lane: Lane) -> int | None:
    """Tell cheaply when the next job of a lane is due (epoch ms); None when there is none."""
    row = db.one(
        "SELECT due_at FROM job WHERE state = 'PENDING' AND lane = ? ORDER BY due_at LIMIT 1",
        lane.value,
    )
    return None if row is None else int(row[0])


def claim(db: Database, job_id: str, now_ms: int, process_id: str = "") -> ClaimedJob | None:
    """Take the lease of a job for a process; None when it is finished or another worker holds it.

    A lease that was never given back means that its worker died: that is counted before the job
    runs again, so that a job which kills its workers is found out. A run that goes on in the middle
    covers the triggers that it covered when it began, and no later ones.
    """
    token = token_hex(8)
    with db.transaction():
        taken = db.run(
            "UPDATE job SET crashes = crashes + CASE WHEN lease_token IS NULL THEN 0 ELSE 1 END,"
            " lease_token = ?, process_id = ?, lease_until = ?, due_at = ?, lease_generation ="
            " CASE WHEN cursor = '{}' THEN generation ELSE lease_generation END"
            " WHERE id = ? AND state = 'PENDING' AND lease_until <= ?",
            token,
            process_id,
            now_ms + LEASE_MS,
            now_ms + LEASE_MS,
            job_id,
            now_ms,
        )
        if not taken:
            return None
        row = db.one(
            "SELECT id, kind, merchant_id, args, cursor, crashes, failures, lease_generation"
            " FROM job WHERE id = ?",
            job_id,
        )
    assert row is not None
    return ClaimedJob(
        id=row[0],
        kind=JobKind(row[1]),
        merchant_id=row[2],
        args=json.loads(row[3]),
        cursor=json.loads(row[4]),
        crashes=row[5],
        failures=row[6],
        generation=row[7],
        lease_token=token,
    )


def advance(db: Database, job: ClaimedJob, cursor: Mapping[str, Any], now_ms: int) -> None:
    """Save a step's cursor in the step's transaction; progress forgets crashes and failures.

    Raises:
        LeaseLostError: another worker holds the job; the transaction must be rolled back.
    """
    _fenced(
        db,
        "UPDATE job SET cursor = ?, crashes = 0, failures = 0, last_error = '',"
        " lease_until = ?, due_at = ? WHERE id = ? AND lease_token = ? AND state = 'PENDING'",
        json.dumps(cursor),
        now_ms + LEASE_MS,
        now_ms + LEASE_MS,
        job.id,
        job.lease_token,
    )


def keep(db: Database, job: ClaimedJob, now_ms: int) -> None:
    """Prolong the lease of a job before its next step calls an outside system.

    Raises:
        LeaseLostError: another worker holds the job.
    """
    _fenced(
        db,
        "UPDATE job SET lease_until = ?, due_at = ?"
        " WHERE id = ? AND lease_token = ? AND state = 'PENDING'",
        now_ms + LEASE_MS,
        now_ms + LEASE_MS,
        job.id,
        job.lease_token,
    )


def finish(db: Database, job: ClaimedJob, now_ms: int) -> None:
    """Mark a job done in its last step's transaction; run it again if it was triggered meanwhile.

    Raises:
        LeaseLostError: another worker holds the job; the transaction must be rolled back.
    """
    _release(
        db,
        job,
        now_ms,
        "UPDATE job SET state = CASE WHEN generation = lease_generation THEN 'DONE' ELSE 'PENDING'"
        f" END, cursor = '{{}}', crashes = 0, failures = 0, last_error = '', {_FREE},"
        " finished_at = CASE WHEN generation = lease_generation THEN ? END"
        " WHERE id = ? AND lease_token = ? AND state = 'PENDING'",
        now_ms,
        now_ms,
        now_ms,
        job.id,
        job.lease_token,
    )


def step(db: Database, job: ClaimedJob, cursor: Mapping[str, Any] | None, now_ms: int) -> None:
    """End a step in its transaction: save the cursor, or finish the job when there is none.

    Raises:
        LeaseLostError: another worker holds the job; the transaction must be rolled back.
    """
    if cursor is None:
        finish(db, job, now_ms)
    else:
        advance(db, job, cursor, now_ms)


def give_back(db: Database, job: ClaimedJob, now_ms: int) -> None:
    """Let another worker go on with the job at once, from its last cursor."""
    defer(db, job, now_ms, now_ms)


def defer(db: Database, job: ClaimedJob, due_at: int, now_ms: int) -> None:
    """Give the job back until it is its turn (epoch ms); that is no failure."""
    _release(
        db,
        job,
        now_ms,
        f"UPDATE job SET {_FREE} WHERE id = ? AND lease_token = ? AND state = 'PENDING'",
        due_at,
        now_ms,
        job.id,
        job.lease_token,
    )


def put_off(db: Database, job: ClaimedJob, error: str, due_at: int, now_ms: int) -> None:
    """Give the job back after a failure, to be tried again at `due_at` (epoch ms)."""
    _release(
        db,
        job,
        now_ms,
        f"UPDATE job SET failures = failures + 1, crashes = 0, last_error = ?, {_FREE}"
        " WHERE id = ? AND lease_token = ? AND state = 'PENDING'",
        error[:_ERROR_LENGTH_MAX],
        due_at,
        now_ms,
        job.id,
        job.lease_token,
    )


def quarantine(db: Database, job: ClaimedJob, error: str, now_ms: int) -> None:
    """Give a job up until the operator decides."""
    _release(
        db,
        job,
        now_ms,
        "UPDATE job SET state = 'QUARANTINED', failures = failures + 1, last_error = ?,"
        f" {_FREE}, finished_at = ?"
        " WHERE id = ? AND lease_token = ? AND state = 'PENDING'",
        error[:_ERROR_LENGTH_MAX],
        now_ms,
        now_ms,
        now_ms,
        job.id,
        job.lease_token,
    )


def _fenced(db: Database, sql: str, *parameters: object) -> None:
    if db.run(sql, *parameters) != 1:
        raise LeaseLostError


def _release(db: Database, job: ClaimedJob, now_ms: int, sql: str, *parameters: object) -> None:
    """Write fenced that the job is held no longer; its turn ends with it."""
    _fenced(db, sql, *parameters)
    if job.kind in OUTSIDE_KINDS:
        turns.let_go(db, job.lease_token, now_ms)


_SHOWN_STATE = "CASE WHEN state = 'PENDING' AND lease_until > ? THEN 'RUNNING' ELSE state END"
_COLUMNS = (
    f"id, kind, merchant_id, {_SHOWN_STATE}, failures, crashes, last_error, due_at, created_at,"
    " finished_at"
)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs: in a state, or of a kind; None and empty match all."""

    state: JobState | None = None
    kind: str = ""


def page(db: Database, now_ms: int, wanted: JobFilter, before: str, limit: int) -> list[Job]:
    """Return jobs, newest first, older than the id `before` (empty for the newest)."""
    conditions, parameters = ["1 = 1"], list[object]()
    if wanted.state is not None:
        stored = JobState.PENDING if wanted.state == JobState.RUNNING else wanted.state
        conditions += ["state = ?", f"{_SHOWN_STATE} = ?"]
        parameters += [stored.value, now_ms, wanted.state.value]
    for condition, value in (("kind = ?", wanted.kind), ("id < ?", before)):
        if value:
            conditions.append(condition)
            parameters.append(value)
    rows = db.all(
        f"SELECT {_COLUMNS} FROM job WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?",
        now_ms,
        *parameters,
        limit,
    )
    return [_job(row) for row in rows]


def get(db: Database, job_id: str, now_ms: int, *, lock: bool = False) -> Job:
    """Read one job; raises NotFound."""
    locked = db.lock_rows if lock else ""
    row = db.one(f"SELECT {_COLUMNS} FROM job WHERE id = ?{locked}", now_ms, job_id)
    if row is None:
        raise NotFound.of(f"jobs/{job_id}")
    return _job(row)


def work_of(db: Database, job_id: str) -> tuple[JobKind, dict[str, Any]]:
    """Read the kind and the arguments of a job, which never change; raises NotFound."""
    row = db.one("SELECT kind, args FROM job WHERE id = ?", job_id)
    if row is None:
        raise NotFound.of(f"jobs/{job_id}")
    return JobKind(row[0]), json.loads(row[1])


def retry(db: Database, job_id: str, now_ms: int) -> None:
    """Make a quarantined or waiting job due now, with its failures forgotten."""
    job = get(db, job_id, now_ms, lock=True)
    _require(job, "retry", JobState.PENDING, JobState.QUARANTINED)
    twin = db.one(
        "SELECT 1 FROM job a JOIN job b ON a.dedupe_key = b.dedupe_key AND a.id <> b.id"
        " WHERE a.id = ? AND b.state = 'PENDING'",
        job_id,
    )
    if twin is not None:
        raise AlreadyExists(
            f"the work of jobs/{job_id} is queued again already", resource=f"jobs/{job_id}"
        )
    db.run(
        "UPDATE job SET state = 'PENDING', crashes = 0, failures = 0, due_at = ?, due_set_at = ?,"
        " finished_at = NULL WHERE id = ?",
        now_ms,
        now_ms,
        job_id,
    )


def discard(db: Database, job_id: str, now_ms: int) -> None:
    """Give up a quarantined or waiting job for good."""
    job = get(db, job_id, now_ms, lock=True)
    _require(job, "discard", JobState.PENDING, JobState.QUARANTINED)
    db.run("UPDATE job SET state = 'DISCARDED', finished_at = ? WHERE id = ?", now_ms, job_id)


def prune(db: Database, older_than_ms: int, limit: int) -> int:
    """Delete finished jobs that ended before an instant; return how many."""
    return db.run(
        "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state IN ('DONE', 'DISCARDED')"
        " AND finished_at < ? LIMIT ?)",
        older_than_ms,
        limit,
    )


def _require(job: Job, event: str, *states: JobState) -> None:
    if job.state not in states:
        raise IllegalTransition(f"jobs/{job.id}", event=event, state=job.state.value, allowed=())


def _job(row: Row) -> Job:
    return Job(
        id=row[0],
        kind=row[1],
        merchant_id=row[2],
        state=JobState(row[3]),
        failures=row[4],
        crashes=row[5],
        last_error=row[6],
        due_at=row[7],
        created_at=row[8],
        finished_at=row[9],
    )
