"""Processes that are stopped, killed or restarted while calls and jobs are under way."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import grpc
import psycopg
import pytest
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc

from app.demo.shop import PretendShop, ShopOptions
from app.demo.shop_reply import Reply
from fbali.client import Client
from fbali.errors import FbaliError
from fbali.v1.admin_service_pb2 import CreateMerchantRequest, ListMerchantsRequest
from oms.storage.database import Database
from tests.faults.test_bulkheads import CountedStore, CountedStores, connect_all
from tests.services.breakable import BreakableRedis
from tests.services.fleet import Fleet, connect_request, free_port, merchant_of
from tests.services.stack import Stack, wait_for
from workers.app import Workers

SLOW_SECONDS = 2.0
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def fleet(tmp_path: Path, postgres_url: str) -> Iterator[Fleet]:
    with Fleet(tmp_path, postgres_url) as running:
        yield running


@contextmanager
def slow_shop() -> Iterator[tuple[PretendShop, threading.Event]]:
    """Give a shop that thinks for a while about every question, and whether it was asked."""
    asked = threading.Event()

    def think(_path: str, _query: object) -> Reply | None:
        asked.set()
        time.sleep(SLOW_SECONDS)
        return None

    with PretendShop(ShopOptions(hook=think)) as shop:
        yield shop, asked


@contextmanager
def watched_health(port: int) -> Iterator[list[tuple[float, int]]]:
    """Collect what the health service says of the server as a whole, and when."""
    said: list[tuple[float, int]] = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())

        def listen() -> None:
            with suppress(grpc.RpcError):
                said.extend((time.monotonic(), answer.status) for answer in watch)

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield said
        finally:
            watch.cancel()
            listener.join()


def test_stopping_api_says_so_first_and_ends_the_calls_under_way(fleet: Fleet):
    token, port = fleet.run("init"), free_port()
    api = fleet.start_api(port)
    with (
        slow_shop() as (shop, asked),
        watched_health(port) as said,
        Client(f"127.0.0.1:{port}", token=token) as operator,
        merchant_of(operator, port) as (merchant, name),
        ThreadPoolExecutor(1) as pool,
    ):
        call = pool.submit(merchant.hosting.ConnectStore, connect_request(name, shop))
        assert asked.wait(10)
        told_at = time.monotonic()
        api.signal(signal.SIGTERM)

        assert call.result().store.base_url == shop.url
        ended_at = time.monotonic()
        code = api.end()

    not_serving = [at for at, status in said if status == NOT_SERVING]
    assert told_at <= not_serving[0] < told_at + 1.0 < ended_at
    assert code == 0


def test_second_sigterm_ends_an_api_at_once(fleet: Fleet):
    token, port = fleet.run("init"), free_port()
    api = fleet.start_api(port)
    with (
        slow_shop() as (shop, asked),
        Client(f"127.0.0.1:{port}", token=token) as operator,
        merchant_of(operator, port) as (merchant, name),
        ThreadPoolExecutor(1) as pool,
    ):
        request = connect_request(name, shop)
        call = pool.submit(merchant.hosting.ConnectStore, request, timeout=5)
        assert asked.wait(10)
        api.signal(signal.SIGTERM)
        time.sleep(0.3)
        api.signal(signal.SIGTERM)
        started = time.monotonic()
        api.end()

        assert time.monotonic() - started < SLOW_SECONDS / 2
        with pytest.raises(FbaliError):
            call.result()


@contextmanager
def load(target: str, token: str) -> Iterator[tuple[list[str], list[str]]]:
    """Create merchants from four clients; give the names that were answered, and the failures."""
    is_over = threading.Event()
    made: list[str] = []
    failed: list[str] = []

    def create(worker: int) -> None:
        with Client(target, token=token) as operator:
            for number in range(10_000):
                if is_over.is_set():
                    return
                name = f"{worker}-{number}"
                try:
                    operator.admin.CreateMerchant(CreateMerchantRequest(display_name=name))
                    made.append(name)
                except FbaliError as error:
                    failed.append(repr(error))
                time.sleep(0.01)

    threads = [threading.Thread(target=create, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield made, failed
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_restarting_each_of_two_apis_under_load_loses_no_call(fleet: Fleet):
    token = fleet.run("init")
    ports = [free_port(), free_port()]
    apis = [fleet.start_api(port) for port in ports]
    target = ",".join(f"127.0.0.1:{port}" for port in ports)

    with load(target, token) as (made, failed):
        for api, port in zip(apis, ports, strict=True):
            time.sleep(0.5)
            api.signal(signal.SIGTERM)
            assert api.end() == 0
            fleet.start_api(port)
            time.sleep(2.2)  # Clients look for a server again every 2 s.

    assert failed == []
    assert len(made) > 100
    assert names(target, token) == sorted(made)
    print(f"{len(made)} calls during two restarts")


def names(target: str, token: str) -> list[str]:
    found: list[str] = []
    page = ""
    with Client(target, token=token) as operator:
        while True:
            answer = operator.admin.ListMerchants(
                ListMerchantsRequest(page_size=500, page_token=page)
            )
            found += [merchant.display_name for merchant in answer.merchants]
            page = answer.next_page_token
            if not page:
                return sorted(found)


def test_killed_worker_is_replaced_and_all_end_with_their_parent(fleet: Fleet):
    fleet.run("init")
    parent = fleet.start("worker --processes 2")
    wait_for(lambda: len(parent.children) == 2 and parent.log.count("working") == 2)
    first, second = parent.children

    os.kill(first, signal.SIGKILL)
    wait_for(lambda: parent.log.count("working") == 3)
    now = parent.children
    assert "worker ended with -9; starting it again in 0.5 s" in parent.log
    assert second in now
    assert first not in now

    parent.kill()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in now), seconds=5)


def test_redis_that_may_evict_is_refused_and_the_worker_given_up(fleet: Fleet):
    fleet.run("init")
    with BreakableRedis() as server:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        alone = fleet.start("worker", BROKER_URL=server.url)

        assert alone.end() == 1
        assert "maxmemory-policy is allkeys-lru" in alone.log
        assert "Traceback" not in alone.log


def test_stopping_worker_ends_its_step_and_gives_the_job_back(fleet: Fleet, postgres_url: str):
    token, port = fleet.run("init"), free_port()
    fleet.start_api(port)
    is_slow = threading.Event()
    asked = threading.Event()

    def think(_path: str, _query: object) -> Reply | None:
        if is_slow.is_set():
            asked.set()
            time.sleep(0.5)
        return None

    with PretendShop(ShopOptions(hook=think)) as shop:
        shop.fill(orders=250)
        with (
            Client(f"127.0.0.1:{port}", token=token) as operator,
            merchant_of(operator, port) as (merchant, name),
        ):
            merchant.hosting.ConnectStore(connect_request(name, shop))
        is_slow.set()
        worker = fleet.start("worker")
        assert asked.wait(15)
        started = time.monotonic()
        worker.signal(signal.SIGTERM)
        code = worker.end()
        took = time.monotonic() - started

        with psycopg.connect(postgres_url) as database:
            row = database.execute(
                "SELECT state, lease_token, crashes, failures, cursor <> '{}' FROM job"
                " WHERE kind = 'sync_store'"
            ).fetchone()
            turns = database.execute("SELECT name FROM turn WHERE holder IS NOT NULL").fetchall()
        is_slow.clear()

    assert code == 0
    assert row == ("PENDING", None, 0, 0, True)
    assert turns == []
    assert took < 12


def test_workers_that_stop_wait_for_every_step_that_ends_within_the_grace(
    database: Database, tmp_path: Path
):
    # They end one after the other, the last one long before the grace is over.
    pauses = (0.5, 0.8, 1.1, 1.4, 1.7, 3.5)
    stores = {f"https://s{pause}.example": CountedStore(pause) for pause in pauses}
    with Stack(database, tmp_path) as stack:
        connect_all(stack, stores)
        settings = replace(stack.settings, worker_threads=1, outside_threads=len(stores))
        workers = Workers(replace(stack.oms, stores=CountedStores(stores)), settings)
        workers.start()
        wait_for(lambda: sum(store.at_once for store in stores.values()) == len(stores))
        started = time.monotonic()
        workers.stop(4_500)

        assert time.monotonic() - started < 4.5
        with stack.db.session():
            held = stack.db.all("SELECT kind FROM job WHERE lease_token IS NOT NULL")
        assert held == []
