"""Placing many selected orders of a store that processes by hand, in one call."""

import time
from collections.abc import Sequence

import grpc

from app.demo.shop_catalog import Catalog
from benchmarks.allocate import allocated_rows
from benchmarks.bare import BareDatabase
from benchmarks.databases import Databases, copied
from benchmarks.processes import served
from benchmarks.report import Spread, Table, ratio
from benchmarks.scene import (
    FIRST_PLACED_AT,
    PAGE_ORDERS,
    Scene,
    forget_jobs,
    host_products,
    open_oms,
    order_pages,
    set_scene,
    take_products,
)
from fbali.v1 import order_service_pb2 as pb
from fbali.v1.placement_pb2 import OrderPlacement
from oms.usecases.apply_orders import apply_orders

HEAD = ("call", "ms", "bare driver ms", "ours / bare")
_LEGEND = (
    "PlaceOrders of {orders} waiting orders over gRPC, one call, one transaction: plan, write"
    " allocations with lines, quoted costs and history, recount the orders, answer per order with"
    " plan and margin. Raw limit: the bare driver inserts and updates the same rows in a copy, one"
    " transaction."
)

_HOSTED_ORDERS = (
    "SELECT id FROM orders WHERE has_open_units AND id NOT IN (SELECT l.order_id FROM order_line l"
    " WHERE l.product_id NOT IN (SELECT h.product_id FROM hosting h)) ORDER BY id"
)


def measure_place(kind: Databases, orders: int, runs: int) -> Table:
    """Place so many orders a run."""
    url = kind.new()
    people = _waiting_orders(url, orders * runs)
    kind.settle(url)
    with copied(kind, url) as bare_copy:
        bare = BareDatabase(bare_copy)
        ours, raw = _runs(people, bare, orders, runs)
        bare.close()
    people.oms.db.close()
    kind.drop(url)
    row = [f"PlaceOrders, {orders} orders", str(ours), str(raw), ratio(ours, raw)]
    return Table(f"Place orders, {kind.name}", _LEGEND.format(orders=orders), HEAD, [row])


def _waiting_orders(url: str, orders: int) -> Scene:
    people = set_scene(open_oms(url))
    shop = Catalog(1, now=FIRST_PLACED_AT)
    take_products(people, shop)
    host_products(people)
    db = people.oms.db
    with db.transaction():
        db.run("UPDATE store SET processing = 'MANUAL'")
    # Some orders of a page are not admitted, or have nothing that a vendor hosts.
    for page in order_pages(shop, orders * 3 // 2 // PAGE_ORDERS + 1):
        with db.transaction():
            apply_orders(people.transaction(), people.store, page, ())
    forget_jobs(people)
    db.close()
    return people


def _runs(people: Scene, bare: BareDatabase, orders: int, runs: int) -> tuple[Spread, Spread]:
    db, ours, raw = people.oms.db, [], []
    with db.session():
        rows = db.all(_HOSTED_ORDERS)
    with served("app.main", "api", database_url=db.url) as api:
        for start in range(0, orders * runs, orders):
            ids = [row[0] for row in rows[start : start + orders]]
            assert len(ids) == orders, "enough orders wait"
            taken, placements = _place(api, people, ids)
            assert all(item.parts for item in placements), "each order went to vendors"
            ours.append(taken * 1000)
            raw.append(bare.write(allocated_rows(db, ids)) * 1000)
    return Spread.of(ours), Spread.of(raw)


def _place(
    api: grpc.Channel, people: Scene, ids: Sequence[str]
) -> tuple[float, Sequence[OrderPlacement]]:
    call = api.unary_unary(
        "/fbali.v1.OrderService/PlaceOrders",
        request_serializer=pb.PlaceOrdersRequest.SerializeToString,
        response_deserializer=pb.PlaceOrdersResponse.FromString,
    )
    parent = f"merchants/{people.merchant.id}"
    request = pb.PlaceOrdersRequest(
        parent=parent, orders=[f"{parent}/orders/{order_id}" for order_id in ids]
    )
    started = time.perf_counter()
    answer: pb.PlaceOrdersResponse = call(
        request, metadata=(("authorization", f"Bearer {people.secrets[0]}"),)
    )
    return time.perf_counter() - started, answer.placements
