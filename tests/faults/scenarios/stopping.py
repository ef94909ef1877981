"""One of two APIs and the workers get SIGTERM with calls and jobs under way."""

import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import tests.services.crashing
from fbali.client import Client
from fbali.errors import FbaliError
from fbali.v1.admin_service_pb2 import CreateMerchantRequest
from oms.domain.jobs import JobKind
from oms.storage import jobs
from tests.faults.scenarios.installation import WORKERS, Installation, wait_until
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size
from tests.services.fleet import free_port

CALLS = 200
JOBS = 50
JOB_SECONDS = 5.0  # Long enough to be under way while all the calls are made.
UNDER_WAY_SECONDS = 0.05

OURS = "kind = 'prune' AND dedupe_key IS NULL"
UNFINISHED = f"SELECT COUNT(*) FROM job WHERE state <> 'DONE' AND {OURS}"
RUNNING = f"SELECT COUNT(*) FROM job WHERE lease_token IS NOT NULL AND {OURS}"
MARKED = (
    "SELECT COUNT(*) FROM job WHERE (crashes > 0 OR failures > 0 OR lease_token IS NOT NULL)"
    f" AND {OURS}"
)


def run(size: Size) -> Iterator[Result]:
    [hook_folder] = tests.services.crashing.__path__
    path = f"{hook_folder}:{Path.cwd()}:{Path.cwd() / 'client' / 'src'}"
    for form in size.forms:
        # Each process could run all of the jobs, so that all of them are under way at once.
        with Installation(form, 1, SLOW_JOBS="1", WORKER_THREADS=str(JOBS)) as installed:
            installed.fleet.environment["PYTHONPATH"] = path
            installed.start_workers()
            parent = installed.workers[0]
            wait_until(lambda: parent.log.count("working") == WORKERS)  # noqa: B023
            yield _run(installed)


def _run(installed: Installation) -> Result:
    other = free_port()
    installed.fleet.start_api(other)
    target = f"127.0.0.1:{installed.port},127.0.0.1:{other}"
    operator = installed.closing.enter_context(Client(target, token=installed.operator_token))
    everybody = Barrier(CALLS + 1)
    started = time.monotonic()
    with ThreadPoolExecutor(CALLS) as threads:
        calls = [threads.submit(_call, operator, everybody) for _ in range(CALLS)]
        _enqueue(installed)
        wait_until(lambda: installed.count(RUNNING) == JOBS, JOB_SECONDS)
        everybody.wait()
        time.sleep(UNDER_WAY_SECONDS)
        open_calls = sum(not call.done() for call in calls)
        installed.api.signal(signal.SIGTERM)
        installed.workers[0].signal(signal.SIGTERM)
        running = installed.count(RUNNING)
        codes = [installed.api.end(), installed.workers[0].end()]
        broken_off = installed.count(MARKED)
        failed = sum(call.result() for call in calls)
    seconds = time.monotonic() - started
    installed.start_parent()
    wait_until(lambda: not installed.count(UNFINISHED))
    made = installed.count("SELECT COUNT(*) FROM merchant WHERE display_name = 'Under way'")
    wrong = [] if codes == [0, 0] else [f"exit codes {codes}"]
    wrong += [f"{broken_off} jobs were broken off"] if broken_off else []
    wrong += [] if running and open_calls else ["nothing was under way"]
    return Result(
        "SIGTERM under load",
        installed.form,
        f"{CALLS} calls and {JOBS} jobs, {open_calls} and {running} of them under way",
        "2 signals",
        max(failed, CALLS - made),
        max(0, made - CALLS),
        seconds,
        wrong=wrong,
    )


def _call(operator: Client, everybody: Barrier) -> bool:
    """Make a call as clients do; tell whether it failed."""
    everybody.wait()
    try:
        operator.admin.CreateMerchant(
            CreateMerchantRequest(display_name="Under way", request_id=str(uuid.uuid4())),
            timeout=30.0,
        )
    except FbaliError:
        return True
    return False


def _enqueue(installed: Installation) -> None:
    now_ms = installed.count("SELECT MAX(created_at) FROM token")
    with installed.db.transaction():
        for _ in range(JOBS):
            jobs.enqueue(installed.db, JobKind.PRUNE, now_ms, args={"seconds": JOB_SECONDS})
