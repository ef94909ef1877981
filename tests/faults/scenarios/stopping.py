"""One of two APIs and the workers get SIGTERM with calls and jobs under way."""

import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

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
UNDER_WAY_SECONDS = 0.05

UNFINISHED = "SELECT COUNT(*) FROM job WHERE state <> 'DONE' AND dedupe_key IS NULL"
MARKED = (
    "SELECT COUNT(*) FROM job WHERE (crashes > 0 OR failures > 0 OR lease_token IS NOT NULL)"
    " AND dedupe_key IS NULL"
)


def run(size: Size) -> Iterator[Result]:
    for form in size.forms:
        with Installation(form, 1) as installed:
            installed.start_workers()
            parent = installed.workers[0]
            wait_until(lambda: parent.log.count("working") == WORKERS)  # noqa: B023
            other = free_port()
            installed.fleet.start_api(other)
            target = f"127.0.0.1:{installed.port},127.0.0.1:{other}"
            operator = installed.closing.enter_context(
                Client(target, token=installed.operator_token)
            )
            _enqueue(installed)
            started = time.monotonic()
            with ThreadPoolExecutor(CALLS) as threads:
                everybody = Barrier(CALLS + 1)
                calls = [threads.submit(_call, operator, everybody) for _ in range(CALLS)]
                everybody.wait()
                time.sleep(UNDER_WAY_SECONDS)
                installed.api.signal(signal.SIGTERM)
                installed.workers[0].signal(signal.SIGTERM)
                codes = [installed.api.end(), installed.workers[0].end()]
                marked = installed.count(MARKED)
                failed = sum(call.result() for call in calls)
            installed.start_workers()
            wait_until(lambda: not installed.count(UNFINISHED))
            made = installed.count("SELECT COUNT(*) FROM merchant WHERE display_name = 'Under way'")
            misses = [] if codes == [0, 0] else [f"exit codes {codes}"]
            if marked:
                misses.append(f"{marked} jobs were broken off")
            yield Result(
                "SIGTERM under load",
                form,
                f"{CALLS} calls and {JOBS} jobs",
                "2 signals",
                max(failed, CALLS - made),
                max(0, made - CALLS),
                time.monotonic() - started,
                None,
                misses,
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
            jobs.enqueue(installed.db, JobKind.PRUNE, now_ms)
