"""What vendors and merchants do to orders on their way: edge cases that no store is needed for."""

from collections.abc import Iterator
from typing import Any

import pytest

from fbali.v1.allocation_pb2 import REJECT_REASON_OUT_OF_STOCK, AllocationState
from fbali.v1.fulfillment_service_pb2 import (
    AcceptAllocationRequest,
    CreatePackageRequest,
    RejectAllocationRequest,
    ReportPackageEventRequest,
    VoidPackageRequest,
)
from fbali.v1.hosting_service_pb2 import SuspendPartnershipRequest
from fbali.v1.order_pb2 import PendingReason, ShippingStatus
from fbali.v1.order_service_pb2 import CancelOrderRequest, GetOrderRequest, PlaceOrdersRequest
from fbali.v1.package_pb2 import (
    EXCEPTION_REASON_CANCELLED,
    PACKAGE_STATE_EXCEPTION,
    PACKAGE_STATE_VOIDED,
    PackageLine,
)
from fbali.v1.placement_pb2 import PlacementChoice
from tests.functional import goods
from tests.functional.estate import connect
from tests.functional.ledgers import wrong_costs, wrong_ledgers
from tests.functional.order_world import World, new_world
from tests.services.stack import Stack


@pytest.fixture
def world(shared_stack: Stack) -> Iterator[World]:
    """Lamps are hosted with vendor A, and with vendor B after him; the mug is not hosted."""
    with new_world(shared_stack) as made:
        made.host("Lamp", made.vendors[0], 1)
        made.host("Lamp", made.vendors[1], 2)
        yield made
        assert wrong_ledgers(made.stack.db) == []
        assert wrong_costs(made.stack.db) == []


def buy(world: World, units: dict[int, int]) -> None:
    world.put_order(units, "processing")
    world.sync()


def shown(world: World) -> Any:
    [listed] = world.orders()
    return world.merchant.call(GetOrderRequest(name=listed.name)).order


def status(world: World) -> str:
    return ShippingStatus.Name(shown(world).shipping_status).removeprefix("SHIPPING_STATUS_")


def states(world: World) -> list[str]:
    return [
        AllocationState.Name(part.state).removeprefix("ALLOCATION_STATE_")
        for vendor in world.vendors
        for part in world.parts(vendor)
    ]


def pack(world: World, units: int = 0, **fields: Any) -> Any:
    """Pack units of the lamp (or all) of vendor A's newest part."""
    [vendor, _] = world.vendors
    part = world.parts(vendor)[0]
    lines = [PackageLine(line=part.lines[0].line, quantity=units)] if units else []
    return CreatePackageRequest(
        parent=part.name, tracking_number=world.number(), lines=lines, **fields
    )


def test_partial_shipment_keeps_the_order_in_processing(world: World):
    buy(world, {goods.LAMP: 3})

    world.say(world.vendors[0], pack(world, 1, handed_over=True))

    [line] = shown(world).lines
    assert (line.allocated_quantity, line.handed_over_quantity) == (2, 1)
    assert (status(world), states(world)) == ("PROCESSING", ["ACCEPTED"])
    world.say(world.vendors[0], pack(world, handed_over=True))
    assert (status(world), states(world)) == ("IN_TRANSIT", ["CLOSED"])


def test_rejected_units_go_to_the_backup_and_then_wait_with_their_reason(world: World):
    buy(world, {goods.LAMP: 2})

    for vendor in world.vendors:
        [part] = world.parts(vendor)
        reject = RejectAllocationRequest(name=part.name, reject_reason=REJECT_REASON_OUT_OF_STOCK)
        assert world.say(vendor, reject) == "OK"

    [line] = shown(world).lines
    assert states(world) == ["REJECTED", "REJECTED"]
    assert line.open_quantity == 2
    assert line.pending_reason == PendingReason.Value("PENDING_REASON_VENDOR_REJECTED")
    assert status(world) == "PENDING"


def test_more_than_was_allocated_is_not_packed(world: World):
    buy(world, {goods.LAMP: 2})

    assert world.say(world.vendors[0], pack(world, 3)) == "FAILED_PRECONDITION"

    assert states(world) == ["SUBMITTED"]


def test_unhosted_line_waits_alone_and_goes_when_its_product_is_hosted(world: World):
    buy(world, {goods.LAMP: 1, goods.MUG: 1})
    before = {line.title: line.open_quantity for line in shown(world).lines}

    world.host("Mug", world.vendors[1], 1)

    assert before == {"Lamp": 0, "Mug": 1}
    assert states(world) == ["SUBMITTED", "SUBMITTED"]
    assert [part.lines[0].title for part in world.parts(world.vendors[0])] == ["Lamp"]


def test_suspended_vendor_finishes_what_he_has_and_the_backup_gets_what_is_new(world: World):
    buy(world, {goods.LAMP: 1})
    [first, backup] = world.vendors
    name = f"{world.merchant.name}/partnerships/{first.id}"

    world.say(world.merchant, SuspendPartnershipRequest(name=name))
    buy(world, {goods.LAMP: 1})

    [part] = world.parts(first)
    assert (part.order_number, world.parts(backup)[0].order_number) == ("1001", "1002")
    assert world.say(first, AcceptAllocationRequest(name=part.name)) == "OK"


def test_second_cancellation_changes_nothing(world: World):
    buy(world, {goods.LAMP: 2})
    cancel = CancelOrderRequest(name=shown(world).name)
    world.say(world.merchant, cancel)
    once = shown(world)

    world.say(world.merchant, cancel)
    after_the_second = shown(world)
    world.shop.change_order(1001, status="cancelled")
    world.sync()

    assert after_the_second == once
    [line] = shown(world).lines
    assert (line.removed_quantity, line.excluded_quantity, line.open_quantity) == (2, 0, 0)
    assert (states(world), status(world)) == (["CANCELLED"], "UNSPECIFIED")


def test_older_word_of_a_store_is_ignored(world: World):
    buy(world, {goods.LAMP: 2})
    before = shown(world)

    long_ago = world.stack.clock.now_seconds() - 60
    world.shop.change_order(1001, status="cancelled", modified_at=long_ago)
    world.sync()

    assert shown(world) == before


def test_same_sku_in_another_store_is_another_product(world: World):
    address = world.shop.url.replace("127.0.0.1", "localhost")
    connect(world.stack, world.merchant, base_url=address)

    buy(world, {goods.LAMP: 1})

    found = world.orders()
    waiting = [order for order in found if order.store != world.store]
    assert len(found) == 2
    assert [order.lines[0].open_quantity for order in waiting] == [1]
    assert {part.order for part in world.parts(world.vendors[0])} == {
        order.name for order in found if order.store == world.store
    }


def test_units_that_nobody_is_to_process_are_refunded_before_those_of_a_vendor(world: World):
    buy(world, {goods.LAMP: 2})
    [item] = world.order(0).items
    vendor = world.vendors[0]
    world.say(vendor, AcceptAllocationRequest(name=world.parts(vendor)[0].name))
    world.change_items(world.order(0), (item, goods.item(90_000, goods.MUG, 2)))
    world.sync()
    choice = PlacementChoice(product=world.products["Mug"], exclude=True)
    names = [shown(world).name]
    request = PlaceOrdersRequest(parent=world.merchant.name, orders=names, choices=[choice])
    world.say(world.merchant, request)

    world.shop.store.refund(1001, amount="64.81", units={90_000: 1})
    world.sync()

    [_, mug] = shown(world).lines
    assert (mug.removed_quantity, mug.excluded_quantity, mug.over_allocated) == (1, 1, False)
    world.shop.change_order(1001, status="cancelled")
    world.sync()
    [_, mug] = shown(world).lines
    assert (mug.removed_quantity, mug.excluded_quantity, mug.over_allocated) == (2, 0, False)


def test_parcel_whose_label_the_carrier_cancelled_can_be_voided(world: World):
    buy(world, {goods.LAMP: 1})
    world.say(world.vendors[0], pack(world))
    [parcel] = world.parts(world.vendors[0])[0].packages
    trouble = ReportPackageEventRequest(
        name=parcel.name,
        state=PACKAGE_STATE_EXCEPTION,
        exception_reason=EXCEPTION_REASON_CANCELLED,
    )
    world.say(world.vendors[0], trouble)
    assert status(world) == "EXCEPTION"

    assert world.say(world.vendors[0], VoidPackageRequest(name=parcel.name)) == "OK"

    [part] = world.parts(world.vendors[0])
    assert [package.state for package in part.packages] == [PACKAGE_STATE_VOIDED]
    assert (status(world), states(world)) == ("PROCESSING", ["ACCEPTED"])
