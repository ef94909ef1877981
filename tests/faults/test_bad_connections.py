"""Connections to Redis, PostgreSQL and a store that are slow, half closed, torn or lossy."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from fbali.calls import CallPolicy
from fbali.client import Client
from fbali.errors import DeadlineExceeded, Unavailable
from fbali.v1.admin_service_pb2 import CreateMerchantRequest, ListMerchantsRequest
from oms import crash_points
from oms.domain.errors import Unavailable as DatabaseUnavailable
from oms.domain.jobs import REDISPATCH_MS, JobKind
from oms.storage import jobs
from oms.storage.database import Database
from oms.storage.postgresql import connection_settings
from tests.functional.estate import connect
from tests.services.breakable import BreakablePostgres, BreakableRedis
from tests.services.postgres import PostgresServer
from tests.services.proxy import Proxy
from tests.services.stack import Stack, wait_for
from workers.app import Workers

JOBS = 60
ORDERS = 250
BREAKS = 6
PAUSE_SECONDS = 0.15

Break = Callable[[Proxy], object]


def lose_answers(proxy: Proxy) -> None:
    """Let what was asked be done and nobody know; the next connection is a good one."""
    proxy.change(loses_answers=True)
    time.sleep(PAUSE_SECONDS)
    proxy.calm_down()
    proxy.reset_all()


def delay(proxy: Proxy) -> None:
    proxy.change(delay_seconds=0.05)
    time.sleep(PAUSE_SECONDS)
    proxy.calm_down()


each_break = pytest.mark.parametrize(
    "break_it", [Proxy.reset_all, Proxy.half_close_all, lose_answers, delay]
)


@contextmanager
def broken_again_and_again(proxy: Proxy, break_it: Break) -> Iterator[None]:
    """Break the connections a number of times, then no more."""

    def work() -> None:
        for _ in range(BREAKS):
            time.sleep(PAUSE_SECONDS)
            break_it(proxy)

    breaker = threading.Thread(target=work)
    breaker.start()
    try:
        yield
    finally:
        breaker.join()


@contextmanager
def working(stack: Stack, broker_url: str) -> Iterator[None]:
    workers = Workers(stack.oms, replace(stack.settings, broker_url=broker_url))
    workers.start()
    try:
        yield
    finally:
        workers.stop(2_000)


def enqueue(stack: Stack, count: int) -> None:
    with stack.db.transaction():
        for _ in range(count):
            jobs.enqueue(stack.db, JobKind.PRUNE, stack.clock.now_ms())


def is_enqueued(stack: Stack, count: int) -> bool:
    """Enqueue, unless this thread finds out only now that its connection is gone."""
    try:
        enqueue(stack, count)
    except DatabaseUnavailable:
        return False
    return True


def states(stack: Stack) -> list[tuple[str, int]]:
    with stack.db.session():
        found = stack.db.all(
            "SELECT state, COUNT(*) FROM job WHERE kind = 'prune' AND dedupe_key IS NULL"
            " GROUP BY state"
        )
    return [(row[0], int(row[1])) for row in found]


@each_break
def test_wake_ups_that_redis_loses_halfway_are_repeated(
    database: Database, tmp_path: Path, break_it: Break
):
    with (
        BreakableRedis() as redis,
        Proxy(str(redis.folder / "socket")) as proxy,
        Stack(database, tmp_path) as stack,
        working(stack, f"redis://127.0.0.1:{proxy.port}/0"),
    ):
        with broken_again_and_again(proxy, break_it):
            for _ in range(BREAKS):
                enqueue(stack, JOBS // BREAKS)
                time.sleep(PAUSE_SECONDS)

        wait_for(lambda: states(stack) == [("DONE", JOBS)], seconds=2 * REDISPATCH_MS / 1000)


@each_break
def test_calls_on_a_bad_connection_to_postgresql_are_repeated_and_have_one_effect(
    tmp_path: Path, break_it: Break
):
    with (
        BreakablePostgres() as postgres,
        Proxy(str(postgres.folder / ".s.PGSQL.5432")) as proxy,
    ):
        database = Database(f"postgresql://fbali@127.0.0.1:{proxy.port}/{name_in(postgres.url)}")
        database.migrate()
        with Stack(database, tmp_path) as stack, working(stack, "memory://"):
            with broken_again_and_again(proxy, break_it):
                made = [create_merchant(stack, f"M{number}") for number in range(40)]
            wait_for(lambda: is_enqueued(stack, 20))
            listed = stack.operator.call(ListMerchantsRequest(page_size=500)).merchants
            wait_for(lambda: states(stack) == [("DONE", 20)])

    known = [merchant.name for merchant in listed if merchant.display_name.startswith("M")]
    assert sorted(set(known) & set(made)) == sorted(made)
    assert len([m for m in listed if m.display_name.startswith("M")]) == 40 + 2


def name_in(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def create_merchant(stack: Stack, display_name: str) -> str:
    """Call until it is answered, with the request id of the first time."""
    request = CreateMerchantRequest(display_name=display_name, request_id=str(uuid.uuid4()))
    for _ in range(100):
        try:
            return str(stack.operator.call(request).merchant.name)
        except (Unavailable, DeadlineExceeded):
            time.sleep(0.1)
    raise AssertionError(display_name)


@each_break
def test_store_on_a_bad_connection_is_read_to_its_end(
    database: Database, tmp_path: Path, break_it: Break
):
    with Stack(database, tmp_path) as stack:
        stack.shop.fill(orders=ORDERS)
        with Proxy(("127.0.0.1", urlsplit(stack.shop.url).port or 0)) as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            connect(stack, stack.merchant, base_url=url)
            with broken_again_and_again(proxy, break_it):
                stack.start_workers()
                wait_for(lambda: count(stack, "orders") == ORDERS, seconds=40)
            assert count(stack, "orders") == ORDERS
            assert count(stack, "quarantined_order") == 0


def count(stack: Stack, table: str) -> int:
    with stack.db.session():
        row = stack.db.one(f"SELECT COUNT(*) FROM {table}")
    assert row is not None
    return int(row[0])


class OneTry(CallPolicy):
    """Shows what a client is told before it tries again."""

    def delays(self) -> Iterator[float]:
        return iter(())


@contextmanager
def next_commit_unanswered(proxy: Proxy) -> Iterator[None]:
    """Let the next call commit, and cut it off before it hears so."""
    cuts: list[threading.Timer] = []

    def recover() -> None:
        proxy.calm_down()
        proxy.reset_all()

    def cut(point: str) -> None:
        if point == "call.written" and not cuts:
            cuts.append(threading.Timer(PAUSE_SECONDS, recover))
            proxy.change(loses_answers=True)
            cuts[0].start()

    crash_points.watch(cut)
    try:
        yield
    finally:
        crash_points._watchers.remove(cut)
        [timer] = cuts
        timer.join()


def test_commit_whose_answer_is_lost_is_told_as_not_known_and_its_retry_has_one_effect(
    tmp_path: Path,
):
    request = CreateMerchantRequest(display_name="Once", request_id=str(uuid.uuid4()))
    with (
        BreakablePostgres() as postgres,
        Proxy(str(postgres.folder / ".s.PGSQL.5432")) as proxy,
    ):
        database = Database(f"postgresql://fbali@127.0.0.1:{proxy.port}/{name_in(postgres.url)}")
        database.migrate()
        with (
            Stack(database, tmp_path) as stack,
            Client(
                f"127.0.0.1:{stack.api.port}", token=stack.operator.secret, policy=OneTry()
            ) as client,
        ):
            with next_commit_unanswered(proxy), pytest.raises(Unavailable) as told:
                client.admin.CreateMerchant(request)
            assert told.value.reason == "TEMPORARILY_UNAVAILABLE"
            assert "whether this was done is not known" in told.value.message

            made = stack.operator.call(request).merchant
            listed = stack.operator.call(ListMerchantsRequest(page_size=500)).merchants

    assert [merchant for merchant in listed if merchant.display_name == "Once"] == [made]


def test_connection_to_a_host_that_vanishes_has_bounds(postgres_server: PostgresServer):
    """Nothing here can make a host vanish; that the kernel was told the bounds can be seen."""
    with Proxy(str(postgres_server.socket_folder / ".s.PGSQL.5432")) as proxy:
        settings = connection_settings(f"postgresql://fbali@127.0.0.1:{proxy.port}/postgres")
        with (
            psycopg.connect(**settings) as connection,
            socket.socket(fileno=os.dup(connection.fileno())) as end,
        ):
            bounds = {
                name: end.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
                for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
            }
            assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1

    assert bounds == {
        "TCP_KEEPIDLE": 10,
        "TCP_KEEPINTVL": 3,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 15_000,
    }
