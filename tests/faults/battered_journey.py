"""A journey like the demo's, during which processes are killed again and again."""

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from app.demo.accounts import Account, open_merchant, open_vendors
from app.demo.customers import Customers
from app.demo.endings import Ending
from app.demo.merchant import Merchant, share_out
from app.demo.scene import Scene, SceneOptions
from app.demo.shop_catalog import FIRST_ORDER_ID
from app.demo.shop_records import Order
from app.demo.vendors import OPEN_STATES, VendorAgent, VendorOptions
from fbali.calls import CallPolicy
from fbali.client import Client
from fbali.errors import DeadlineExceeded, Unavailable
from fbali.v1.fulfillment_service_pb2 import ListAllocationsRequest
from oms.gateways.clock import SystemClock
from tests.faults.reckoning import Reckoning

ORDERS = 100
SECONDS_PER_STEP = 0.5
SETTLED_SECONDS_MAX = 90.0
POLL_SECONDS = 0.3
CALL = CallPolicy(timeout_seconds=5.0)
# Slow hands, so that there is something left to do at every kill.
FIRST = VendorOptions("First", "FI", may_reject=True, steps_per_round=4, seconds_per_round=0.2)
SECOND = VendorOptions("Second", "SE", may_reject=False, steps_per_round=4, seconds_per_round=0.2)

T = TypeVar("T")


class BatteredJourney:
    """Everything of the demo but the words; use it as a context manager."""

    def __init__(
        self,
        seed: int,
        database_url: str = "",
        *,
        orders: int = ORDERS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.random = random.Random(seed)
        self._closing = ExitStack()
        options = SceneOptions(
            orders=orders,
            seed=seed,
            seconds_per_step=SECONDS_PER_STEP,
            database_url=database_url,
        )
        self.scene = self._closing.enter_context(Scene(options, os.environ, SystemClock()))
        self.server = self.scene.server
        self.server._environment |= environment or {}
        self.ending = Ending()
        self.left_out_product = 0
        self.closed_at_ms = 0
        self.database_file = self.scene.folder / "data" / "fbali.db"
        self._problem: Exception | None = None
        self.operator_token = self.server.init()
        self.server.start()
        self.server.wait_until_ready(self.operator_token, time.sleep)
        with self._client(self.operator_token) as operator:
            self._merchant_account = open_merchant(operator, "Merchant")
            self._vendor_accounts = open_vendors(operator, ["First", "Second"])
        self.merchant = Merchant(self._enter(self._merchant_account))
        self.agents = [
            VendorAgent(self._enter(account), options, self.ending)
            for account, options in zip(self._vendor_accounts, (FIRST, SECOND), strict=True)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.send_vendors_home()
        self._closing.close()

    def send_vendors_home(self) -> None:
        self.ending.ask()
        for agent in self.agents:
            agent.join()

    # --- Work ---------------------------------------------------------------------------------

    @contextmanager
    def business(self) -> Iterator[None]:
        """Let everybody work in the background; at the end the shop closes, vendors go on."""
        closed = threading.Event()
        people = threading.Thread(target=self._do_business, args=[closed], daemon=True)
        people.start()
        for agent in self.agents:
            agent.start()
        yield
        closed.set()
        people.join()
        self.closed_at_ms = time.time_ns() // 1_000_000
        if self._problem is not None:
            raise self._problem

    def _do_business(self, closed: threading.Event) -> None:
        try:
            self._set_up()
            customers = Customers(self.scene.shop, self.scene.catalog)
            unpaid = [order.id for order in self.shop_orders() if order.status == "pending"]
            while not closed.wait(0.5):
                customers.buy()
                if unpaid:
                    now = int(time.time())
                    self.scene.shop.change_order(unpaid.pop(), status="processing", paid_at=now)
        except Exception as problem:  # noqa: BLE001 - Raised again in the test's own thread.
            self._problem = problem

    def _set_up(self) -> None:
        insist(lambda: self.merchant.connect(self.scene.shop, sync_interval_seconds=1))
        for account in self._vendor_accounts:
            insist(partial(self.merchant.invite, account))
        expected = len(self.scene.catalog.products)
        while len(insist(self.merchant.products)) < expected:
            time.sleep(POLL_SECONDS)
        *physical, virtual = [product.id for product in self.scene.catalog.products]
        self.left_out_product = self.random.choice(physical)
        hosted = [number for number in (*physical, virtual) if number != self.left_out_product]
        choices, _ = share_out(hosted, self._vendor_accounts)
        first, second = self._vendor_accounts
        fallbacks = {
            number: second if chosen is first else first for number, chosen in choices.items()
        }
        insist(lambda: self.merchant.host(choices, fallbacks))

    def shop_orders(self) -> list[Order]:
        """Read what the shop has, out of its own memory."""
        store = self.scene.shop.store
        found = map(store.order, range(FIRST_ORDER_ID, store.next_order_id()))
        return [order for order in found if order is not None]

    # --- Violence -----------------------------------------------------------------------------

    def kill(self, victim: str) -> None:
        """Kill a process like a power cut; `run` is started again by us, its children by it."""
        if victim == "run":
            self.server.kill()
            self.server.start()
            return
        pid = self._child(victim)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def wait_until_up(self) -> None:
        self.server.wait_until_ready(self.operator_token, time.sleep)

    def _child(self, command: str) -> int | None:
        """Find a child of the server; None while it is being replaced."""
        pid = self.server.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            try:
                arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except FileNotFoundError:
                continue
            if command.encode() in arguments:
                return int(child)
        return None

    # --- Afterwards ---------------------------------------------------------------------------

    def settle(self, is_settled: Callable[[], bool]) -> None:
        """Wait until everything that can be done is done."""
        deadline = time.monotonic() + SETTLED_SECONDS_MAX
        while not (insist(lambda: not self._open_allocations()) and is_settled()):
            for agent in self.agents:
                if agent.failure is not None:
                    raise agent.failure
            assert time.monotonic() < deadline, f"not settled: {self.describe()}"
            time.sleep(POLL_SECONDS)

    def is_drained(self) -> bool:
        """Tell whether the shop's last order is here and only what nobody hosts is open."""
        with closing(sqlite3.connect(f"file:{self.database_file}?mode=ro", uri=True)) as db:
            [known] = db.execute("SELECT count(*) FROM orders").fetchone()
            [waiting] = db.execute(
                "SELECT count(*) FROM order_line l JOIN product p ON p.id = l.product_id"
                " JOIN orders o ON o.id = l.order_id WHERE l.open_units > 0"
                " AND o.admission = 'ADMITTED' AND p.external_id <> ?",
                [str(self.left_out_product)],
            ).fetchone()
            [unread] = db.execute(
                "SELECT count(*) FROM store WHERE synced_until_at < ?", [self.closed_at_ms]
            ).fetchone()
        return known >= len(self.shop_orders()) and not waiting and not unread

    def is_told(self) -> bool:
        """Tell whether the shop was told of parcels, and of all that are with a carrier."""
        with closing(sqlite3.connect(f"file:{self.database_file}?mode=ro", uri=True)) as db:
            states = [row[0] for row in db.execute("SELECT state FROM write_back")]
        return bool(states) and not {"PENDING", "SENT"} & set(states)

    def wrong(self) -> list[Any]:
        """Stop, and compare everything; what was done must be something at all."""
        self.server.stop()
        found = Reckoning(self.database_file)
        shop = self.shop_orders()
        assert found.allocations
        assert found.write_backs
        return [
            *found.wrong_orders(shop, self.scene.catalog.products),
            *found.wrong_allocations({str(self.left_out_product)}),
            *found.wrong_counters(),
            *found.wrong_work(),
            *found.wrong_write_backs(shop),
            *found.given_up_jobs(),
        ]

    def _open_allocations(self) -> bool:
        for account in self._vendor_accounts:
            with self._client(account.token) as client:
                request = ListAllocationsRequest(
                    parent="vendors/-", states=OPEN_STATES, page_size=1
                )
                if client.fulfillment.ListAllocations(request).allocations:
                    return True
        return False

    def describe(self) -> str:
        first, second = (agent.tally for agent in self.agents)
        return (
            f"accepted {first.accepted + second.accepted}, rejected {first.rejected},"
            f" parcels {first.parcels + second.parcels}, outages {first.outages + second.outages}"
        )

    def _enter(self, account: Account) -> Client:
        return self._closing.enter_context(self._client(account.token))

    def _client(self, token: str) -> Client:
        return Client(self.server.address, token=token, policy=CALL)


def insist(call: Callable[[], T]) -> T:
    """Repeat a call, which has its request id, until the server is there to answer."""
    while True:
        try:
            return call()
        except (Unavailable, DeadlineExceeded):
            time.sleep(0.1)
