"""A store that is slow or asks for patience holds up nobody else, over all workers."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.demo.shop_reply import Reply
from fbali.v1.hosting_service_pb2 import TestStoreRequest as ProbeRequest
from fbali.v1.order_service_pb2 import GetSyncRunRequest, SyncOrdersRequest
from fbali.v1.store_pb2 import SYNC_RUN_STATE_SUCCEEDED, SYNC_RUN_STATE_WAITING
from oms.domain.jobs import LEASE_MS, JobKind, JobState
from oms.domain.principals import Principal, Role
from oms.domain.snapshots import OrderPage, ProductPage, StoreIdentity
from oms.domain.stores import StoreState
from oms.gateways.clock import SystemClock
from oms.gateways.http import HttpSettings, trust_store
from oms.gateways.stores.files import FilesStore
from oms.gateways.stores.registry import StoreRegistry
from oms.storage import jobs
from oms.storage.database import Database
from oms.storage.turns import SLOW_MS, WATCH_MS
from oms.usecases.context import Transaction
from oms.usecases.manage_stores import ConnectStore, connect_store, request_sync
from oms.usecases.ports import StoreAddress
from oms.usecases.run_job import Leases, run_job
from tests.functional.estate import connect
from tests.services.job_table import JobTable
from tests.services.scene import Scene
from tests.services.snapshots import order_snapshot
from tests.services.stack import Stack, wait_for
from workers.app import Workers

SLOW_SECONDS = 3.0


@dataclass
class CountedStore(FilesStore):
    """A store without orders that knows how many callers it had at once; some answer slowly."""

    pause_seconds: float = 0.0
    calls: int = 0
    at_once: int = 0
    at_once_max: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def identify(self) -> StoreIdentity:
        return StoreIdentity("Counted", "1", "USD")

    def read_products(self, *, since: int, cursor: str) -> ProductPage:
        with self.guard:
            self.calls += 1
            self.at_once += 1
            self.at_once_max = max(self.at_once_max, self.at_once)
        time.sleep(self.pause_seconds)
        with self.guard:
            self.at_once -= 1
        return ProductPage((), (), "", int(time.time()))

    def read_orders(self, *, since: int, cursor: str) -> OrderPage:
        self.read_products(since=since, cursor=cursor)
        return OrderPage((), (), "", int(time.time()), 0)


class CountedStores(StoreRegistry):
    def __init__(self, by_address: Mapping[str, CountedStore]) -> None:
        super().__init__(HttpSettings(SystemClock(), trust_store()))
        self.by_address = by_address

    def open(self, address: StoreAddress) -> CountedStore:
        return self.by_address[address.base_url]


@contextmanager
def working(stack: Stack, stores: CountedStores, processes: int, threads: int) -> Iterator[None]:
    """Run workers as processes would: each with threads, leases and a relay of its own."""
    oms = replace(stack.oms, stores=stores)
    settings = replace(stack.settings, worker_threads=2, outside_threads=threads)
    fleet = [Workers(oms, settings) for _ in range(processes)]
    for workers in fleet:
        workers.start()
    try:
        yield
    finally:
        for workers in fleet:
            workers.stop(5_000)


def connect_all(stack: Stack, stores: Mapping[str, CountedStore]) -> None:
    with stack.db.transaction():
        caller = Principal(Role.MERCHANT, stack.merchant.id, "t")
        tx = Transaction(stack.db, stack.clock.now_ms(), stack.oms, caller)
        for address in stores:
            connect_store(tx, ConnectStore("woocommerce", address, {}, address))


def synced(stack: Stack) -> set[str]:
    with stack.db.session():
        rows = stack.db.all(
            "SELECT base_url FROM store WHERE synced_until_at IS NOT NULL AND state = ?",
            StoreState.CONNECTED.value,
        )
    return {row[0] for row in rows}


def count(stack: Stack, kind: JobKind, state: str) -> int:
    with stack.db.session():
        row = stack.db.one(
            "SELECT COUNT(*) FROM job WHERE kind = ? AND state = ?", kind.value, state
        )
    assert row is not None
    return int(row[0])


def test_one_slow_store_delays_no_other_and_is_read_by_one_at_a_time(
    database: Database, tmp_path: Path
):
    quick = {f"https://quick{number}.example": CountedStore() for number in range(8)}
    slow = CountedStore(SLOW_SECONDS)
    stores = CountedStores({**quick, "https://slow.example": slow})
    with Stack(database, tmp_path) as stack:
        connect_all(stack, stores.by_address)
        with working(stack, stores, processes=2, threads=2):
            wait_for(lambda: slow.calls == 1)
            started = time.monotonic()
            wait_for(lambda: synced(stack) == set(quick))
            assert time.monotonic() - started < SLOW_SECONDS
            wait_for(lambda: len(synced(stack)) == 9)

        assert slow.at_once_max == 1


class Gauge:
    """How many slow stores are called at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.guard = threading.Lock()

    def add(self, count: int) -> None:
        with self.guard:
            self.now += count
            self.most = max(self.most, self.now)


@dataclass
class GaugedStore(CountedStore):
    gauge: Gauge = field(default_factory=Gauge)

    def read_products(self, *, since: int, cursor: str) -> ProductPage:
        self.gauge.add(1)
        try:
            return super().read_products(since=since, cursor=cursor)
        finally:
            self.gauge.add(-1)


@pytest.mark.long
@pytest.mark.timeout(180)
def test_ten_slow_stores_of_thirty_take_half_of_the_threads_and_delay_no_other(
    database: Database, tmp_path: Path
):
    gauge = Gauge()
    pause = SLOW_MS / 1000 + 1
    quick = {f"https://quick{number}.example": CountedStore() for number in range(20)}
    slow = {
        f"https://slow{number}.example": GaugedStore(pause, gauge=gauge) for number in range(10)
    }
    stores = CountedStores({**quick, **slow})
    with Stack(database, tmp_path) as stack:
        connect_all(stack, stores.by_address)
        with working(stack, stores, processes=1, threads=8):
            wait_for(lambda: len(synced(stack)) == 30, seconds=60)
            assert gauge.most > 4  # That they are slow is known from now on.
            gauge.most = 0
            calls = {address: store.calls for address, store in stores.by_address.items()}
            sync_all(stack)
            wait_for(lambda: gauge.now == 4)
            sync_all(stack)
            started = time.monotonic()
            wait_for(lambda: all(store.calls >= calls[name] + 2 for name, store in quick.items()))
            assert time.monotonic() - started < pause
            wait_for(
                lambda: all(store.calls >= calls[name] + 2 for name, store in slow.items()),
                seconds=60,
            )

        assert gauge.most == 4


def sync_all(stack: Stack) -> None:
    with stack.db.transaction():
        caller = Principal(Role.MERCHANT, stack.merchant.id, "t")
        tx = Transaction(stack.db, stack.clock.now_ms(), stack.oms, caller)
        for row in stack.db.all("SELECT id FROM store ORDER BY id"):
            request_sync(tx, row[0])


def test_slow_stores_in_all_outside_threads_do_not_keep_allocations_waiting(
    database: Database, tmp_path: Path
):
    slow = {f"https://slow{number}.example": CountedStore(SLOW_SECONDS) for number in range(3)}
    with Stack(database, tmp_path) as stack:
        connect_all(stack, slow)
        with working(stack, CountedStores(slow), processes=1, threads=2):
            wait_for(lambda: sum(store.at_once for store in slow.values()) == 2)
            with stack.db.transaction():
                for _ in range(20):
                    jobs.enqueue(stack.db, JobKind.EXPIRE_HOLDS, stack.clock.now_ms())
            started = time.monotonic()
            wait_for(lambda: count(stack, JobKind.EXPIRE_HOLDS, "DONE") >= 20)

            assert time.monotonic() - started < SLOW_SECONDS / 2


def test_store_that_asks_for_patience_is_asked_by_nobody_before(database: Database, tmp_path: Path):
    asked: list[float] = []
    is_throttling = threading.Event()

    with Stack(database, tmp_path) as stack:

        def throttle(_path: str, _query: object) -> Reply | None:
            asked.append(time.monotonic())
            if not is_throttling.is_set():
                return None
            is_throttling.clear()
            return Reply(429, {}, {"Retry-After": "3"})

        stack.options.hook = throttle
        store = connect(stack, stack.merchant)
        stack.work()
        is_throttling.set()
        before = len(asked)
        stack.start_workers()
        stack.start_workers()
        run = stack.merchant.call(SyncOrdersRequest(name=store.name)).sync_run
        wait_for(lambda: state_of(stack, run.name) == SYNC_RUN_STATE_WAITING)
        refused_at = asked[before]
        runs = [run]
        while time.monotonic() < refused_at + 2.5:
            runs.append(stack.merchant.call(SyncOrdersRequest(name=store.name)).sync_run)
            told = stack.merchant.call(ProbeRequest(name=store.name))
            assert told.problem.reason == "GATEWAY_THROTTLED"
            time.sleep(0.1)

        names = {run.name for run in runs}
        wait_for(lambda: {state_of(stack, name) for name in names} == {SYNC_RUN_STATE_SUCCEEDED})
        assert len(names) <= 2
        assert asked[before + 1] - refused_at >= 3.0


def state_of(stack: Stack, run: str) -> int:
    return int(stack.merchant.call(GetSyncRunRequest(name=run)).sync_run.state)


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


def test_worker_that_lost_its_lease_calls_the_store_no_more(scene):
    scene.shop.orders = [order_snapshot(f"100{number}") for number in range(4)]
    scene.do(request_sync, scene.store.id, scene.merchant)
    [(job_id, _)] = jobs.take_due(scene.db, scene.clock.now_ms(), 9)
    other = Leases(scene.oms)

    def sleep_and_be_overtaken():
        scene.clock.advance_ms(LEASE_MS)
        scene.shop.faults.append(None)
        run_job(scene.oms, other, job_id)

    scene.shop.faults.append(sleep_and_be_overtaken)
    run_job(scene.oms, Leases(scene.oms), job_id)

    reads = [what for what, _, _ in scene.shop.reads]
    assert reads == ["products", "products", "orders", "orders"]
    assert len(scene.db.all("SELECT id FROM orders")) == 4


def test_slow_store_waits_while_others_like_it_have_their_share_of_the_threads(scene):
    leases = Leases(scene.oms, slow_max=1)

    def sync() -> list[str]:
        scene.do(request_sync, scene.store.id, scene.merchant)
        [(job_id, _)] = jobs.take_due(scene.db, scene.clock.now_ms(), 9)
        before = len(scene.shop.reads)
        run_job(scene.oms, leases, job_id)
        return [what for what, _, _ in scene.shop.reads[before:]]

    scene.shop.faults += [None, lambda: scene.clock.advance_ms(SLOW_MS + 1)]
    assert sync() == ["products", "orders"]
    with leases.slow.room(is_slow=True) as has_room:
        assert has_room
        assert sync() == []
    [job] = JobTable(scene.db).all(state=JobState.PENDING)

    assert job.due_at == scene.clock.now_ms() + WATCH_MS
    scene.clock.advance_ms(WATCH_MS)
    assert sync() == ["products", "orders"]
