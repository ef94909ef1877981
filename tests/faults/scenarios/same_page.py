"""One page of a store is applied by many workers at once; updates are shuffled and a day late."""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier

from oms.domain.money import Money
from oms.domain.snapshots import OrderSnapshot
from oms.storage.database import Database
from oms.usecases.apply_orders import apply_orders
from oms.usecases.context import Transaction
from tests.faults.scenarios.installation import Form
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size
from tests.services.breakable import BreakablePostgres
from tests.services.scene import Scene
from tests.services.snapshots import order_snapshot

WORKERS = 20
VERSIONS = 8
ORDERS_AT_ONCE = 20
DAY_SECONDS = 86_400
SEED = 3


def run(size: Size) -> Iterator[Result]:
    with TemporaryDirectory(prefix="fbali-faults-") as folder:
        yield _run(Form.EMBEDDED, f"sqlite:///{Path(folder) / 'fbali.db'}", size)
    with BreakablePostgres() as postgres:
        yield _run(Form.DISTRIBUTED, postgres.url, size)


def _run(form: Form, url: str, size: Size) -> Result:
    database = Database(url)
    database.migrate()
    scene = Scene(database)
    scene.host(scene.new_vendor())
    page = [order_snapshot(f"1{number:05}") for number in range(size.page)]
    newest = [_changed(order, VERSIONS) for order in page]
    started = time.monotonic()
    _all_at_once(scene, [page] * WORKERS)
    scene.run_jobs()
    shuffled = [_changed(order, version) for order in page for version in range(1, VERSIONS + 1)]
    scene.clock.advance_ms(DAY_SECONDS * 1000)
    random.Random(SEED).shuffle(shuffled)
    _all_at_once(scene, [shuffled[part::WORKERS] for part in range(WORKERS)])
    scene.run_jobs()
    seconds = time.monotonic() - started
    with database.session():
        totals: dict[str, int] = dict(
            database.all("SELECT external_id, MAX(total_minor) FROM orders GROUP BY 1")
        )
        rows = database.all("SELECT COUNT(*) FROM orders")[0][0]
        units = database.all("SELECT COALESCE(SUM(quantity), 0) FROM allocation_line")[0][0]
    database.close()
    old = sum(totals.get(order.external_id) != order.total.amount_minor for order in newest)
    return Result(
        f"the same page by {WORKERS} workers; updates shuffled, a day late",
        form,
        f"{size.page} orders, {len(shuffled)} updates",
        f"{WORKERS} at once",
        old + max(0, len(page) - units),
        rows - len(page) + max(0, units - len(page)),
        seconds,
    )


def _changed(order: OrderSnapshot, version: int) -> OrderSnapshot:
    """Return what the store shows after a number of changes; the total tells which it is."""
    return replace(
        order,
        updated_at=order.updated_at + version,
        total=Money("USD", 1000 + version),
        raw=f"{order.external_id} {version}".encode(),
    )


def _all_at_once(scene: Scene, pages: Sequence[Sequence[OrderSnapshot]]) -> None:
    everybody = Barrier(len(pages))

    def apply(page: Sequence[OrderSnapshot]) -> None:
        everybody.wait()
        for start in range(0, len(page), ORDERS_AT_ONCE):
            with scene.db.transaction():
                tx = Transaction(scene.db, scene.clock.now_ms(), scene.oms)
                apply_orders(tx, scene.store, page[start : start + ORDERS_AT_ONCE], ())
        scene.db.close()

    with ThreadPoolExecutor(len(pages)) as threads:
        list(threads.map(apply, pages))
