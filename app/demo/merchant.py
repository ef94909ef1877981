"""What the demo's merchant does: connect the shop, invite vendors, say who fulfils what."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.demo.accounts import Account
from app.demo.intents import request_id
from app.demo.shop import PretendShop
from fbali.client import Client
from fbali.v1.hosting_pb2 import Hosting
from fbali.v1.hosting_service_pb2 import (
    BatchCreateHostingsRequest,
    ConnectStoreRequest,
    InviteVendorRequest,
    ListProductsRequest,
    ListUnhostedProductsRequest,
)
from fbali.v1.money_pb2 import Money
from fbali.v1.order_pb2 import Order
from fbali.v1.order_service_pb2 import (
    CountOrdersRequest,
    GetOrderRequest,
    GetSyncRunRequest,
    ListOrdersRequest,
    ListSyncRunsRequest,
    OrderTag,
    PlaceOrdersRequest,
)
from fbali.v1.placement_pb2 import OrderPlacement, PlacementChoice
from fbali.v1.product_pb2 import Product
from fbali.v1.store_pb2 import Store, StorePlatform, SyncRun

PAGE_SIZE_MAX: Final = 500
OWN: Final = "merchants/-"
FALLBACK_PRIORITY: Final = 200
FALLBACK_EVERY: Final = 3  # Every third product has a second vendor, for when the first rejects it.
_SHIPPING_MINOR: Final = 120


class Merchant:
    """The merchant's calls. Each may be repeated: the request ids are those of the first time."""

    def __init__(self, client: Client) -> None:
        """Act with the client's token."""
        self._hosting = client.hosting
        self._orders = client.orders

    def connect(self, shop: PretendShop, *, sync_interval_seconds: int) -> Store:
        """Connect the shop, which starts the first sync."""
        request = ConnectStoreRequest(
            parent=OWN,
            platform=StorePlatform.STORE_PLATFORM_WOOCOMMERCE,
            base_url=shop.url,
            sync_interval_seconds=sync_interval_seconds,
            request_id=request_id("connect", shop.url),
            consumer_key=shop.credentials["consumer_key"],
            consumer_secret=shop.credentials["consumer_secret"],
        )
        return self._hosting.ConnectStore(request).store

    def sync_run(self, name: str) -> SyncRun:
        """Look how far a sync run is."""
        return self._orders.GetSyncRun(GetSyncRunRequest(name=name)).sync_run

    def latest_sync_runs(self, store: Store) -> Sequence[SyncRun]:
        """Look at the newest sync runs, newest first."""
        request = ListSyncRunsRequest(parent=store.name, page_size=10)
        return self._orders.ListSyncRuns(request).sync_runs

    def invite(self, vendor: Account) -> None:
        """Invite a vendor, who then has to accept."""
        self._hosting.InviteVendor(
            InviteVendorRequest(
                parent=OWN, vendor=vendor.name, request_id=request_id("invite", vendor.name)
            )
        )

    def products(self) -> Sequence[Product]:
        """List the products, in the order of the shop's own ids."""
        request = ListProductsRequest(parent=OWN, page_size=PAGE_SIZE_MAX)
        listed = self._hosting.ListProducts(request).products
        return sorted(listed, key=lambda product: int(product.external_id))

    def unhosted_products(self) -> Sequence[Product]:
        """List the products that order lines wait for, the most wanted first."""
        request = ListUnhostedProductsRequest(parent=OWN)
        return self._hosting.ListUnhostedProducts(request).products

    def host(self, choices: Mapping[int, Account], fallbacks: Mapping[int, Account]) -> None:
        """Host products, by the shop's product id, with vendors; fallbacks are tried second."""
        products = {int(product.external_id): product for product in self.products()}
        hostings = [
            _hosting(products[product_id], vendor, priority)
            for chosen, priority in ((choices, 0), (fallbacks, FALLBACK_PRIORITY))
            for product_id, vendor in chosen.items()
        ]
        names = ",".join(str(product_id) for product_id in (*choices, *fallbacks))
        self._hosting.BatchCreateHostings(
            BatchCreateHostingsRequest(
                parent=OWN, hostings=hostings, request_id=request_id("host", names)
            )
        )

    def place_by_hand(self, product: Product, vendor: Account) -> Sequence[OrderPlacement]:
        """Place the orders that wait for a product with a vendor, who hosts it from now on."""
        request = ListOrdersRequest(parent=OWN, tag=OrderTag.ORDER_TAG_PENDING)
        names = [
            order.name
            for order in self._orders.ListOrders(request).orders
            if any(line.product == product.name and line.open_quantity for line in order.lines)
        ]
        if not names:
            return ()
        choice = PlacementChoice(product=product.name, vendor=vendor.name, remember=True)
        return self._orders.PlaceOrders(
            PlaceOrdersRequest(
                parent=OWN,
                orders=names,
                choices=[choice],
                request_id=request_id("place", product.name),
            )
        ).placements

    def counts(self) -> Mapping[OrderTag.ValueType, int]:
        """Count orders by tag."""
        answer = self._orders.CountOrders(CountOrdersRequest(parent=OWN))
        return {count.tag: count.order_count for count in answer.counts}

    def newest_orders(self) -> Sequence[Order]:
        """List the newest admitted orders, as lists show them."""
        return self._orders.ListOrders(ListOrdersRequest(parent=OWN)).orders

    def order(self, name: str) -> Order:
        """Read everything about one order."""
        return self._orders.GetOrder(GetOrderRequest(name=name)).order


def share_out(
    product_ids: Sequence[int], vendors: Sequence[Account]
) -> tuple[dict[int, Account], dict[int, Account]]:
    """Give every product its vendor in turn, and some a second one to fall back on."""
    first, second = vendors
    choices: dict[int, Account] = {}
    fallbacks: dict[int, Account] = {}
    for position, product_id in enumerate(product_ids):
        chosen, other = (first, second) if position % 2 == 0 else (second, first)
        choices[product_id] = chosen
        if position % FALLBACK_EVERY == 0:
            fallbacks[product_id] = other
    return choices, fallbacks


def _hosting(product: Product, vendor: Account, priority: int) -> Hosting:
    price = product.variants[0].price
    currency = price.currency_code
    return Hosting(
        product=product.name,
        vendor=vendor.name,
        priority=priority,
        vendor_sku=f"{vendor.display_name[:1]}-{product.external_id}",
        unit_cost=Money(currency_code=currency, amount_minor=price.amount_minor * 2 // 5),
        shipping_cost=Money(currency_code=currency, amount_minor=_SHIPPING_MINOR),
    )
