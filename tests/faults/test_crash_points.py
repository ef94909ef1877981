"""The embedded form dies at each of its crash points once, in the middle of a journey.

The points of one family run at the same time, each with an installation of its own: most of the
time they wait for a lease to run out.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

import tests.services.crashing
from app.demo.shop_reply import Reply
from oms.crash_points import POINTS
from tests.faults.battered_journey import BatteredJourney
from tests.services.stack import wait_for

ORDERS = 8
HIT_SECONDS_MAX = 45.0
SLOW_SECONDS = 3.0  # Of a page: longer than a beat of the leases, and than a slice of the job.
FAMILIES: Mapping[str, Sequence[str]] = {
    family: list(points) for family, points in groupby(POINTS, lambda name: name.partition(".")[0])
}
# How often a process comes to a point before it dies there, if not at once: calls begin with those
# that set up the accounts, jobs with those that find nothing to do.
COUNTS = {
    "call.written": 12,
    "call.committed": 12,
    "relay.taken": 3,
    "relay.pushed": 3,
    "job.woken": 4,
    "job.claimed": 4,
    "job.turn_taken": 2,
    "job.ended": 4,
    "schedule.written": 4,
    "schedule.turned": 4,
}
# Tried with every run of the tests; the others, which take minutes, with `make test-long`.
ALWAYS_TRIED = {"allocate"}
NEED_A_SLOW_SHOP = {"lease.prolonged", "job.given_back"}


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, marks=[] if family in ALWAYS_TRIED else [pytest.mark.long])
        for family in FAMILIES
    ],
)
def test_death_at_a_point_loses_and_doubles_nothing(family: str, tmp_path: Path):
    points = FAMILIES[family]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda point: wrong_after_death_at(point, tmp_path), points))

    assert dict(zip(points, found, strict=True)) == {point: [] for point in points}


def wrong_after_death_at(point: str, folder: Path) -> list[Any]:
    once = folder / point
    [hook_folder] = tests.services.crashing.__path__
    environment = {
        "PYTHONPATH": f"{hook_folder}:{Path.cwd()}:{Path.cwd() / 'client' / 'src'}",
        "FBALI_CRASH_AT": f"{point}:{COUNTS.get(point, 1)}",
        "FBALI_CRASH_ONCE": str(once),
    }
    with BatteredJourney(len(point), orders=ORDERS, environment=environment) as journey:
        if point in NEED_A_SLOW_SHOP:
            slow_down(journey)
        with journey.business():
            wait_for(once.exists, seconds=HIT_SECONDS_MAX)
        started = time.monotonic()
        journey.settle(lambda: journey.is_drained() and journey.is_told())
        print(f"{point}: settled after {time.monotonic() - started:.1f} s")
        return journey.wrong()


def slow_down(journey: BatteredJourney) -> None:
    """Let the first pages of orders take long."""
    pages = [SLOW_SECONDS] * 2

    def think(path: str, _query: object) -> Reply | None:
        if path.endswith("/orders") and pages:
            time.sleep(pages.pop())
        return None

    server = journey.scene.shop._server
    server.options = replace(server.options, hook=think)
