"""The pretend shop's customers, who go on buying while the demo runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from app.demo.carrier import journey_of
from app.demo.habits import handling_of, label
from app.demo.shop import PretendShop
from app.demo.shop_catalog import Catalog
from app.demo.shop_records import Order

_DRAWS_MAX: Final = 10_000  # Far more than it ever takes to draw an order that fits.
_ITEMS_MAX: Final = 3  # More lines than these make a long detail.
_DELIVERED: Final = "Delivered_Other"
_SMOOTH_STEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Hosts:
    """Who fulfils what, by the shop's product id, named by their label prefixes."""

    prefixes: Mapping[int, str]
    first: str
    second: str


class Customers:
    """Place orders in the shop, paid and to be shipped."""

    def __init__(self, shop: PretendShop, catalog: Catalog) -> None:
        """Draw what they buy from the catalogue."""
        self._shop = shop
        self._catalog = catalog

    def buy(self) -> Order:
        """Place any order."""
        return self._place(self._draw(self._shop.store.next_order_id()))

    def buy_to_follow(self, hosts: Hosts) -> Order:
        """Place an order of which both vendors have a part, one of them in two parcels.

        Its number is chosen (shops skip some, too) so that no vendor rejects it and no parcel of it
        gets lost: what is followed from door to door is to arrive.
        """
        first_id = self._shop.store.next_order_id()
        order_id = next(number for number in count(first_id) if _travels_well(str(number), hosts))
        drawn = (self._draw(order_id) for _ in range(_DRAWS_MAX))
        return self._place(next(order for order in drawn if _is_shared(order, hosts)))

    def buy_to_regret(self, hosts: Hosts) -> Order:
        """Draw, but do not place yet, an order that the first vendor alone has and accepts."""
        first_id = self._shop.store.next_order_id()
        order_id = next(
            number
            for number in count(first_id)
            if not handling_of(hosts.first, str(number)).rejects
        )
        drawn = (self._draw(order_id) for _ in range(_DRAWS_MAX))
        return next(order for order in drawn if _is_of_one(order, hosts))

    def place(self, order: Order) -> None:
        """Place an order that was drawn."""
        self._shop.add_order(order)

    def _draw(self, order_id: int) -> Order:
        now = self._shop.options.now_seconds()
        return self._catalog.order(order_id, placed_at=now, status="processing")

    def _place(self, order: Order) -> Order:
        self._shop.add_order(order)
        return order


def _travels_well(number: str, hosts: Hosts) -> bool:
    first, second = handling_of(hosts.first, number), handling_of(hosts.second, number)
    if first.rejects or first.parcels != 1 or not second.rounds_between:
        return False
    labels = [label(hosts.first, number, 1), *(label(hosts.second, number, n) for n in (1, 2))]
    return all(
        len(steps) == _SMOOTH_STEPS and steps[-1].sub_status == _DELIVERED
        for steps in map(journey_of, labels)
    )


def _is_of_one(order: Order, hosts: Hosts) -> bool:
    prefixes = {hosts.prefixes.get(item.product_id, "") for item in order.items}
    return not order.refunds and prefixes == {hosts.first}


def _is_shared(order: Order, hosts: Hosts) -> bool:
    units: dict[str, int] = {}
    for item in order.items:
        prefix = hosts.prefixes.get(item.product_id, "")
        units[prefix] = units.get(prefix, 0) + item.quantity
    is_plain = not order.refunds and len(order.items) <= _ITEMS_MAX and order.currency == "USD"
    return is_plain and units.keys() == {hosts.first, hosts.second} and units[hosts.second] > 1
