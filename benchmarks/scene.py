"""A merchant with a shop, vendors and hostings, and the shop's orders as the gateway reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

from app.demo.shop_catalog import FIRST_ORDER_ID, PRODUCTS, Catalog
from app.demo.shop_documents import (
    order_document,
    product_document,
    refund_document,
    variation_document,
)
from app.demo.shop_records import Product as ShopProduct
from oms import bootstrap
from oms.domain.catalog import Product
from oms.domain.money import Money
from oms.domain.partnerships import PartnershipEvent
from oms.domain.principals import Principal, Role
from oms.domain.snapshots import OrderSnapshot, ProductSnapshot
from oms.domain.stores import Store
from oms.gateways.stores.woocommerce_orders import parse_order
from oms.gateways.stores.woocommerce_products import parse_product
from oms.settings import read_settings
from oms.storage import catalog
from oms.storage.catalog import ProductFilter
from oms.usecases.context import Oms, Transaction
from oms.usecases.manage_accounts import (
    InviteVendor,
    IssueToken,
    MovePartnership,
    create_merchant,
    create_vendor,
    invite_vendor,
    issue_token,
    move_partnership,
)
from oms.usecases.manage_hostings import CreateHosting, HostingTerms, create_hostings
from oms.usecases.manage_stores import ConnectStore, connect_store

PAGE_ORDERS = 100  # A page of a store.
VENDORS = ("Shenzhen Source", "Yiwu Trade", "Leipzig Depot", "Corner Shop")
RARE_VENDOR = 3  # The last one, which has one variant: about one order in a hundred.
FIRST_PLACED_AT = 1_780_000_000  # In May 2026, epoch seconds.
_API = "https://shop.example/wp-json/wc/v3"
_MOST_PER_CENT = 90  # How many orders are paid and wait for their parcels.
_NEVER_SECONDS = 86_400  # The store's own syncs stay out of the way.
_TERMS = HostingTerms(
    vendor_sku="SZ-4471",
    purchase_url="https://vendor.example/item/4471",
    unit_cost=Money("USD", 420),
    shipping_cost=Money("USD", 250),
)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still."""

    ms: int

    def now_ms(self) -> int:
        """Return its instant."""
        return self.ms


@dataclass(frozen=True, slots=True)
class Scene:
    """Who takes part in one database, with the secrets of their tokens."""

    oms: Oms
    merchant: Principal
    vendors: tuple[Principal, ...]
    store: Store
    secrets: tuple[str, ...]  # Of the merchant, then of the vendors.

    def transaction(self, caller: Principal | None = None) -> Transaction:
        """Return what use cases are given, inside a transaction that is open already."""
        return Transaction(self.oms.db, self.oms.clock.now_ms(), self.oms, caller)

    def at(self, url: str, clock_ms: int | None = None) -> "Scene":
        """Return the same people in a copy of the database, by another clock if one is given."""
        return replace(self, oms=open_oms(url, clock_ms))


def open_oms(url: str, clock_ms: int | None = None) -> Oms:
    """Wire the order management on a database, by the system's clock or one that stands still."""
    folder = Path(mkdtemp(prefix="fbali-bench-data-"))
    oms = bootstrap.build(read_settings({"FBALI_DATABASE_URL": url, "FBALI_DATA_DIR": str(folder)}))
    folder.rmdir()
    return oms if clock_ms is None else replace(oms, clock=FixedClock(clock_ms))


def set_scene(oms: Oms, store_url: str = "https://shop.example") -> Scene:
    """Write the merchant, the vendors, the shop and its products. Nothing is hosted yet."""
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        owners = [Principal(Role.MERCHANT, create_merchant(tx, "Lamps & Co").id, "")]
        owners += [Principal(Role.VENDOR, create_vendor(tx, name).id, "") for name in VENDORS]
        secrets = [issue_token(tx, IssueToken(who.role, who.id, "bench")).secret for who in owners]
        for_merchant = replace(tx, caller=owners[0])
        for vendor in owners[1:]:
            invite_vendor(for_merchant, InviteVendor(vendor.id))
            accepted = MovePartnership(owners[0].id, vendor.id, PartnershipEvent.ACCEPT)
            move_partnership(replace(tx, caller=vendor), accepted)
        store = connect_store(
            for_merchant,
            ConnectStore(
                "woocommerce",
                store_url,
                {"consumer_key": "ck_demo", "consumer_secret": "cs_demo"},
                display_name="Lamps",
                sync_interval_seconds=_NEVER_SECONDS,
            ),
        )
    return Scene(oms, owners[0], tuple(owners[1:]), store, tuple(secrets))


def forget_jobs(scene: Scene) -> None:
    """Drop what waits to be done, so that a worker does only what is measured."""
    with scene.oms.db.transaction():
        scene.oms.db.run("DELETE FROM job")


def take_products(scene: Scene, shop: Catalog) -> None:
    """Write the shop's products, as the first part of a sync does."""
    with scene.oms.db.transaction():
        products = [_product(product) for product in shop.products]
        catalog.apply_products(scene.oms.db, scene.store, products, scene.oms.clock.now_ms())


def host_products(scene: Scene) -> None:
    """Host the products in turn with the big vendors, and one variant with the rare one.

    Every twentieth product stays unhosted, so that some orders wait.
    """
    products = _products(scene)
    varied = next(product for product in products[1:] if len(product.variants) > 1)
    vendors = scene.vendors
    hosted = [
        CreateHosting(product.id, "", vendors[number % RARE_VENDOR].id, _TERMS)
        for number, product in enumerate(products)
        if number % 20
    ]
    rare = CreateHosting(varied.id, varied.variants[0].id, vendors[RARE_VENDOR].id, _TERMS)
    with scene.oms.db.transaction():
        create_hostings(scene.transaction(scene.merchant), [*hosted, rare])


def host_all_with_one(scene: Scene) -> None:
    """Host every product with the first vendor."""
    vendor_id = scene.vendors[0].id
    hosted = [CreateHosting(item.id, "", vendor_id, _TERMS) for item in _products(scene)]
    with scene.oms.db.transaction():
        create_hostings(scene.transaction(scene.merchant), hosted)


def _products(scene: Scene) -> Sequence[Product]:
    wanted = ProductFilter(scene.merchant.id)
    with scene.oms.db.session():
        return catalog.products(scene.oms.db, wanted, ("", ""), PRODUCTS)


def order_pages(
    shop: Catalog, pages: int, *, first_page: int = 0, since: int = FIRST_PLACED_AT
) -> Iterator[list[OrderSnapshot]]:
    """Make pages of orders as the shop's gateway reads them, one a minute from `since` on."""
    for page in range(first_page, first_page + pages):
        numbers = range(page * PAGE_ORDERS, (page + 1) * PAGE_ORDERS)
        yield [_order(shop, number, since + number * 60) for number in numbers]


def _order(shop: Catalog, number: int, placed_at: int) -> OrderSnapshot:
    status = "processing" if number % PAGE_ORDERS < _MOST_PER_CENT else ""
    order = shop.order(FIRST_ORDER_ID + number, placed_at=placed_at, status=status)
    refunds = [refund_document(refund, order, _API) for refund in order.refunds]
    read = parse_order(order_document(order, _API), refunds)
    assert isinstance(read, OrderSnapshot), read
    return read


def _product(product: ShopProduct) -> ProductSnapshot:
    variations: Sequence[object] = [
        variation_document(variation, product, _API) for variation in product.variations
    ]
    return parse_product(product_document(product, _API), variations, "USD")
