"""A worker is killed or stopped with a store in hand: who is dead is followed at once, nobody else.

Two worker processes; the store keeps its answer back until the test has done its worst.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.demo.shop import PretendShop, ShopOptions
from app.demo.shop_reply import Reply
from fbali.client import Client
from oms.domain.jobs import LEASE_MS
from oms.storage.database import Database
from tests.services.breakable import BreakableRedis
from tests.services.fleet import Fleet, Member, connect_request, free_port, merchant_of
from tests.services.stack import wait_for

ORDERS = 30
NOTICED_SECONDS_MAX = LEASE_MS / 1000 / 2  # Well before a lease can have run out.


class Scene:
    """An installation whose store answers its first question when `answer` is set."""

    def __init__(self, folder: Path, url: str, closing: ExitStack, **settings: str) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()
        self.db = Database(url)
        closing.callback(self.db.close)
        closing.callback(self.answer.set)  # Before the shop closes: it waits for its threads.
        shop = closing.enter_context(PretendShop(ShopOptions(hook=self._keep_back)))
        closing.callback(self.answer.set)
        shop.fill(orders=ORDERS)
        fleet = closing.enter_context(Fleet(folder, url, **settings))
        token, port = fleet.run("init"), free_port()
        fleet.start_api(port)
        if "BROKER_URL" in settings:
            fleet.start("scheduler")
        self.workers: Member = fleet.start("worker --processes 2")
        with (
            Client(f"127.0.0.1:{port}", token=token) as operator,
            merchant_of(operator, port) as (merchant, name),
        ):
            wait_for(lambda: self.count("process WHERE kind LIKE '%worker%'") == 2)
            merchant.hosting.ConnectStore(connect_request(name, shop))
        assert self.asked.wait(20)

    def _keep_back(self, path: str, _query: object) -> Reply | None:
        if "products" in path and not self.asked.is_set():
            self.asked.set()
            self.answer.wait(60)
        return None

    def count(self, what: str) -> int:
        return int(self.rows(f"SELECT COUNT(*) FROM {what}")[0][0])

    def rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        with self.db.session():
            return self.db.all(sql)

    def holder(self) -> str:
        """Name the process that has the store in hand."""
        [row] = self.rows("SELECT process_id FROM job WHERE kind = 'sync_store'")
        return str(row[0])

    def pid(self, process_id: str) -> int:
        [pid] = [pid for pid in self.workers.children if f"-{pid}-" in process_id]
        return pid

    def is_synced(self) -> bool:
        return self.count("sync_run WHERE state = 'SUCCEEDED'") == 1


@pytest.fixture(params=["embedded", pytest.param("distributed", marks=pytest.mark.long)])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as closing:
        if request.param == "embedded":
            yield Scene(tmp_path, f"sqlite:///{tmp_path / 'fbali.db'}", closing)
        else:
            redis = closing.enter_context(BreakableRedis())
            url = request.getfixturevalue("postgres_url")
            yield Scene(tmp_path, url, closing, BROKER_URL=redis.url)


def test_what_a_killed_worker_held_goes_on_elsewhere_long_before_its_lease_runs_out(scene):
    dead = scene.holder()
    os.kill(scene.pid(dead), signal.SIGKILL)

    wait_for(lambda: scene.holder() not in {dead, ""}, seconds=NOTICED_SECONDS_MAX)
    wait_for(scene.is_synced)

    assert scene.count("orders") == ORDERS
    assert scene.count(f"process WHERE id = '{dead}'") == 0
    assert scene.rows("SELECT COUNT(*) FROM job WHERE state = 'QUARANTINED'") == [(0,)]


@pytest.mark.long
def test_worker_that_is_stopped_keeps_what_it_holds_and_cannot_write_when_it_wakes_up(scene):
    sleeper = scene.holder()
    with stopped(scene.pid(sleeper)):
        time.sleep(NOTICED_SECONDS_MAX)
        assert scene.holder() == sleeper
        wait_for(lambda: scene.holder() not in {sleeper, ""}, seconds=LEASE_MS / 1000)
        wait_for(scene.is_synced)
        before = scene.rows("SELECT * FROM sync_run")
    scene.answer.set()
    wait_for(lambda: "lease lost" in scene.workers.log)

    assert scene.rows("SELECT * FROM sync_run") == before
    assert scene.count("orders") == ORDERS


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
