"""An installation of either form with a shop of its own, to be put under load and broken."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from app.demo.accounts import Account, open_merchant, open_vendors
from app.demo.endings import Ending
from app.demo.merchant import Merchant
from app.demo.shop import PretendShop
from app.demo.shop_catalog import FIRST_ORDER_ID
from app.demo.vendors import VendorAgent, VendorOptions
from fbali.calls import CallPolicy
from fbali.client import Client
from fbali.errors import DeadlineExceeded, Unavailable
from fbali.v1.hosting_service_pb2 import ConnectStoreRequest
from oms.domain.errors import Unavailable as DatabaseAway
from oms.storage.database import Database
from tests.services.breakable import BreakablePostgres, BreakableRedis
from tests.services.fleet import Fleet, Member, connect_request, free_port
from tests.services.proxy import Proxy

DRAIN_SECONDS_MAX = 600.0
POLL_SECONDS = 0.2
CALL = CallPolicy(timeout_seconds=10.0)
WORKERS = 4

T = TypeVar("T")


class Form(StrEnum):
    """The two ways to run."""

    EMBEDDED = "embedded"
    DISTRIBUTED = "distributed"


@dataclass(frozen=True, slots=True)
class Tally:
    """What is wrong with the orders of the shop: how many are not as they are to be."""

    orders: int
    allocated_lines: int
    lost: int
    doubled: int


class Installation:
    """Processes, database, broker, shop, one merchant, one vendor; nothing is connected yet.

    Both have an API and four worker processes, so that one of them can die. The embedded form is on
    SQLite, with a broker in each worker's memory; the distributed one has a scheduler besides,
    PostgreSQL, and a Redis that keeps nothing on disk.
    """

    def __init__(
        self, form: Form, orders: int, *, is_proxied: bool = False, **settings: str
    ) -> None:
        """Start it; `is_proxied` puts a proxy before PostgreSQL and one before Redis."""
        self.form = form
        self.proxies: list[Proxy] = []
        self.closing = ExitStack()
        folder = Path(self.closing.enter_context(TemporaryDirectory(prefix="fbali-faults-")))
        self.postgres: BreakablePostgres | None = None
        self.redis: BreakableRedis | None = None
        url = seen_url = f"sqlite:///{folder / 'fbali.db'}"
        if form is Form.DISTRIBUTED:
            self.postgres = self.closing.enter_context(BreakablePostgres())
            self.redis = self.closing.enter_context(BreakableRedis())
            url = seen_url = self.postgres.url
            settings["BROKER_URL"] = self.redis.url
            if is_proxied:
                seen_url, settings["BROKER_URL"] = self._proxied(self.postgres, self.redis)
        self.shop = self.closing.enter_context(PretendShop())
        self.catalog = self.shop.fill(orders=orders)
        self.fleet = self.closing.enter_context(Fleet(folder, seen_url, **settings))
        self.operator_token = self.fleet.run("init")
        self.db = Database(url)
        self.closing.callback(self.db.close)
        self.port = free_port()
        self.api = self.fleet.start_api(self.port)
        self.workers: list[Member] = []
        self.schedulers: list[Member] = []
        self._open_accounts()

    def _proxied(self, postgres: BreakablePostgres, redis: BreakableRedis) -> tuple[str, str]:
        """Put proxies before both; return the addresses that the processes are given."""
        sockets = (postgres.folder / ".s.PGSQL.5432", redis.folder / "socket")
        self.proxies = [self.closing.enter_context(Proxy(str(socket))) for socket in sockets]
        database, broker = (f"127.0.0.1:{proxy.port}" for proxy in self.proxies)
        return f"postgresql://fbali@{database}{urlsplit(postgres.url).path}", f"redis://{broker}/0"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.closing.close()

    # --- Processes ----------------------------------------------------------------------------

    def start_workers(self) -> None:
        """Start the processes that work; those that are killed are started again by their parent.

        `supervise` is what `fbali-server run` does with its worker, too.
        """
        self.start_parent()
        if self.form is Form.DISTRIBUTED:
            self.schedulers = [self.fleet.start("scheduler")]

    def start_what_ended(self) -> int:
        """Start again what ended by itself, as a service manager does; return how many.

        A process that cannot reach its database when it starts says so and ends.
        """
        count = 0
        for members in (self.workers, self.schedulers):
            for place, member in enumerate(members):
                if member.process.poll() is not None:
                    members[place] = self.fleet.start(member.command)
                    count += 1
        return count

    def start_parent(self) -> None:
        """Start the process that watches over the workers."""
        self.workers = [self.fleet.start(f"worker --processes {WORKERS}")]

    def worker_pids(self) -> list[int]:
        return self.workers[0].children

    def kill_one_worker(self, number: int) -> bool:
        pids = self.worker_pids()
        if not pids:
            return False
        with suppress(ProcessLookupError):
            os.kill(pids[number % len(pids)], signal.SIGKILL)
        return True

    def restart_api(self) -> None:
        self.api.kill()
        self.api = self.fleet.start_api(self.port)

    def stop_all(self) -> None:
        """End every process in order, so that nobody uses the database."""
        self.fleet.stop()
        self.db.close()

    # --- Accounts -----------------------------------------------------------------------------

    def client(self, token: str) -> Client:
        return self.closing.enter_context(
            Client(f"127.0.0.1:{self.port}", token=token, policy=CALL)
        )

    def _open_accounts(self) -> None:
        self.operator = self.client(self.operator_token)
        self.merchant_account = open_merchant(self.operator, "Merchant")
        self.merchant_id = self.merchant_account.name.rpartition("/")[2]
        self.merchant_client = self.client(self.merchant_account.token)
        self.merchant = Merchant(self.merchant_client)
        [self.vendor_account] = open_vendors(self.operator, ["Vendor"])
        self.vendor_client = self.client(self.vendor_account.token)
        self.engage(self.vendor_account, self.merchant)

    def engage(self, vendor: Account, merchant: Merchant) -> None:
        """Let a vendor work for a merchant."""
        merchant.invite(vendor)
        agent = VendorAgent(self.client(vendor.token), VendorOptions("Vendor", "VE"), Ending())
        agent._accept_invitations()

    # --- Load ---------------------------------------------------------------------------------

    def connect(self, **fields: Any) -> None:
        """Connect the shop, and have its products known; nothing is hosted before that."""
        request = connect_request("merchants/-", self.shop)
        request.MergeFrom(ConnectStoreRequest(sync_interval_seconds=2, **fields))
        self.merchant_client.hosting.ConnectStore(request)
        expected = len(self.catalog.products)
        wait_until(lambda: len(insist(self.merchant.products)) >= expected)

    def host_all(self) -> None:
        """Let the vendor have every product."""
        products = {product.id: self.vendor_account for product in self.catalog.products}
        insist(lambda: self.merchant.host(products, {}))

    def drain(self, seconds: float = DRAIN_SECONDS_MAX) -> None:
        """Wait until the shop's orders are here and all that can be allocated is."""
        wait_until(lambda: self.is_drained(self.known_orders()), seconds)

    def known_orders(self) -> int:
        """Count what the shop has."""
        return int(self.shop.store.next_order_id()) - FIRST_ORDER_ID

    def is_drained(self, expected: int) -> bool:
        return self.count("SELECT COUNT(*) FROM orders") >= expected and not self.count(
            "SELECT COUNT(*) FROM order_line l JOIN orders o ON o.id = l.order_id"
            " WHERE l.open_units > 0 AND o.admission = 'ADMITTED'"
        )

    def order_names(self) -> list[str]:
        """Name the admitted orders, in the order in which they came."""
        rows = self.rows("SELECT id FROM orders WHERE admission = 'ADMITTED' ORDER BY id")
        return [f"{self.merchant_account.name}/orders/{row[0]}" for row in rows]

    # --- Reckoning ----------------------------------------------------------------------------

    def count(self, sql: str, *parameters: object) -> int:
        return int(self.rows(sql, *parameters)[0][0])

    def rows(self, sql: str, *parameters: object) -> Sequence[tuple[Any, ...]]:
        """Read, as soon as the database is there."""
        while True:
            try:
                with self.db.session():
                    return self.db.all(sql, *parameters)
            except DatabaseAway:
                time.sleep(POLL_SECONDS)

    def tally(self, expected: int) -> Tally:
        """Compare with the shop: each order once, each unit to ship with a vendor once."""
        known = self.count("SELECT COUNT(DISTINCT external_id) FROM orders")
        rows = self.count("SELECT COUNT(*) FROM orders")
        lines = self.rows(
            "SELECT l.id, l.ordered - l.removed - l.elsewhere, COALESCE(SUM(al.quantity"
            " - al.returned), 0) FROM order_line l JOIN orders o ON o.id = l.order_id"
            " LEFT JOIN allocation_line al ON al.line_id = l.id"
            " WHERE o.admission = 'ADMITTED' GROUP BY l.id, l.ordered, l.removed, l.elsewhere"
        )
        short = sum(1 for _, net, held in lines if held < net)
        over = sum(1 for _, net, held in lines if held > net)
        quarantined = self.count("SELECT COUNT(*) FROM job WHERE state = 'QUARANTINED'")
        lost = expected - known + short + quarantined
        return Tally(known, len(lines), lost, rows - known + over)


def insist(call: Callable[[], T]) -> T:
    """Repeat a call, which has its request id, until it is answered."""
    while True:
        try:
            return call()
        except (Unavailable, DeadlineExceeded):
            time.sleep(0.1)


def wait_until(is_so: Callable[[], bool], seconds: float = DRAIN_SECONDS_MAX) -> float:
    """Return how many seconds it took."""
    started = time.monotonic()
    while not is_so():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"not so within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - started


@contextmanager
def again_and_again(every_seconds: float, fault: Callable[[int], object]) -> Iterator[list[float]]:
    """Inject a fault every so often, in a thread; give the instants of those that were."""
    is_over = threading.Event()
    injected: list[float] = []

    def work() -> None:
        while not is_over.wait(every_seconds):
            fault(len(injected))
            injected.append(time.monotonic())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield injected
    finally:
        is_over.set()
        thread.join()
