"""A store's first sync, from its HTTP pages to our tables, and the same without looking at them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import urllib3

from benchmarks.bare import BareDatabase, Insert, inserted
from benchmarks.databases import Databases, copied
from benchmarks.processes import READY_SECONDS_MAX, free_address, program
from benchmarks.report import Spread, Table, rate_ratio
from benchmarks.scene import PAGE_ORDERS, Scene, open_oms, set_scene
from oms.storage.database import Database
from oms.usecases.run_job import Leases, run_job

HEAD = ("first sync of", "orders/s", "bare GETs and inserts, orders/s", "ours / bare")
_LEGEND = (
    "The sync job of a store in the pretend shop, which is a process of its own: products, then"
    " orders in pages of 100 and a request for each refunded one, read, parsed and applied. Raw"
    " limit: the same pages fetched and thrown away, then the same rows inserted by the bare"
    " driver, a transaction a page. Both contain the time that the pretend shop takes to answer."
)
_API = "/wp-json/wc/v3"
_PER_ORDER = ("order_detail", "order_line", "event")
_POLL_SECONDS = 0.05


def measure_sync(kind: Databases, orders: int, runs: int) -> Table:
    """Sync a shop of so many orders into an empty database, again and again."""
    with _shop(orders) as shop:
        url = kind.new()
        people = set_scene(open_oms(url), shop.url)
        people.oms.db.close()
        pairs = [_both(kind, people, shop) for _ in range(runs)]
        kind.drop(url)
    ours = Spread.of([orders / pair[0] for pair in pairs])
    raw = Spread.of([orders / pair[1] for pair in pairs])
    row = [f"{orders:,} orders", str(ours), str(raw), rate_ratio(ours, raw)]
    return Table(f"Sync a store, {kind.name}", _LEGEND, HEAD, [row])


class Shop:
    """A client that takes the shop's answers as they come."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(
            headers=urllib3.make_headers(basic_auth="ck_demo:cs_demo"), retries=False
        )

    def is_ready(self) -> bool:
        """Tell whether the shop has its orders."""
        try:
            return bool(self._get("/orders?per_page=1").json())
        except urllib3.exceptions.HTTPError:
            return False

    def read_all(self) -> float:
        """Fetch every page of orders, and the refunds that they name; return the seconds."""
        started = time.perf_counter()
        page, pages = 1, 1
        refunded: list[int] = []
        while page <= pages:
            query = f"per_page={PAGE_ORDERS}&page={page}&orderby=modified&order=asc"
            answer = self._get(f"/orders?{query}")
            pages = int(answer.headers["X-WP-TotalPages"])
            refunded += _refunded(answer)
            page += 1
        for order_id in refunded:
            self._get(f"/orders/{order_id}/refunds?per_page=100")
        return time.perf_counter() - started

    def _get(self, target: str) -> urllib3.BaseHTTPResponse:
        return self._pool.request("GET", f"{self.url}{_API}{target}")


def _refunded(answer: urllib3.BaseHTTPResponse) -> list[int]:
    return [order["id"] for order in answer.json() if order["refunds"]]


@contextmanager
def _shop(orders: int) -> Iterator[Shop]:
    listen = free_address()
    with program("benchmarks.shop", listen, str(orders)):
        shop = Shop(f"http://{listen}")
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not shop.is_ready():
            assert time.monotonic() < deadline, "the pretend shop does not answer"
            time.sleep(_POLL_SECONDS)
        yield shop


def _both(kind: Databases, people: Scene, shop: Shop) -> tuple[float, float]:
    before = people.oms.db.url
    with copied(kind, before) as copy, copied(kind, before) as bare_copy:
        oms = people.at(copy).oms
        with oms.db.session():
            job = oms.db.one("SELECT id FROM job WHERE kind = 'sync_store'")
        assert job is not None
        started = time.perf_counter()
        run_job(oms, Leases(oms), job[0])
        taken = time.perf_counter() - started
        bare = BareDatabase(bare_copy)
        with oms.db.session():
            taken_bare = shop.read_all() + sum(map(bare.write, pages_of_rows(oms.db)))
        oms.db.close()
        bare.close()
    return taken, taken_bare


def pages_of_rows(db: Database) -> Iterator[Sequence[Insert]]:
    """Read back what a sync or an import wrote, page by page."""
    products = [row[0] for row in db.all("SELECT id FROM product")]
    yield [inserted(db, "product", "id", products), inserted(db, "variant", "product_id", products)]
    ids = [row[0] for row in db.all("SELECT id FROM orders ORDER BY created_at, id")]
    jobs = [row[0] for row in db.all("SELECT id FROM job WHERE kind = 'allocate_orders'")]
    pages = range(0, len(ids), PAGE_ORDERS)
    share = -(-len(jobs) // len(pages))
    for number, start in enumerate(pages):
        page = ids[start : start + PAGE_ORDERS]
        yield [
            inserted(db, "orders", "id", page),
            *(inserted(db, table, "order_id", page) for table in _PER_ORDER),
            inserted(db, "job", "id", jobs[number * share : (number + 1) * share]),
        ]
