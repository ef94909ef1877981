"""Large files into the real server: it is killed in the middle, and it does not grow."""

import os
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from app.demo.server_process import ServerProcess, choose_port, own_environment
from fbali.client import Client
from fbali.errors import FbaliError, Refused
from fbali.v1 import import_run_pb2 as runs
from fbali.v1.admin_service_pb2 import CreateMerchantRequest, IssueTokenRequest
from fbali.v1.hosting_service_pb2 import ConnectStoreRequest
from fbali.v1.order_service_pb2 import (
    CountOrdersRequest,
    GetImportRunRequest,
    ImportOrdersRequest,
)
from fbali.v1.store_pb2 import STORE_PLATFORM_FILES
from fbali.v1.token_pb2 import ROLE_MERCHANT
from oms.usecases.import_orders import LEASE_MS
from tests.services.order_file_texts import shopify_csv, shopify_rows
from tests.services.stack import wait_for

ORDERS = 6_000
GROWTH_BYTES_MAX = 50 * 1024 * 1024


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, choose_port(0), own_environment(os.environ))
    yield server
    server.stop()


class Merchant:
    """A merchant at a server that was just set up."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.operator = server.init()
        server.start()
        self.wait()
        with Client(server.address, token=self.operator) as client:
            name = client.admin.CreateMerchant(
                CreateMerchantRequest(display_name="Merchant")
            ).merchant.name
            issued = client.admin.IssueToken(
                IssueTokenRequest(role=ROLE_MERCHANT, principal=name, display_name="test")
            )
        self.client = Client(server.address, token=issued.secret)
        request = ConnectStoreRequest(
            parent="merchants/-", platform=STORE_PLATFORM_FILES, base_url="files:backlog"
        )
        self.store = self.client.hosting.ConnectStore(request).store.name

    def wait(self) -> None:
        self.server.wait_until_ready(self.operator, time.sleep)

    def take(self, content: bytes) -> Any:
        head = ImportOrdersRequest(
            parent="merchants/-",
            run_id="backlog",
            store=self.store,
            format=runs.IMPORT_FORMAT_SHOPIFY_CSV,
        )
        return self.client.import_orders(head, BytesIO(content))

    def run(self) -> Any:
        request = GetImportRunRequest(name="merchants/-/importRuns/backlog")
        try:
            return self.client.orders.GetImportRun(request).import_run
        except FbaliError:
            return None

    def order_count(self) -> int:
        found = self.client.orders.CountOrders(CountOrdersRequest(parent="merchants/-"))
        return int(found.counts[0].order_count)


def api_process(server: ServerProcess) -> int:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    [found] = [pid for pid in children if b"api" in command_of(pid)]
    return int(found)


def command_of(pid: str) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def resident_bytes(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(field)]
    return int(kilobytes) * 1024


@pytest.mark.long
def test_server_that_is_killed_in_the_middle_finishes_the_import_when_it_is_repeated(
    server: ServerProcess,
):
    merchant = Merchant(server)
    content = shopify_csv(row for number in range(ORDERS) for row in shopify_rows(number))
    failures: list[Exception] = []

    def take() -> None:
        try:
            merchant.take(content)
        except FbaliError as error:
            failures.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    wait_for(lambda: (merchant.run() or runs.ImportRun()).order_count >= 1_000)
    server.kill()
    thread.join(30)
    server.start()
    merchant.wait()

    assert [type(error).__name__ for error in failures] == ["Unavailable"]
    taken = merchant.run().order_count
    assert 1_000 <= taken < ORDERS
    with pytest.raises(Refused, match="takes rows already"):
        merchant.take(content)
    interrupted = wait_for(is_interrupted(merchant), seconds=LEASE_MS / 1000 + 10)
    assert interrupted.problem_message == "the server ended in the middle of it"
    again = merchant.take(content)
    assert again.state == runs.IMPORT_RUN_STATE_SUCCEEDED
    assert (again.created_count, again.changed_count) == (ORDERS - taken, 0)
    assert again.unchanged_count == taken
    assert merchant.order_count() == ORDERS
    merchant.client.close()


def is_interrupted(merchant: Merchant) -> Any:
    def found() -> Any:
        run = merchant.run()
        return run if run and run.state == runs.IMPORT_RUN_STATE_INTERRUPTED else None

    return found


def test_server_does_not_grow_with_the_file(server: ServerProcess):
    merchant = Merchant(server)
    merchant.take(shopify_csv(shopify_rows(1)))
    api = api_process(server)
    before = resident_bytes(api, "VmRSS")

    run = merchant.take(
        shopify_csv(row for number in range(ORDERS) for row in shopify_rows(number, ["a", "b"]))
    )

    assert run.order_count == ORDERS
    assert resident_bytes(api, "VmHWM") - before < GROWTH_BYTES_MAX
    merchant.client.close()
