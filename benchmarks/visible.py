"""From the commit of a new order to the moment when its vendor's list shows it."""

import time
from collections.abc import Callable, Iterator

import grpc

from app.demo.shop_catalog import Catalog
from benchmarks.databases import Databases
from benchmarks.processes import served
from benchmarks.report import Spread, Table, Times, ratio
from benchmarks.scene import (
    FIRST_PLACED_AT,
    PAGE_ORDERS,
    Scene,
    forget_jobs,
    host_all_with_one,
    open_oms,
    order_pages,
    set_scene,
    take_products,
)
from fbali.v1 import fulfillment_service_pb2 as pb
from oms.domain.snapshots import OrderSnapshot
from oms.storage.wakeups import ASK_SECONDS
from oms.usecases.apply_orders import apply_orders

HEAD = ("seen by", "p50 ms", "p99 ms", "poll interval ms", "p50 / interval")
_LEGEND = (
    "`fbali-server run`: API and worker as two processes. One order at a time is committed; the"
    " clock stops when ListAllocations with the vendor's token shows it, asked for again and again."
    " Raw limit: the interval in which the relay looks for jobs of other processes; half of it"
    " passes on average before anything can begin."
)
_PAUSE_SECONDS = 0.03  # Between two orders, so that they meet the relay at random.
_POLL_SECONDS = 0.001
_SECONDS_MAX = 20
_MORE = 2  # Not every order is to be allocated.


def measure_visible(kind: Databases, orders: int, runs: int) -> Table:
    """Commit so many orders a run."""
    url = kind.new()
    people = set_scene(open_oms(url))
    shop = Catalog(1, now=FIRST_PLACED_AT)
    take_products(people, shop)
    host_all_with_one(people)
    forget_jobs(people)
    pages = order_pages(shop, orders * runs * _MORE // PAGE_ORDERS + 1)
    new = (order for page in pages for order in page)
    with served("app.main", "run", database_url=url) as api:
        newest = _newest_seen(api, people.secrets[1])
        newest()
        times = [Times.of(list(_waits(people, new, newest, orders))) for _ in range(runs)]
    people.oms.db.close()
    kind.drop(url)
    p50, p99 = (Spread.of([getattr(run, name) for run in times]) for name in ("p50", "p99"))
    interval = Spread.of([ASK_SECONDS * 1000])
    row = ["the vendor", str(p50), str(p99), f"{interval.middle:.0f}", ratio(p50, interval)]
    return Table(f"From commit to the vendor, {kind.name}", _LEGEND, HEAD, [row])


def _newest_seen(api: grpc.Channel, secret: str) -> Callable[[], str]:
    """Return the call that tells the number of the order that the vendor got last."""
    listing: grpc.UnaryUnaryMultiCallable[bytes, pb.ListAllocationsResponse] = api.unary_unary(
        "/fbali.v1.FulfillmentService/ListAllocations",
        response_deserializer=pb.ListAllocationsResponse.FromString,
    )
    request = pb.ListAllocationsRequest(parent="vendors/-", page_size=1).SerializeToString()
    metadata = (("authorization", f"Bearer {secret}"),)

    def newest() -> str:
        answer = listing(request, metadata=metadata)
        return answer.allocations[0].order_number if answer.allocations else ""

    return newest


def _waits(
    people: Scene, new: Iterator[OrderSnapshot], newest: Callable[[], str], orders: int
) -> Iterator[float]:
    """Commit orders until so many of them were to be allocated; yield the seconds of each."""
    while orders:
        time.sleep(_PAUSE_SECONDS)
        order = next(new)
        with people.oms.db.transaction():
            apply_orders(people.transaction(), people.store, [order], ())
        committed = time.perf_counter()
        if _is_waiting(people, order):
            yield _wait(order, newest, committed)
            orders -= 1


def _is_waiting(people: Scene, order: OrderSnapshot) -> bool:
    """Tell whether an order is to be allocated: it is paid and holds goods."""
    with people.oms.db.session():
        row = people.oms.db.one(
            "SELECT 1 FROM orders WHERE external_id = ? AND admission = 'ADMITTED'"
            " AND status IN ('PENDING', 'PROCESSING')",
            order.external_id,
        )
    return row is not None


def _wait(order: OrderSnapshot, newest: Callable[[], str], committed: float) -> float:
    while newest() != order.number:
        assert time.perf_counter() < committed + _SECONDS_MAX, "the order was not allocated"
        time.sleep(_POLL_SECONDS)
    return time.perf_counter() - committed
