"""Some jobs kill whatever worker runs them; they are given up, and all the others are done."""

from collections.abc import Iterator
from pathlib import Path

import tests.services.crashing
from fbali.v1.admin_service_pb2 import ListJobsRequest
from fbali.v1.job_pb2 import JOB_STATE_QUARANTINED
from oms.domain.jobs import CRASHES_MAX, JobKind
from oms.storage import jobs
from tests.faults.scenarios.installation import Installation, wait_until
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size

HARMLESS = "SELECT COUNT(*) FROM job WHERE kind = 'prune' AND state <> 'DONE' AND args = '{}'"
DEADLY = "SELECT COUNT(*) FROM job WHERE state = 'QUARANTINED' AND args <> '{}'"


def run(size: Size) -> Iterator[Result]:
    [hook_folder] = tests.services.crashing.__path__
    path = f"{hook_folder}:{Path.cwd()}:{Path.cwd() / 'client' / 'src'}"
    for form in size.forms:
        with Installation(form, 1, DEADLY_JOBS="1") as installed:
            installed.fleet.environment["PYTHONPATH"] = path
            _enqueue(installed, size.jobs, size.deadly_jobs)
            installed.start_workers()
            others = wait_until(lambda: not installed.count(HARMLESS))
            all_seconds = others + wait_until(lambda: installed.count(DEADLY) == size.deadly_jobs)
            shown = installed.operator.admin.ListJobs(
                ListJobsRequest(state=JOB_STATE_QUARANTINED, page_size=100)
            ).jobs
            # One more than allowed where another one killed the worker that was giving it up.
            told = [job for job in shown if "killed its worker" in job.last_error]
            misses = [] if len(told) == size.deadly_jobs else [f"{len(told)} are shown"]
            yield Result(
                "jobs that kill their worker",
                form,
                f"{size.jobs} jobs, {size.deadly_jobs} of them deadly; others in {others:.0f} s",
                f"{size.deadly_jobs * CRASHES_MAX} deaths",
                installed.count(HARMLESS),
                0,
                all_seconds,
                None,
                misses,
            )


def _enqueue(installed: Installation, count: int, deadly: int) -> None:
    now_ms = installed.count("SELECT MAX(created_at) FROM token")
    with installed.db.transaction():
        for number in range(count):
            args = {"deadly": 1} if number % (count // deadly) == 0 else {}
            jobs.enqueue(installed.db, JobKind.PRUNE, now_ms, args=args)
