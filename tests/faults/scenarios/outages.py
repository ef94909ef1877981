"""Redis is down, PostgreSQL is stopped, the SQLite file is locked; calls go on where they can."""

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from threading import Event

from app.demo.customers import Customers
from fbali.errors import DeadlineExceeded, Unavailable
from fbali.v1.admin_service_pb2 import CreateMerchantRequest
from tests.faults.scenarios.installation import Form, Installation, wait_until
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size

RECOVERY_SECONDS_MAX = 5.0
BACKLOG_SECONDS_MAX = 30.0
PAUSE_SECONDS = 0.1

Outage = Callable[[Installation, float], None]


def redis_down(installed: Installation, seconds: float) -> None:
    assert installed.redis is not None
    installed.redis.kill()
    time.sleep(seconds)
    installed.redis.start_again()


def postgres_down(installed: Installation, seconds: float) -> None:
    assert installed.postgres is not None
    installed.postgres.kill()
    time.sleep(seconds)
    installed.postgres.start_again()


def sqlite_locked(installed: Installation, seconds: float) -> None:
    path = installed.db.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        other.execute("ROLLBACK")


def run(size: Size) -> Iterator[Result]:
    outage, longer = size.outage_seconds, size.redis_outage_seconds
    yield _run(size, "Redis down", Form.DISTRIBUTED, redis_down, longer)
    yield _run(size, "PostgreSQL stopped", Form.DISTRIBUTED, postgres_down, outage)
    yield _run(size, "SQLite file locked", Form.EMBEDDED, sqlite_locked, outage)


def _run(size: Size, name: str, form: Form, outage: Outage, seconds: float) -> Result:
    with Installation(form, size.redis_orders // 10) as installed, ThreadPoolExecutor(1) as pool:
        installed.start_workers()
        installed.connect()
        installed.host_all()
        installed.drain()
        processes = installed.worker_pids()
        expected = installed.known_orders()
        customers = Customers(installed.shop, installed.catalog)
        is_over = Event()
        calls: Future[list[tuple[float, str]]] = pool.submit(_call_until, installed, is_over)
        try:
            for _ in range(size.redis_orders // 10):
                customers.buy()
            outage(installed, seconds)
            ended_at = time.monotonic()
            backlog = wait_until(lambda: installed.is_drained(expected + size.redis_orders // 10))
            time.sleep(RECOVERY_SECONDS_MAX)  # For the calls, too.
        finally:
            is_over.set()
        made = calls.result()
        tally = installed.tally(expected + size.redis_orders // 10)
        rows = installed.count("SELECT COUNT(*) FROM merchant WHERE display_name LIKE 'Call %'")
        wrong = [f"{command} ended" for command in installed.fleet.ended()]
        if installed.worker_pids() != processes:
            wrong.append("a worker ended")
        answered = sum(1 for _, code in made if code == "OK")
        return Result(
            f"{name} for {seconds:.0f} s",
            form,
            f"{size.redis_orders // 10} orders, {len(made)} calls",
            "1 outage",
            tally.lost + max(0, answered - rows),
            tally.doubled,
            backlog,
            misses=_misses(form, made, ended_at, backlog),
            wrong=wrong,
        )


def _call_until(installed: Installation, is_over: Event) -> list[tuple[float, str]]:
    """Create merchants one after the other; each is repeated until it is answered."""
    made: list[tuple[float, str]] = []
    while not is_over.wait(PAUSE_SECONDS):
        request = CreateMerchantRequest(
            display_name=f"Call {len(made)}", request_id=str(uuid.uuid4())
        )
        try:
            installed.operator.admin.CreateMerchant(request, timeout=2.0)
            made.append((time.monotonic(), "OK"))
        except (Unavailable, DeadlineExceeded) as error:
            made.append((time.monotonic(), error.code))
    return made


def _misses(
    form: Form, made: list[tuple[float, str]], ended_at: float, backlog: float
) -> list[str]:
    first = next((at for at, code in made if at > ended_at and code == "OK"), None)
    misses = []
    if first is None or first - ended_at > RECOVERY_SECONDS_MAX:
        late = "never" if first is None else f"{first - ended_at:.1f} s"
        misses.append(f"the first call after it was answered {late} later")
    if backlog > BACKLOG_SECONDS_MAX:
        misses.append(f"the backlog took {backlog:.0f} s ({form})")
    return misses
