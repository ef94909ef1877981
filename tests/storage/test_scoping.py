"""What is not yours does not exist for you: reads and writes by a foreign merchant or vendor."""

import pytest

from oms.domain.allocations import AllocationEvent
from oms.domain.errors import AlreadyExists, NotFound
from oms.domain.money import Money
from oms.domain.partnerships import PartnershipEvent
from oms.domain.principals import Role
from oms.domain.snapshots import MalformedOrder
from oms.domain.tracking import PackageState
from oms.storage import (
    accounts,
    allocation_views,
    catalog,
    hostings,
    order_views,
    package_views,
    stores,
)
from oms.storage.allocation_views import AllocationFilter
from oms.storage.catalog import ProductFilter
from oms.storage.order_filter import OrderFilter
from oms.usecases.answer_allocation import (
    AnswerAllocation,
    RecordCosts,
    answer_allocation,
    record_costs,
)
from oms.usecases.manage_accounts import MovePartnership, move_partnership, revoke_token
from oms.usecases.manage_hostings import (
    CreateHosting,
    DeleteHosting,
    HostingTerms,
    UpdateHosting,
    create_hostings,
    delete_hosting,
    update_hosting,
)
from oms.usecases.manage_stores import (
    ConnectStore,
    DisconnectStore,
    UpdateStore,
    connect_store,
    disconnect_store,
    request_sync,
    update_store,
)
from oms.usecases.pack import (
    CreatePackage,
    ReportPackageEvent,
    VoidPackage,
    create_package,
    report_package_event,
    void_package,
)
from tests.services.scene import Scene
from tests.services.snapshots import line_snapshot, order_snapshot


class World(Scene):
    """One of everything, and a merchant and a vendor whom it does not belong to."""

    def __init__(self, database):
        super().__init__(database)
        self.vendor = self.new_vendor()
        self.hosting = self.host(self.vendor)
        self.take(order_snapshot("1001"))
        self.apply(malformed=[MalformedOrder("1002", "no total", b"{}")])
        [self.part] = self.allocations(self.vendor)
        self.package = self.pack(self.vendor, self.part.id, "T1").package
        self.sync_run = self.do(request_sync, self.store.id, self.merchant)
        self.rival = self.new_merchant("Rival")
        self.stranger = self.new_vendor("Stranger")
        self.run_jobs()


@pytest.fixture
def scene(database):
    return World(database)


READS = {
    "store": lambda s, m, v: stores.get(s.db, m, s.store.id),
    "sync run": lambda s, m, v: stores.run(s.db, m, s.store.id, s.sync_run.id),
    "product": lambda s, m, v: catalog.product(s.db, m, s.hosting.product_id),
    "hosting": lambda s, m, v: hostings.get(s.db, m, s.hosting.id),
    "order": lambda s, m, v: order_views.get(s.db, m, s.order().id),
    "partnership": lambda s, m, v: accounts.partnership(s.db, m, v),
    "allocation": lambda s, m, v: allocation_views.get(s.db, v, s.part.id),
    "package": lambda s, m, v: package_views.get(s.db, v, s.part.id, s.package.id),
}
LISTS = {
    "stores": lambda s, m, v: stores.page(s.db, m, "", 9),
    "sync runs": lambda s, m, v: stores.runs(s.db, m, s.store.id, "", 9),
    "quarantined": lambda s, m, v: stores.quarantined_orders(s.db, m, "", 9),
    "products": lambda s, m, v: catalog.products(s.db, ProductFilter(m), ("", ""), 9),
    "hostings": lambda s, m, v: hostings.page(
        s.db, m, product_id="", vendor_id="", before="", limit=9
    ),
    "hostings of a product": lambda s, m, v: hostings.of_product(s.db, m, s.hosting.product_id),
    "rules": lambda s, m, v: list(hostings.rules(s.db, m, [s.hosting.product_id])),
    "orders": lambda s, m, v: order_views.page(s.db, OrderFilter(m), None, 9),
    "allocations": lambda s, m, v: allocation_views.page(s.db, AllocationFilter(v), "", 9),
    "partners of a merchant": lambda s, m, v: accounts.partnerships_of_merchant(s.db, m, "", 9),
}
MERCHANT_WRITES = {
    "host": (create_hostings, lambda s: [host_command(s)]),
    "update hosting": (update_hosting, lambda s: UpdateHosting(s.hosting.id, HostingTerms())),
    "delete hosting": (delete_hosting, lambda s: DeleteHosting(s.hosting.id)),
    "update store": (update_store, lambda s: UpdateStore(s.store.id, "Mine")),
    "disconnect store": (disconnect_store, lambda s: DisconnectStore(s.store.id)),
    "sync": (request_sync, lambda s: s.store.id),
}
VENDOR_WRITES = {
    "accept": (answer_allocation, lambda s: AnswerAllocation(s.part.id, AllocationEvent.ACCEPT)),
    "costs": (record_costs, lambda s: RecordCosts(s.part.id, [])),
    "pack": (create_package, lambda s: CreatePackage(s.part.id, "T2")),
    "void": (void_package, lambda s: VoidPackage(s.part.id, s.package.id)),
    "report": (
        report_package_event,
        lambda s: ReportPackageEvent(s.part.id, s.package.id, PackageState.DELIVERED),
    ),
}


def host_command(scene):
    return CreateHosting(scene.hosting.product_id, "", scene.vendor.id, HostingTerms())


def part_id(scene):
    """Give the vendor's newest allocation."""
    return scene.allocations(scene.vendor)[-1].id


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_owner_reads_what_nobody_else_finds(scene, read):
    assert read(scene, scene.merchant.id, scene.vendor.id) is not None

    with pytest.raises(NotFound):
        read(scene, scene.rival.id, scene.stranger.id)


@pytest.mark.parametrize("read", LISTS.values(), ids=LISTS)
def test_lists_hold_nothing_of_others(scene, read):
    assert len(read(scene, scene.merchant.id, scene.vendor.id)) > 0

    assert read(scene, scene.rival.id, scene.stranger.id) == []


@pytest.mark.parametrize(("use_case", "command"), MERCHANT_WRITES.values(), ids=MERCHANT_WRITES)
def test_foreign_merchant_changes_nothing(scene, use_case, command):
    assert scene.refusal(use_case, command(scene), scene.rival) == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(("use_case", "command"), VENDOR_WRITES.values(), ids=VENDOR_WRITES)
def test_foreign_vendor_changes_nothing(scene, use_case, command):
    assert scene.refusal(use_case, command(scene), scene.stranger) == "RESOURCE_NOT_FOUND"


def test_package_is_found_only_in_its_own_allocation(scene):
    scene.take(order_snapshot("1003"))
    command = VoidPackage(part_id(scene), scene.package.id)

    assert scene.refusal(void_package, command, scene.vendor) == "RESOURCE_NOT_FOUND"
    with pytest.raises(NotFound):
        package_views.get(scene.db, scene.vendor.id, part_id(scene), scene.package.id)


def test_counts_are_of_the_merchant_alone(scene):
    assert order_views.count_by_tag(scene.db, scene.merchant.id, "")["ADMITTED"] == 1
    assert set(order_views.count_by_tag(scene.db, scene.rival.id, "").values()) == {0}
    assert stores.quarantined_count(scene.db, scene.rival.id, "") == 0


def test_vendor_sees_its_partnerships_alone(scene):
    found = accounts.partnerships_of_vendor(scene.db, scene.vendor.id, "", 9)

    assert [(item.merchant_id, item.vendor_id) for item in found] == [
        (scene.merchant.id, scene.vendor.id)
    ]


def test_partnership_of_others_is_not_moved(scene):
    command = MovePartnership(scene.rival.id, scene.vendor.id, PartnershipEvent.SUSPEND)

    assert scene.refusal(move_partnership, command, scene.rival) == "RESOURCE_NOT_FOUND"


def test_token_of_others_is_not_revoked_by_a_vendor(scene):
    assert scene.refusal(revoke_token, "t-unknown", scene.vendor) == "RESOURCE_NOT_FOUND"


def test_display_name_of_nobody_is_not_found(scene):
    for role in (Role.MERCHANT, Role.VENDOR):
        with pytest.raises(NotFound):
            accounts.display_name(scene.db, role, "x")
    assert accounts.display_name(scene.db, Role.OPERATOR, "") == "operator"


def test_store_address_is_connected_once_per_merchant(scene):
    command = ConnectStore("fake", "https://shop.example/", {"key": "k"}, "Again")

    assert scene.refusal(connect_store, command, scene.merchant) == AlreadyExists.reason
    assert scene.do(connect_store, command, scene.rival).merchant_id == scene.rival.id


def test_allocation_tells_its_vendor_no_price_and_no_mail(scene):
    money = Money("USD", 987_654)
    scene.take(order_snapshot("1003", line_snapshot(price=money), total=money))

    shown = repr(allocation_views.get(scene.db, scene.vendor.id, part_id(scene)))

    assert "Berlin" in shown
    assert "ada@example.com" not in shown
    assert "987654" not in shown
