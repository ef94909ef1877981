"""A merchant, a shop, two vendors and a carrier of one's own, for tests that play with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf.message import Message

from app.demo.shop import PretendShop, ShopOptions
from app.demo.shop_records import Item, Order
from fbali.v1.fulfillment_service_pb2 import ListAllocationsRequest
from fbali.v1.hosting_pb2 import Hosting
from fbali.v1.hosting_service_pb2 import CreateHostingRequest
from fbali.v1.money_pb2 import Money
from fbali.v1.order_service_pb2 import SyncOrdersRequest
from oms.domain.jobs import JobKind
from oms.domain.tracking import Meaning, TrackingEvent
from oms.storage import jobs
from oms.storage.database import Row
from tests.functional import goods
from tests.functional.estate import connect, orders_of, products_of
from tests.services.fake_gateways import FakeCarrier
from tests.services.recycled import empty
from tests.services.stack import Caller, Stack

UNTIL_SEEN_SECONDS = 5  # A window ends before the second in which it is read.
REFUSALS = {"FAILED_PRECONDITION", "ABORTED", "NOT_FOUND", "ALREADY_EXISTS"}
BY_TIME = (
    JobKind.POLL_TRACKING,
    JobKind.EXPIRE_ALLOCATIONS,
    JobKind.EXPIRE_CANCELLATIONS,
    JobKind.EXPIRE_HOLDS,
)
NOTED = {
    "cost_entry": "id, allocation_id, kind, source, amount_minor, currency, note, created_at",
    "event": "sequence, merchant_id, order_id, kind, actor, subject, details",
}


@dataclass
class World:
    """Everything that one play needs. Every `say` is a call over the wire."""

    stack: Stack
    shop: PretendShop
    merchant: Caller
    vendors: list[Caller]
    stranger: Caller
    foreign_vendor: Caller
    carrier: FakeCarrier
    store: str = ""
    products: dict[str, str] = field(default_factory=dict)
    next_order: int = 1001
    next_line: int = 50_000
    next_number: int = 1

    # --- The shop -----------------------------------------------------------------------------

    def put_order(self, units: dict[int, int], status: str) -> None:
        now = self.stack.clock.now_seconds()
        made = goods.order(self.next_order, units, now=now, status=status, is_new=True)
        self.shop.add_order(made)
        self.next_order += 1

    def order(self, place: int) -> Order:
        """Return an order of the shop, the newest first."""
        found = self.shop.store.order(self.next_order - 1 - place % (self.next_order - 1001))
        assert found is not None
        return found

    def change_items(self, order: Order, items: tuple[Item, ...]) -> None:
        self.shop.change_order(order.id, items=items)

    def add_item(self, order: Order, kind: int, quantity: int) -> None:
        made = goods.item(self.next_line, kind, quantity)
        self.next_line += 1
        self.change_items(order, (*order.items, made))

    def sync(self) -> None:
        """Read the shop, and do all the work that follows."""
        self.stack.clock.advance(UNTIL_SEEN_SECONDS)
        self.merchant.call(SyncOrdersRequest(name=self.store))
        self.stack.work()

    # --- Time ---------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and do what the timetable does then."""
        self.stack.clock.advance(seconds)
        with self.stack.db.transaction():
            for kind in BY_TIME:
                jobs.enqueue(self.stack.db, kind, self.stack.clock.now_ms())
        self.stack.work()

    def hear(self, number: str, meaning: Meaning, seconds_ago: int, word: str) -> None:
        """Let the carrier tell something of a parcel the next time it is asked."""
        at = self.stack.clock.now_seconds() - seconds_ago
        event = TrackingEvent(at, meaning, word, "scanned", "Somewhere", "fake")
        self.carrier.events.setdefault(number, []).append(event)

    # --- Callers ------------------------------------------------------------------------------

    def say(self, caller: Caller, request: Message) -> str:
        """Call, do the work that follows, and return the code; a refusal changes nothing."""
        before = self.fingerprint()
        code = caller.code(request)
        assert code == "OK" or code in REFUSALS, (code, request)
        if code != "OK":
            assert self.fingerprint() == before, request
        self.stack.work()
        self.stack.clock.advance(1)
        return code

    def orders(self) -> list[Any]:
        return sorted(orders_of(self.merchant, page_size=500), key=lambda order: order.number)

    def parts(self, vendor: Caller) -> list[Any]:
        """Return a vendor's parts in an order that does not depend on ids, newest first."""
        request = ListAllocationsRequest(parent=vendor.name, page_size=500)
        found = vendor.call(request).allocations
        return sorted(found, key=lambda part: (-part.create_time.seconds, part.order_number))

    def number(self) -> str:
        """Return a tracking number that was never used."""
        self.next_number += 1
        return f"PLAY-{self.next_number}"

    def host(self, title: str, vendor: Caller, priority: int) -> str:
        quote = {"currency_code": "USD"}
        made = Hosting(
            product=self.products[title],
            vendor=vendor.name,
            priority=priority,
            unit_cost=Money(amount_minor=420, **quote),
            shipping_cost=Money(amount_minor=250, **quote),
        )
        request = CreateHostingRequest(parent=self.merchant.name, hosting=made)
        return self.say(self.merchant, request)

    # --- What is written ----------------------------------------------------------------------

    def fingerprint(self) -> list[Row]:
        """Return numbers that change with every change of an order, a part or a parcel."""
        with self.stack.db.session():
            return [
                self.stack.db.one(f"SELECT COUNT(*), COALESCE(SUM(version), 0) FROM {table}") or ()
                for table in ("orders", "allocation", "package", "hosting", "partnership")
            ] + [
                self.stack.db.one(f"SELECT COUNT(*) FROM {table}") or ()
                for table in ("event", "cost_entry", "package_line", "hold", "tracking_event")
            ]

    def noted(self, table: str) -> dict[Any, Row]:
        """Return the rows of a table that only grows, by id."""
        with self.stack.db.session():
            rows = self.stack.db.all(f"SELECT {NOTED[table]} FROM {table}")
        return {row[0]: row for row in rows}


@contextmanager
def new_world(stack: Stack) -> Iterator[World]:
    """Begin with nothing but accounts, a connected shop without orders, and the goods in it."""
    empty(stack.db)
    carrier = FakeCarrier()
    was, stack.oms = stack.oms, replace(stack.oms, carrier=carrier)
    options = ShopOptions(now_seconds=stack.clock.now_seconds)
    merchant = stack.merchant_named("Player")
    with PretendShop(options) as shop:
        shop.store.load(goods.products(stack.clock.now_seconds()), [])
        made = World(
            stack=stack,
            shop=shop,
            merchant=merchant,
            vendors=[
                stack.vendor("Vendor A", merchant),
                stack.vendor("Vendor B", merchant, acceptance_required=True),
            ],
            stranger=stack.merchant_named("Stranger"),
            foreign_vendor=stack.vendor("Foreign vendor"),
            carrier=carrier,
        )
        made.store = connect(stack, merchant, base_url=shop.url).name
        stack.work()
        made.products = {item.title: item.name for item in products_of(merchant)}
        try:
            yield made
        finally:
            stack.oms = was
            for caller in (merchant, *made.vendors, made.stranger, made.foreign_vendor):
                caller.client.close()
