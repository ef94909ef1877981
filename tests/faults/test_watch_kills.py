"""Watches of servers that are killed while events are written: nothing is lost, nothing doubled."""

import threading
import time
from pathlib import Path
from typing import Any

import grpc

from fbali.client import Client
from fbali.v1.admin_service_pb2 import CreateMerchantRequest, IssueTokenRequest
from fbali.v1.order_service_pb2 import WatchOrdersRequest
from fbali.v1.order_service_pb2_grpc import OrderServiceStub
from fbali.v1.token_pb2 import ROLE_MERCHANT
from oms.domain.errors import Unavailable
from oms.storage import events
from oms.storage.database import Database
from oms.storage.events import NewEvent
from tests.functional.watchers import tell, watching
from tests.services.breakable import BreakablePostgres
from tests.services.fleet import Fleet, free_port
from tests.services.stack import Stack, wait_for

KILLS = 2


class Follower:
    """Watches one server after the other, each time from where the last one ended."""

    def __init__(self, ports: list[int], secret: str) -> None:
        self.got: list[int] = []
        self.resumes = 0
        self._ports = ports
        self._metadata = (("authorization", f"Bearer {secret}"),)
        self._token = ""
        self._is_over = threading.Event()
        self._call: Any = None
        self.is_ready = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._call.cancel()
        self._thread.join()

    def _follow(self) -> None:
        while not self._is_over.is_set():
            port = self._ports[self.resumes % len(self._ports)]
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                try:
                    self._watch(OrderServiceStub(channel))
                except grpc.RpcError:
                    self._is_over.wait(0.1)
            self.resumes += 1

    def _watch(self, orders: Any) -> None:
        request = WatchOrdersRequest(
            parent="merchants/-", resume_token=self._token, include_initial_state=True
        )
        self._call = orders.WatchOrders(request, metadata=self._metadata)
        for answer in self._call:
            self._token = answer.resume_token
            if answer.HasField("event"):
                self.got.append(answer.event.event.sequence)
            self.is_ready.set()


class Writer:
    """Writes an event every few milliseconds until it is closed; every third is rolled back."""

    def __init__(self, url: str, merchant_id: str) -> None:
        self._db = Database(url)
        self._event = NewEvent(merchant_id, "o1", "test", "system", f"merchants/{merchant_id}")
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _write(self) -> None:
        number = 0
        while not self._is_over.wait(0.005):
            number += 1
            with self._db.session(), self._db.peewee.atomic() as transaction:
                events.append(self._db, [self._event], number)
                if number % 3 == 0:
                    transaction.rollback()
        self._db.close()


def test_kill_nine_of_the_server_loses_no_event_of_a_watch_that_goes_on(
    tmp_path: Path, postgres_url: str
):
    with Fleet(tmp_path, postgres_url) as fleet:
        token, ports = fleet.run("init"), [free_port(), free_port()]
        apis = [fleet.start_api(port) for port in ports]
        with Client(f"127.0.0.1:{ports[1]}", token=token) as operator:
            made = operator.admin.CreateMerchant(CreateMerchantRequest(display_name="M")).merchant
            secret = operator.admin.IssueToken(
                IssueTokenRequest(role=ROLE_MERCHANT, principal=made.name, display_name="t")
            ).secret
        follower = Follower(ports, secret)
        assert follower.is_ready.wait(20)
        writers = [Writer(postgres_url, made.name.split("/")[1]) for _ in range(3)]
        try:
            for kill in range(KILLS):
                time.sleep(0.7)
                apis[kill].kill()
                time.sleep(0.7)
                apis[kill] = fleet.start_api(ports[kill])
            time.sleep(0.7)
        finally:
            for writer in writers:
                writer.close()
        written = _written(postgres_url)
        wait_for(lambda: len(follower.got) >= len(written))
        follower.close()

    assert len(written) > 100
    assert follower.resumes >= KILLS
    assert follower.got == written


def _written(url: str) -> list[int]:
    database = Database(url)
    with database.session():
        found = [row[0] for row in database.all("SELECT sequence FROM event ORDER BY sequence")]
    database.close()
    return found


def test_watch_outlives_a_database_that_is_killed(tmp_path: Path):
    with BreakablePostgres() as postgres:
        database = Database(postgres.url)
        database.migrate()
        with Stack(database, tmp_path) as stack:
            watch = watching(stack.api.port, stack.merchant)
            told = tell(stack, stack.merchant, 2)
            watch.wait(lambda one: one.sequences == told)
            postgres.kill()
            time.sleep(1.0)
            postgres.start_again()

            told += wait_for(lambda: _told(stack))

            watch.wait(lambda one: one.sequences == told)
            watch.close()


def _told(stack: Stack) -> list[int]:
    try:
        return tell(stack, stack.merchant, 3)
    except Unavailable:
        return []
