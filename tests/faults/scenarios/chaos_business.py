"""What goes on while everything is broken at random: a shop that changes, and orders by hand."""

from collections import Counter
from random import Random
from threading import Event

from app.demo.accounts import open_merchant, open_vendors
from app.demo.customers import Customers
from app.demo.intents import request_id
from app.demo.merchant import Merchant
from app.demo.shop import PretendShop
from app.demo.shop_catalog import FIRST_ORDER_ID
from fbali.v1.hosting_service_pb2 import ConnectStoreRequest
from fbali.v1.order_service_pb2 import PlaceOrdersRequest
from fbali.v1.store_pb2 import PROCESSING_MANUAL, WRITE_BACK_MODE_OFF
from tests.faults.scenarios.api_kills import is_placed_once
from tests.faults.scenarios.installation import Installation, insist, wait_until
from tests.faults.scenarios.vendor_clerk import Clerk
from tests.faults.scenarios.vendor_part import Part
from tests.faults.scenarios.vendor_steps import steps
from tests.faults.scenarios.vendor_updates import compare, parts_of
from tests.services.fleet import connect_request

SHOP_PAUSE_SECONDS = 0.1
CHANGED_SHARE = 0.4  # Of what happens in the shop; the rest is that somebody buys.
AT_ONCE = 4  # Orders that the second merchant places with one call.
COSTS_EACH = 3  # Entries that the demo's vendor records of each part.

Found = tuple[list[str], list[str]]  # What is missing, and what is there too often.


class ChangingShop:
    """The installation's own shop: people buy, pay late, cancel, and get money and units back."""

    def __init__(self, installed: Installation, dice: Random) -> None:
        self.changes = 0
        self._installed = installed
        self._dice = dice
        self._customers = Customers(installed.shop, installed.catalog)

    def work(self, is_over: Event) -> None:
        while not is_over.wait(SHOP_PAUSE_SECONDS):
            if self._dice.random() >= CHANGED_SHARE:
                self._customers.buy()
                continue
            number = self._dice.randrange(
                FIRST_ORDER_ID, self._installed.shop.store.next_order_id()
            )
            self._change(number)

    def _change(self, number: int) -> None:
        store = self._installed.shop.store
        order = store.order(number)
        assert order is not None
        if order.status == "pending":
            store.change_order(number, status="processing", paid_at=store.now_seconds())
        elif order.status == "processing" and self._dice.random() < 1 / 2:
            store.change_order(number, status="cancelled")
        elif order.status == "processing" and not order.refunds:
            item = self._dice.choice(order.items)
            store.refund(number, amount=item.price, units={item.id: 1})
        else:
            return
        self.changes += 1

    def compare(self) -> Found:
        """Compare orders, units, costs and what the shop was told."""
        lost, doubled = self._compare_orders()
        owner = self._installed.merchant_id
        for line, wanted, held, is_over in self._installed.rows(
            "SELECT l.id, l.ordered - l.removed - l.elsewhere - l.excluded,"
            " COALESCE(SUM(al.quantity - al.returned), 0), l.over_allocated FROM order_line l"
            " JOIN orders o ON o.id = l.order_id LEFT JOIN allocation_line al ON al.line_id = l.id"
            " WHERE o.admission = 'ADMITTED' AND o.merchant_id = ? GROUP BY l.id, l.ordered,"
            " l.removed, l.elsewhere, l.excluded, l.over_allocated",
            owner,
        ):
            if held < wanted:
                lost.append(f"line {line}: {held} of {wanted} units are with a vendor")
            if held > wanted and not is_over:
                doubled.append(f"line {line}: {held} units for {wanted} are with a vendor")
        for part, count in self._installed.rows(
            "SELECT allocation_id, COUNT(*) FROM cost_entry c JOIN allocation a"
            " ON a.id = c.allocation_id WHERE c.source = 'ACTUAL' AND a.merchant_id = ?"
            " GROUP BY allocation_id",
            owner,
        ):
            if count != COSTS_EACH:
                (lost if count < COSTS_EACH else doubled).append(f"{part} has {count} costs")
        return lost, doubled

    def _compare_orders(self) -> Found:
        store = self._installed.shop.store
        shop = [store.order(number) for number in range(FIRST_ORDER_ID, store.next_order_id())]
        there = Counter(str(order.id) for order in shop if order is not None)
        rows = self._installed.rows(
            "SELECT external_id FROM orders WHERE merchant_id = ?", self._installed.merchant_id
        )
        here = Counter(str(row[0]) for row in rows)
        told = Counter(
            str(dict(item.meta)["_fbali_package"])
            for order in shop
            if order is not None
            for item in order.fulfillments
        )
        confirmed = self._installed.rows(
            "SELECT package_id FROM write_back WHERE state = 'CONFIRMED'"
        )
        lost = [f"order {number} is missing" for number in (there - here).elements()]
        lost += [f"the shop was not told of {row[0]}" for row in confirmed if not told[row[0]]]
        doubled = [f"order {number} is there again" for number in (here - there).elements()]
        doubled += [f"the shop was told of {name} {n} times" for name, n in told.items() if n > 1]
        return lost, doubled


class ByHand:
    """A second merchant, who places what its shop has, and a vendor whose updates are known."""

    def __init__(self, installed: Installation, dice: Random, orders: int) -> None:
        self._installed = installed
        self._shop = installed.closing.enter_context(PretendShop())
        catalog = self._shop.fill(orders=orders, seed=2)
        account = open_merchant(installed.operator, "By hand")
        [vendor] = open_vendors(installed.operator, ["Clerk"])
        self._client = installed.client(account.token)
        merchant = Merchant(self._client)
        installed.engage(vendor, merchant)
        request = connect_request("merchants/-", self._shop)
        request.MergeFrom(
            ConnectStoreRequest(
                processing=PROCESSING_MANUAL,
                write_back_mode=WRITE_BACK_MODE_OFF,
                sync_interval_seconds=2,
            )
        )
        insist(lambda: self._client.hosting.ConnectStore(request))
        own = "SELECT COUNT(*) FROM orders WHERE merchant_id = ?"
        self._id = account.name.rpartition("/")[2]
        wait_until(lambda: installed.count(own, self._id) >= orders)
        merchant.host({product.id: vendor for product in catalog.products}, {})
        rows = installed.rows(
            "SELECT id FROM orders WHERE merchant_id = ? AND admission = 'ADMITTED'"
            " AND has_open_units ORDER BY id",
            self._id,
        )
        self._waiting = [f"{account.name}/orders/{row[0]}" for row in rows]
        self._placed: list[str] = []
        self._vendor = installed.client(vendor.token)
        self._parts: dict[str, Part] = {}
        [(owner, foreign)] = installed.rows(
            "SELECT vendor_id, id FROM allocation WHERE merchant_id <> ? LIMIT 1", self._id
        )
        theirs = steps([f"vendors/{owner}/allocations/{foreign}"])
        self.clerk = Clerk(self._vendor, theirs, dice)

    @property
    def placed(self) -> int:
        return len(self._placed)

    def work(self, is_over: Event) -> None:
        """Place some, and let the vendor deal with them, again and again."""
        try:
            while self._waiting and not is_over.is_set():
                names, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                self._place(names)
                new = [part for part in parts_of(self._vendor) if part.name not in self._parts]
                for part in new:
                    self._parts[part.name] = part
                    self.clerk.handle(part)
        finally:
            self.clerk.close()

    def _place(self, names: list[str]) -> None:
        request = PlaceOrdersRequest(
            parent="merchants/-", orders=names, request_id=request_id("by hand", *names)
        )
        insist(lambda: self._client.orders.PlaceOrders(request))
        self._placed += names

    def compare(self) -> Found:
        """Compare every placement and every row that the vendor's updates made."""
        lost, doubled = compare(self._installed, list(self._parts.values()))
        wrong = [n for n in self._placed if not is_placed_once(self._installed, n)]
        return lost + [f"{name} is not placed once" for name in wrong], doubled
