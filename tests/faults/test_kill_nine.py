"""Processes of a running journey are killed like by a power cut; nothing is lost or doubled."""

import os
import time
from collections.abc import Sequence

import pytest

from tests.faults.battered_journey import BatteredJourney

SEED = int(os.environ.get("FBALI_TEST_SEED") or time.time_ns() % 1_000_000)
UP_SECONDS_MAX = 1.0  # How long a server that has come up is left alone at most.
STARTING_SECONDS_MAX = 1.0  # Every fourth one is killed while it starts.


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "victims",
    [
        pytest.param(["run"] * 20, id="run"),
        pytest.param(["worker", "api"] * 7, id="children", marks=pytest.mark.long),
    ],
)
def test_killed_processes_lose_and_double_nothing(victims: Sequence[str]):
    print(f"FBALI_TEST_SEED={SEED}")
    with BatteredJourney(SEED) as journey:
        with journey.business():
            for number, victim in enumerate(victims):
                wait_for_the_moment(journey, is_starting=number % 4 == 3)
                print(f"{number}: kill {victim} at {time.monotonic():.1f}; {journey.describe()}")
                journey.kill(victim)
        journey.wait_until_up()
        journey.settle(journey.is_drained)

        assert journey.wrong() == []


def wait_for_the_moment(journey: BatteredJourney, *, is_starting: bool) -> None:
    if is_starting:
        time.sleep(journey.random.uniform(0.0, STARTING_SECONDS_MAX))
        return
    journey.wait_until_up()
    time.sleep(journey.random.uniform(0.0, UP_SECONDS_MAX))
