"""The clock of the workers jumps an hour ahead and an hour back while orders are synced."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import tests.services.crashing
from app.demo.customers import Customers
from tests.faults.scenarios.installation import (
    DRAIN_SECONDS_MAX,
    Form,
    Installation,
    again_and_again,
)
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size

HOUR_MS = 3_600_000
JUMPS = (HOUR_MS, -HOUR_MS, 0)
EVERY_SECONDS = 2.0
SHORT_WAIT_SECONDS = 40.0
LATE_ORDERS = 5


def run(size: Size) -> Iterator[Result]:
    [hook_folder] = tests.services.crashing.__path__
    path = f"{hook_folder}:{Path.cwd()}:{Path.cwd() / 'client' / 'src'}"
    for form in size.forms:
        with TemporaryDirectory(prefix="fbali-clock-") as folder:
            ahead = Path(folder) / "ahead"
            ahead.write_text("0")
            with Installation(form, size.jobs, CLOCK_AHEAD=str(ahead)) as installed:
                installed.fleet.environment["PYTHONPATH"] = path
                yield _run(form, size, installed, ahead)


def _run(form: Form, size: Size, installed: Installation, ahead: Path) -> Result:
    def jump(number: int) -> None:
        draft = ahead.with_suffix(".draft")
        draft.write_text(str(JUMPS[number % len(JUMPS)]))
        draft.rename(ahead)

    installed.start_workers()
    started = time.monotonic()
    misses = []
    with again_and_again(EVERY_SECONDS, jump) as jumps:
        installed.connect()
        installed.host_all()
        time.sleep(len(JUMPS) * EVERY_SECONDS)
    jump(2)
    customers = Customers(installed.shop, installed.catalog)
    for _ in range(LATE_ORDERS):
        customers.buy()
    try:
        installed.drain(min(DRAIN_SECONDS_MAX, SHORT_WAIT_SECONDS))
    except TimeoutError:
        misses.append(f"new orders wait {SHORT_WAIT_SECONDS:.0f} s after the last jump")
    tally = installed.tally(size.jobs + LATE_ORDERS)
    disordered = installed.count(
        "SELECT COUNT(*) FROM event a JOIN event b ON a.order_id = b.order_id AND"
        " a.sequence < b.sequence AND a.kind = 'allocation.submitted' AND b.kind = 'order.admitted'"
    )
    now_ms = time.time_ns() // 1_000_000
    waiting = installed.count(
        "SELECT COUNT(*) FROM job WHERE state = 'PENDING' AND due_at > ?", now_ms + HOUR_MS // 2
    )
    if waiting:
        misses.append(f"{waiting} jobs wait for an instant of the clock that was ahead")
    if disordered:
        misses.append(f"{disordered} histories out of order")
    return Result(
        "clock of the workers jumps by +1 h and -1 h",
        form,
        f"{size.jobs + LATE_ORDERS} orders",
        f"{len(jumps)} jumps",
        tally.lost,
        tally.doubled,
        time.monotonic() - started,
        None,
        misses,
    )
