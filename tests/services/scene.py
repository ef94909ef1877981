"""A small world on a real database: a merchant with a store, vendors, a fake clock and gateways."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from oms.domain.accounts import Partnership
from oms.domain.allocations import AllocationEvent, AllocationState, RejectReason
from oms.domain.catalog import Hosting
from oms.domain.errors import FbaliError
from oms.domain.jobs import JobKind
from oms.domain.money import Money
from oms.domain.partnerships import PartnershipEvent
from oms.domain.principals import Principal, Role
from oms.domain.snapshots import MalformedOrder, OrderSnapshot
from oms.domain.stores import Store
from oms.domain.views import AllocationView, OrderView
from oms.storage import allocation_views, catalog, jobs, order_views
from oms.storage.allocation_views import AllocationFilter
from oms.storage.catalog import ProductFilter
from oms.storage.database import Database, Row
from oms.storage.order_filter import OrderFilter
from oms.storage.tables import TABLES
from oms.usecases.answer_allocation import AnswerAllocation, answer_allocation
from oms.usecases.apply_orders import Applied, apply_orders
from oms.usecases.context import Oms, Transaction
from oms.usecases.manage_accounts import (
    InviteVendor,
    MovePartnership,
    create_merchant,
    create_vendor,
    invite_vendor,
    move_partnership,
)
from oms.usecases.manage_hostings import CreateHosting, HostingTerms, create_hostings
from oms.usecases.manage_stores import ConnectStore, connect_store
from oms.usecases.pack import CreatePackage, PackedResult, create_package
from oms.usecases.run_job import Leases, run_job
from tests.services.clock import FakeClock
from tests.services.fake_gateways import FakeCarrier, FakeMachine, FakeStore, FakeStores
from tests.services.fake_photos import FakeDecoder, FakePhotoStore
from tests.services.snapshots import product_snapshot

C = TypeVar("C")
R = TypeVar("R")

OPERATOR = Principal(Role.OPERATOR, "", "t")
RUNS_MAX = 200  # More jobs than any test makes: whoever needs more runs in circles.


class Scene:
    """One merchant with one connected store that sells mugs and plates; no vendor yet."""

    def __init__(self, database: Database) -> None:
        self.db = database
        self.clock = FakeClock()
        self.shop = FakeStore()
        self.carrier = FakeCarrier()
        self.photos = FakePhotoStore()
        self.decoder = FakeDecoder()
        self.machine = FakeMachine()
        self.oms = Oms(
            database,
            self.clock,
            FakeStores(self.shop),
            self.carrier,
            self.photos,
            self.decoder,
            self.machine,
        )
        self.merchant = self.new_merchant("Shop owner")
        self.store = self.connect("https://shop.example")
        self.put_products("mug", "plate")

    # --- The world ----------------------------------------------------------------------------

    def do(self, use_case: Callable[[Transaction, C], R], command: C, caller: Principal) -> R:
        """Run a use case in its transaction; what it refuses is rolled back."""
        with self.db.transaction():
            return use_case(Transaction(self.db, self.clock.now_ms(), self.oms, caller), command)

    def refusal(
        self, use_case: Callable[[Transaction, C], R], command: C, caller: Principal
    ) -> str:
        """Return the reason of a refusal that changed nothing at all."""
        before = self.dump()
        try:
            self.do(use_case, command, caller)
        except FbaliError as error:
            assert self.dump() == before
            return error.word
        raise AssertionError("nothing was refused")

    def new_merchant(self, display_name: str) -> Principal:
        merchant = self.do(create_merchant, display_name, OPERATOR)
        return Principal(Role.MERCHANT, merchant.id, "t")

    def new_vendor(self, display_name: str = "Agent", **invitation: Any) -> Principal:
        """Make a vendor who works for the merchant."""
        vendor = self.do(create_vendor, display_name, OPERATOR)
        self.do(invite_vendor, InviteVendor(vendor.id, **invitation), self.merchant)
        principal = Principal(Role.VENDOR, vendor.id, "t")
        self.move_partnership(principal, PartnershipEvent.ACCEPT)
        return principal

    def move_partnership(self, vendor: Principal, event: PartnershipEvent) -> Partnership:
        command = MovePartnership(self.merchant.id, vendor.id, event)
        return self.do(move_partnership, command, self.merchant)

    def connect(self, base_url: str, **changes: Any) -> Store:
        command = ConnectStore("fake", base_url, {"key": "secret"}, "Shop")
        store = self.do(connect_store, replace(command, **changes), self.merchant)
        for table in ("job", "sync_run"):  # Tests that want a sync ask for it.
            self.db.run(f"DELETE FROM {table}")
        return store

    def put_products(self, *external_ids: str) -> None:
        with self.db.transaction():
            snapshots = [product_snapshot(external_id) for external_id in external_ids]
            catalog.apply_products(self.db, self.store, snapshots, self.clock.now_ms())

    def product_id(self, external_id: str) -> str:
        wanted = ProductFilter(self.merchant.id)
        found = catalog.products(self.db, wanted, ("", ""), 100)
        return next(product.id for product in found if product.external_id == external_id)

    def host(
        self, vendor: Principal, product: str = "mug", *, unit_cost: int | None = None, **terms: Any
    ) -> Hosting:
        """Host a product with a vendor, and let the lines that waited for it go."""
        cost = None if unit_cost is None else Money("CNY", unit_cost)
        wanted = HostingTerms(unit_cost=cost, **terms)
        command = CreateHosting(self.product_id(product), "", vendor.id, wanted)
        [hosting] = self.do(create_hostings, [command], self.merchant)
        self.run_jobs()
        return hosting

    # --- What happens in it -------------------------------------------------------------------

    def apply(self, *orders: OrderSnapshot, malformed: Sequence[MalformedOrder] = ()) -> Applied:
        with self.db.transaction():
            tx = Transaction(self.db, self.clock.now_ms(), self.oms)
            return apply_orders(tx, self.store, orders, malformed)

    def take(self, *orders: OrderSnapshot) -> OrderView:
        """Apply orders a second later, run what follows, and return the first of them."""
        self.clock.advance_ms(1000)
        self.apply(*orders)
        self.run_jobs()
        return self.order(orders[0].external_id)

    def enqueue(self, kind: JobKind, **options: Any) -> None:
        with self.db.transaction():
            jobs.enqueue(self.db, kind, self.clock.now_ms(), **options)

    def run_jobs(self) -> int:
        """Run everything that is due at this instant; return how many jobs ran."""
        for count in range(RUNS_MAX):
            due = jobs.take_due(self.db, self.clock.now_ms(), 1)
            if not due:
                return count
            run_job(self.oms, Leases(self.oms), due[0][0])
        raise AssertionError("jobs run in circles")

    def pack(
        self, vendor: Principal, allocation_id: str, number: str, **changes: Any
    ) -> PackedResult:
        command = replace(CreatePackage(allocation_id, number), **changes)
        return self.do(create_package, command, vendor)

    def answer(
        self, vendor: Principal, allocation_id: str, event: AllocationEvent, **changes: Any
    ) -> AllocationView:
        command = replace(AnswerAllocation(allocation_id, event), **changes)
        return self.do(answer_allocation, command, vendor)

    def answer_refusal(
        self, vendor: Principal, allocation_id: str, event: AllocationEvent, **changes: Any
    ) -> str:
        command = replace(AnswerAllocation(allocation_id, event), **changes)
        return self.refusal(answer_allocation, command, vendor)

    def reject(self, vendor: Principal, allocation_id: str) -> AllocationView:
        event, reason = AllocationEvent.REJECT, RejectReason.OUT_OF_STOCK
        return self.answer(vendor, allocation_id, event, reject_reason=reason)

    # --- What is seen of it -------------------------------------------------------------------

    def order(self, external_id: str = "1001") -> OrderView:
        row = self.db.one("SELECT id FROM orders WHERE external_id = ?", external_id)
        assert row is not None, external_id
        return order_views.get(self.db, self.merchant.id, row[0])

    def orders(self, tag: str) -> list[str]:
        found = order_views.page(self.db, OrderFilter(self.merchant.id, tag), None, 100)
        return sorted(order.external_id for order in found)

    def allocations(self, vendor: Principal, *states: AllocationState) -> list[AllocationView]:
        """Return a vendor's allocations, oldest first."""
        wanted = AllocationFilter(vendor.id, states)
        return allocation_views.page(self.db, wanted, "", 100)[::-1]

    def waiting_reasons(self, external_id: str = "1001") -> dict[str, str]:
        """Return why lines with open units wait, by the store's line id."""
        lines = self.order(external_id).lines
        return {line.external_id: line.pending_reason for line in lines if line.ledger.open}

    def job_states(self) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in self.db.all("SELECT kind, state FROM job ORDER BY id")]

    def dump(self, *but: str) -> Mapping[str, list[Row]]:
        """Return every row of every table except some."""
        names = [table._meta.table_name for table in TABLES]
        return {
            name: sorted(self.db.all(f"SELECT * FROM {name}"), key=repr)
            for name in names
            if name not in but
        }

    def at_once(self, count: int, work: Callable[[int], object]) -> list[object]:
        """Run work in threads that start together; return results or errors, in order."""
        return at_once(self.db, count, work)


def at_once(database: Database, count: int, work: Callable[[int], object]) -> list[object]:
    """Run work in threads that start together; return results or errors, in order."""
    results: list[object] = [None] * count
    barrier = threading.Barrier(count)

    def run(index: int) -> None:
        try:
            barrier.wait()
            results[index] = work(index)
        except Exception as error:  # noqa: BLE001 - the test looks at it.
            results[index] = error
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
