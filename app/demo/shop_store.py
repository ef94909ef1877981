"""The pretend shop's stock of products and orders, in memory."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.demo.shop_index import RowIndex, Selection
from app.demo.shop_records import Order, Product, Refund


class ShopStore:
    """Products and orders by id. Every method may be called from any thread."""

    def __init__(self, now_seconds: Callable[[], int]) -> None:
        """Begin empty; `now_seconds` returns UTC epoch seconds and dates every change."""
        self._now_seconds = now_seconds
        self._lock = threading.RLock()
        self._orders: dict[int, Order] = {}
        self._products: dict[int, Product] = {}
        self._order_index = RowIndex()
        self._product_index = RowIndex()
        self._last_id = 9_000_000

    def load(self, products: Iterable[Product], orders: Iterable[Order]) -> None:
        """Take many records at once, with the dates that they carry."""
        with self._lock:
            self._products.update((product.id, product) for product in products)
            self._orders.update((order.id, order) for order in orders)
            self._product_index.rebuild(self._products)
            self._order_index.rebuild(self._orders)

    def add_order(self, order: Order) -> int:
        """Take an order, with the dates that it carries, and return its id."""
        with self._lock:
            self._orders[order.id] = order
            self._order_index.add(order)
        return order.id

    def change_order(self, order_id: int, **changes: Any) -> None:
        """Change fields of an order; it counts as changed now, unless `modified_at` is given."""
        with self._lock:
            order = self._orders[order_id]
            self._order_index.discard(order)
            changed = replace(order, **{"modified_at": self._now_seconds(), **changes})
            self._orders[order_id] = changed
            self._order_index.add(changed)

    def remove_order(self, order_id: int) -> None:
        """Delete an order for good, as emptying the trash does."""
        with self._lock:
            self._order_index.discard(self._orders.pop(order_id))

    def refund(
        self, order_id: int, *, amount: str, units: Mapping[int, int], reason: str = ""
    ) -> None:
        """Refund an amount and take units out, by line id; no units means money only."""
        with self._lock:
            self._last_id += 1
            made = Refund(self._last_id, self._now_seconds(), amount, reason, dict(units))
            self.change_order(order_id, refunds=[*self._orders[order_id].refunds, made])

    def new_id(self) -> int:
        """Return an id that was not given before."""
        with self._lock:
            self._last_id += 1
            return self._last_id

    def append(self, order_id: int, field: str, record: Any) -> None:
        """Add a record to a list of an order, which counts as changed now."""
        with self._lock:
            present = getattr(self._orders[order_id], field)
            self.change_order(order_id, **{field: [*present, record]})

    def now_seconds(self) -> int:
        """Return UTC epoch seconds by the shop's own clock."""
        return self._now_seconds()

    def change_product(self, product_id: int, **changes: Any) -> None:
        """Change fields of a product; it counts as changed now, unless `modified_at` is given."""
        with self._lock:
            product = self._products[product_id]
            self._product_index.discard(product)
            changed = replace(product, **{"modified_at": self._now_seconds(), **changes})
            self._products[product_id] = changed
            self._product_index.add(changed)

    def order(self, order_id: int) -> Order | None:
        """Return one order."""
        with self._lock:
            return self._orders.get(order_id)

    def product(self, product_id: int) -> Product | None:
        """Return one product."""
        with self._lock:
            return self._products.get(product_id)

    def next_order_id(self) -> int:
        """Return an id above all that are taken."""
        with self._lock:
            return max(self._orders, default=1_000) + 1

    def list_orders(
        self, selection: Selection, *, page: int, per_page: int
    ) -> tuple[list[Order], int]:
        """Return a page of orders, and how many are selected in all."""
        with self._lock:
            ids, total = self._order_index.select(selection, page=page, per_page=per_page)
            return [self._orders[order_id] for order_id in ids], total

    def list_products(
        self, selection: Selection, *, page: int, per_page: int
    ) -> tuple[list[Product], int]:
        """Return a page of products, and how many are selected in all."""
        with self._lock:
            ids, total = self._product_index.select(selection, page=page, per_page=per_page)
            return [self._products[product_id] for product_id in ids], total
