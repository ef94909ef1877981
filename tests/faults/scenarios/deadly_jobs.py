"""Some jobs kill whatever worker runs them; they are given up, and all the others are done."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import tests.services.crashing
from oms.domain.jobs import CRASHES_MAX, JobKind
from oms.storage import jobs
from tests.faults.scenarios.installation import Installation, wait_until
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size
from tests.services.command_line import environment_of, run_process

# Everything that the scenario enqueued: the timetable's own jobs have a dedupe_key.
HARMLESS = "kind = 'prune' AND args = '{}' AND dedupe_key IS NULL"
DEADLY = "kind = 'prune' AND args <> '{}'"
UNFINISHED = f"SELECT COUNT(*) FROM job WHERE state = 'PENDING' AND {HARMLESS}"
GIVEN_UP = f"SELECT COUNT(*) FROM job WHERE state = 'QUARANTINED' AND {HARMLESS}"
LIVING = f"SELECT COUNT(*) FROM job WHERE state = 'PENDING' AND {DEADLY}"
# A job may have one death more: another one killed the worker that was giving it up.
QUARANTINED = (
    f"SELECT id FROM job WHERE state = 'QUARANTINED' AND crashes >= {CRASHES_MAX} AND {DEADLY}"
)


def run(size: Size) -> Iterator[Result]:
    [hook_folder] = tests.services.crashing.__path__
    path = f"{hook_folder}:{Path.cwd()}:{Path.cwd() / 'client' / 'src'}"
    for form in size.forms:
        with Installation(form, 1, DEADLY_JOBS="1") as installed:
            installed.fleet.environment["PYTHONPATH"] = path
            _enqueue(installed, size.jobs, size.deadly_jobs)
            installed.start_workers()
            others = wait_until(lambda: not installed.count(UNFINISHED))
            all_seconds = others + wait_until(lambda: not installed.count(LIVING))
            given_up = [str(row[0]) for row in installed.rows(QUARANTINED)]
            listed = _listed(installed)
            shown = [job_id for job_id in given_up if f"jobs/{job_id}" in listed]
            wrong = []
            if len(given_up) != size.deadly_jobs:
                wrong.append(f"{len(given_up)} are given up after {CRASHES_MAX} deaths")
            if len(shown) != size.deadly_jobs:
                wrong.append(f"{len(shown)} are shown by `fbali jobs`")
            yield Result(
                "jobs that kill their worker",
                form,
                f"{size.jobs} jobs, {size.deadly_jobs} of them deadly; others in {others:.0f} s",
                f"{size.deadly_jobs * CRASHES_MAX} deaths",
                installed.count(GIVEN_UP),
                0,
                all_seconds,
                wrong=wrong,
            )


def _listed(installed: Installation) -> str:
    """Return what `fbali jobs` writes of those that were given up."""
    with TemporaryDirectory(prefix="fbali-jobs-") as folder:
        environment = environment_of(
            Path(folder),
            FBALI_SERVER=f"127.0.0.1:{installed.port}",
            FBALI_TOKEN=installed.operator_token,
        )
        arguments = ["jobs", "list", "--state", "quarantined", "--output", "json", "--all"]
        return run_process(arguments, environment).stdout


def _enqueue(installed: Installation, count: int, deadly: int) -> None:
    now_ms = installed.count("SELECT MAX(created_at) FROM token")
    with installed.db.transaction():
        for number in range(count):
            args = {"deadly": 1} if number % (count // deadly) == 0 else {}
            jobs.enqueue(installed.db, JobKind.PRUNE, now_ms, args=args)
