"""A database with a past: orders in every state, made by the use cases and then multiplied."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.demo.shop_catalog import Catalog
from benchmarks.databases import Databases
from benchmarks.multiply import STEP_MS, multiply
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
from oms.domain.costs import CostKind
from oms.domain.money import Money
from oms.domain.tracking import PackageState
from oms.storage import allocation_views, recounting
from oms.usecases.allocate_orders import allocate
from oms.usecases.answer_allocation import RecordCosts, record_costs
from oms.usecases.apply_orders import apply_orders
from oms.usecases.pack import (
    CreatePackage,
    ReportPackageEvent,
    create_package,
    report_package_event,
)

SEED_ORDERS = 1_000  # Made by the use cases; more are copies of them.
_BATCH = 50
# What became of the orders that were allocated, in per cent: the events that vendors reported.
_FATES: Sequence[tuple[int, tuple[PackageState, ...]]] = (
    (15, ()),
    (5, (PackageState.HANDED_OVER,)),
    (20, (PackageState.HANDED_OVER, PackageState.IN_TRANSIT)),
    (1, (PackageState.HANDED_OVER, PackageState.EXCEPTION)),
    (59, (PackageState.HANDED_OVER, PackageState.IN_TRANSIT, PackageState.DELIVERED)),
)


@dataclass(frozen=True, slots=True)
class Past:
    """A settled database that nobody is connected to, and who takes part in it."""

    url: str
    scene: Scene
    orders: int


def seed_past(kind: Databases) -> Past:
    """Make SEED_ORDERS orders by the use cases."""
    url = kind.new()
    # People and products are older than all orders, so that their ids are told apart.
    scene = set_scene(open_oms(url, (FIRST_PLACED_AT - 800 * 86_400) * 1000))
    shop = Catalog(1, now=FIRST_PLACED_AT)
    take_products(scene, shop)
    host_products(scene)
    forget_jobs(scene)
    scene.oms.db.close()
    scene = scene.at(url, FIRST_PLACED_AT // (STEP_MS // 1000) * STEP_MS + STEP_MS // 2)
    for page in order_pages(shop, SEED_ORDERS // PAGE_ORDERS):
        with scene.oms.db.transaction():
            apply_orders(scene.transaction(), scene.store, page, ())
    _fulfil(scene)
    forget_jobs(scene)
    scene.oms.db.close()
    kind.settle(url)
    return Past(url, scene, SEED_ORDERS)


def longer_past(kind: Databases, past: Past, times: int) -> Past:
    """Copy a database and give it `times` as many orders."""
    url = kind.copy(past.url)
    multiply(url, times)
    kind.settle(url)
    return Past(url, past.scene.at(url), past.orders * times)


def _fulfil(scene: Scene) -> None:
    with scene.oms.db.transaction():
        ids = [row[0] for row in scene.oms.db.all("SELECT id FROM orders ORDER BY external_id")]
        for start in range(0, len(ids), _BATCH):
            allocate(scene.transaction(), ids[start : start + _BATCH])
        fates = [events for share, events in _FATES for _ in range(share)]
        for number, order_id in enumerate(ids):
            _ship(scene, order_id, fates[number * 37 % len(fates)])
        recounting.refresh(scene.oms.db, ids)


def _ship(scene: Scene, order_id: str, events: Sequence[PackageState]) -> None:
    """Let every vendor of an order pack and report, as far as the order is to come."""
    vendors = {vendor.id: vendor for vendor in scene.vendors}
    for part in allocation_views.of_order(scene.oms.db, order_id):
        if not events:
            return
        tx = scene.transaction(vendors[part.vendor_id])
        costs = (CostKind.SHIPPING, Money("USD", 1_150), "DHL Global Mail")
        record_costs(tx, RecordCosts(part.id, [costs]))
        number = f"LX{part.id[-10:].upper()}CN"
        packed = create_package(tx, CreatePackage(part.id, number, "3011"))
        for place, state in enumerate(events):
            report = ReportPackageEvent(
                part.id,
                packed.package.id,
                state,
                occurred_at=tx.now_ms // 1000 + place * 86_400,
                description=f"Parcel is now {state.value.lower()}",
                location="Shenzhen, CN",
            )
            report_package_event(tx, report)
