"""Processes of a running journey are killed like by a power cut; nothing is lost or doubled."""

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing

import pytest

from tests.faults.battered_journey import BatteredJourney
from tests.faults.reckoning import Reckoning

SEED = int(os.environ.get("FBALI_TEST_SEED") or time.time_ns() % 1_000_000)
UP_SECONDS_MAX = 1.0  # How long a server that has come up is left alone at most.
STARTING_SECONDS_MAX = 1.0  # Every fourth one is killed while it starts.


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "victims",
    [pytest.param(["run"] * 20, id="run"), pytest.param(["worker", "api"] * 7, id="children")],
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
        journey.settle(lambda: is_drained(journey))
        journey.server.stop()

        found = Reckoning(journey.database_file)
        shop = journey.shop_orders()
        assert found.wrong_orders(shop, journey.scene.catalog.products) == []
        assert found.wrong_allocations({str(journey.left_out_product)}) == []
        assert found.wrong_counters() == []
        assert found.wrong_work() == []
        assert found.wrong_write_backs(shop) == []
        assert found.given_up_jobs() == []
        assert found.allocations
        assert found.write_backs


def wait_for_the_moment(journey: BatteredJourney, *, is_starting: bool) -> None:
    if is_starting:
        time.sleep(journey.random.uniform(0.0, STARTING_SECONDS_MAX))
        return
    journey.wait_until_up()
    time.sleep(journey.random.uniform(0.0, UP_SECONDS_MAX))


def is_drained(journey: BatteredJourney) -> bool:
    """Tell whether the shop's last order is here and only what nobody hosts is open."""
    with closing(sqlite3.connect(f"file:{journey.database_file}?mode=ro", uri=True)) as db:
        [known] = db.execute("SELECT count(*) FROM orders").fetchone()
        [waiting] = db.execute(
            "SELECT count(*) FROM order_line l JOIN product p ON p.id = l.product_id"
            " JOIN orders o ON o.id = l.order_id WHERE l.open_units > 0"
            " AND o.admission = 'ADMITTED' AND p.external_id <> ?",
            [str(journey.left_out_product)],
        ).fetchone()
        [unread] = db.execute(
            "SELECT count(*) FROM store WHERE synced_until_at < ?", [journey.closed_at_ms]
        ).fetchone()
    return known >= len(journey.shop_orders()) and not waiting and not unread
