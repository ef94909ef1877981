"""A backup that was taken while orders arrived and vendors packed is put back, and all goes on."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.demo.customers import Customers
from app.demo.endings import Ending
from app.demo.vendors import VendorAgent, VendorOptions
from fbali.v1.store_pb2 import WRITE_BACK_MODE_OFF
from tests.faults.scenarios.installation import Installation, again_and_again, insist, wait_until
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size
from tests.faults.unsound import RESTORE_SECONDS_MAX, held_jobs, unsound

BUYING_SECONDS = 0.2
AGENT = VendorOptions("Vendor", "VE", may_reject=False, steps_per_round=50, seconds_per_round=0.1)
ALLOCATED_SHARE = 4  # Of so many orders one is with the vendor when the backup begins.


def run(size: Size) -> Iterator[Result]:
    for form in size.forms:
        with (
            TemporaryDirectory(prefix="fbali-backup-") as folder,
            Installation(form, size.restored_orders) as installed,
        ):
            yield _run(installed, size, Path(folder) / "backup")


def _run(installed: Installation, size: Size, backup: Path) -> Result:
    took, events = _back_up_under_load(installed, size, backup)
    written = installed.count("SELECT COUNT(*) FROM event")
    installed.stop_all()
    started = time.monotonic()
    print(installed.fleet.run(f"restore --force {backup}"))
    seconds = time.monotonic() - started
    restored = installed.count("SELECT COUNT(*) FROM event")
    wrong = [*unsound(installed.db), *held_jobs(installed.db)]
    installed.api = installed.fleet.start_api(installed.port)
    installed.start_workers()
    installed.drain()
    tally = installed.tally(installed.known_orders())
    wrong += unsound(installed.db)
    if not events[0] <= restored <= events[1] < written:
        wrong.append(f"{restored} rows of history of {events[0]} to {events[1]}")
    is_late = seconds > RESTORE_SECONDS_MAX
    return Result(
        "restore of a backup taken under load",
        installed.form,
        f"{size.restored_orders} orders, {restored} of {written} rows of history",
        f"backup in {took:.1f} s",
        tally.lost,
        tally.doubled,
        seconds,
        misses=[f"restored in {seconds:.0f} s"] if is_late else [],
        wrong=wrong,
    )


def _back_up_under_load(
    installed: Installation, size: Size, backup: Path
) -> tuple[float, Sequence[int]]:
    """Return the seconds, and how many rows of history there were just before and after."""
    installed.start_workers()
    # What the store was told after the backup would be news to who is put back.
    installed.connect(write_back_mode=WRITE_BACK_MODE_OFF)
    insist(installed.host_all)
    customers = Customers(installed.shop, installed.catalog)
    events: list[int] = []
    with (
        _agent_at_work(installed),
        again_and_again(BUYING_SECONDS, lambda _: customers.buy()),
    ):
        enough = size.restored_orders // ALLOCATED_SHARE
        wait_until(lambda: installed.count("SELECT COUNT(*) FROM allocation") >= enough)
        wait_until(lambda: installed.count("SELECT COUNT(*) FROM package") > 0)
        events.append(installed.count("SELECT COUNT(*) FROM event"))
        started = time.monotonic()
        print(installed.fleet.run(f"backup {backup}"))
        took = time.monotonic() - started
        events.append(installed.count("SELECT COUNT(*) FROM event"))
        wait_until(lambda: installed.count("SELECT COUNT(*) FROM event") > events[-1])
    return took, events


@contextmanager
def _agent_at_work(installed: Installation) -> Iterator[None]:
    ending = Ending()
    agent = VendorAgent(installed.vendor_client, AGENT, ending)
    agent.start()
    try:
        yield
    finally:
        ending.ask()
        agent.join()
    if agent.failure is not None:
        raise agent.failure
