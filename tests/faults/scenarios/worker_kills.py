"""Orders are synced and allocated while one of the workers gets kill -9 every 3 s."""

import time
from collections.abc import Iterator

from tests.faults.scenarios.installation import Form, Installation, again_and_again
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size

EVERY_SECONDS = 3.0
DRAIN_RATIO_MAX = 2.0


def run(size: Size) -> Iterator[Result]:
    for form in size.forms:
        calm, _, _ = _drained(form, size, every_seconds=1e6)
        seconds, kills, installed = _drained(form, size, every_seconds=EVERY_SECONDS)
        lost, doubled = installed
        misses = []
        if seconds > DRAIN_RATIO_MAX * calm:
            misses.append(f"drained in {seconds / calm:.1f} x the fault-free time")
        yield Result(
            "kill -9 of a worker every 3 s",
            form,
            f"{size.orders} orders",
            f"{kills} kills",
            lost,
            doubled,
            seconds,
            calm,
            misses,
        )


def _drained(form: Form, size: Size, *, every_seconds: float) -> tuple[float, int, tuple[int, int]]:
    with Installation(form, size.orders) as installed:
        installed.start_workers()
        started = time.monotonic()
        with again_and_again(every_seconds, installed.kill_one_worker) as kills:
            installed.connect()
            installed.host_all()
            installed.drain()
        seconds = time.monotonic() - started
        tally = installed.tally(size.orders)
        return seconds, len(kills), (tally.lost, tally.doubled)
