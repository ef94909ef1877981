"""Store pages of 100 orders, applied by the use case and written by the bare driver."""

import time
from collections.abc import Sequence

from app.demo.shop_catalog import Catalog
from benchmarks.bare import BareDatabase, Insert, inserted
from benchmarks.databases import Databases, copied
from benchmarks.history import Past
from benchmarks.report import Spread, Table, rate_ratio
from benchmarks.scene import FIRST_PLACED_AT, PAGE_ORDERS, Scene, order_pages
from oms.domain.snapshots import OrderSnapshot
from oms.usecases.apply_orders import apply_orders

HEAD = ("applied to", "orders/s", "bare driver orders/s", "ours / bare")
_LEGEND = (
    "Pages of 100 new orders that were read and parsed before, each applied in one durable"
    " transaction: orders, details with the store's document, lines, history, allocation jobs."
    " Raw limit: the bare driver inserts the same rows, page by page, into a copy of the database."
)
_PAGES_OF_RUN = 5


def measure_apply(kind: Databases, pasts: Sequence[Past], runs: int) -> Table:
    """Measure with few and with many orders in the database already."""
    rows = [_row(kind, past, runs) for past in pasts]
    return Table(f"Apply store pages, {kind.name}", _LEGEND, HEAD, rows)


def _row(kind: Databases, past: Past, runs: int) -> list[str]:
    with copied(kind, past.url) as copy, copied(kind, past.url) as bare_copy:
        bare = BareDatabase(bare_copy)
        people = past.scene.at(copy)
        ours, raw = _runs(people, bare, _pages(past, runs))
        people.oms.db.close()
        bare.close()
    # The first run fills the caches.
    spreads = Spread.of(ours[1:]), Spread.of(raw[1:])
    return [f"{past.orders:,} orders", *map(str, spreads), rate_ratio(*spreads)]


def _pages(past: Past, runs: int) -> list[list[OrderSnapshot]]:
    """Make orders that the past has not seen, one run more than is counted."""
    first = past.orders // PAGE_ORDERS + 1
    shop = Catalog(2, now=FIRST_PLACED_AT)
    return list(order_pages(shop, _PAGES_OF_RUN * (runs + 1), first_page=first))


def _runs(
    people: Scene, bare: BareDatabase, pages: Sequence[Sequence[OrderSnapshot]]
) -> tuple[list[float], list[float]]:
    """Apply pages and write them bare, in turn; return the rates of each run."""
    ours, raw = [], []
    for start in range(0, len(pages), _PAGES_OF_RUN):
        taken = [_both(people, bare, page) for page in pages[start : start + _PAGES_OF_RUN]]
        ours.append(PAGE_ORDERS * len(taken) / sum(pair[0] for pair in taken))
        raw.append(PAGE_ORDERS * len(taken) / sum(pair[1] for pair in taken))
    return ours, raw


def _both(people: Scene, bare: BareDatabase, page: Sequence[OrderSnapshot]) -> tuple[float, float]:
    db = people.oms.db
    with db.session():
        last_job = db.one("SELECT COALESCE(MAX(id), '') FROM job")
    assert last_job is not None
    started = time.perf_counter()
    with db.transaction():
        apply_orders(people.transaction(), people.store, page, ())
    taken = time.perf_counter() - started
    return taken, bare.write(_written(people, page, last_job[0]))


def _written(people: Scene, page: Sequence[OrderSnapshot], last_job: str) -> list[Insert]:
    """Read back what applying a page wrote."""
    db = people.oms.db
    with db.session():
        jobs = [row[0] for row in db.all("SELECT id FROM job WHERE id > ?", last_job)]
        orders = inserted(db, "orders", "external_id", [item.external_id for item in page])
        ids = [row[orders.columns.index("id")] for row in orders.rows]
        return [
            orders,
            *(inserted(db, table, "order_id", ids) for table in _TABLES),
            inserted(db, "job", "id", jobs),
        ]


_TABLES = ("order_detail", "order_line", "order_word", "event")
