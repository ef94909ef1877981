"""What a merchant decides himself, and stores that change their mind."""

from typing import Any

import pytest

from fbali.v1.allocation_pb2 import (
    ALLOCATION_STATE_ACCEPTED,
    ALLOCATION_STATE_CANCELLATION_REQUESTED,
    ALLOCATION_STATE_CANCELLED,
)
from fbali.v1.fulfillment_service_pb2 import (
    AcceptAllocationRequest,
    AnswerCancellationRequest,
    CreatePackageRequest,
)
from fbali.v1.hold_pb2 import HOLD_REASON_ADDRESS, HOLD_REASON_COOL_OFF
from fbali.v1.order_pb2 import (
    PENDING_REASON_HELD,
    PENDING_REASON_MANUAL,
    PENDING_REASON_UNHOSTED,
    SHIPPING_STATUS_PENDING,
    SHIPPING_STATUS_PROCESSING,
    SHIPPING_STATUS_UNSPECIFIED,
)
from fbali.v1.order_service_pb2 import (
    CancelOrderRequest,
    GetOrderRequest,
    HoldOrdersRequest,
    PlaceOrdersRequest,
    PreviewPlacementRequest,
    ReleaseOrdersRequest,
)
from fbali.v1.placement_pb2 import PlacementChoice
from fbali.v1.store_pb2 import PROCESSING_MANUAL
from oms.domain.jobs import JobKind
from oms.storage import jobs
from tests.functional.estate import (
    allocations_of,
    connect,
    fill,
    host,
    orders_of,
    products_of,
    sync,
)
from tests.services.stack import Stack, dump


@pytest.fixture
def shop_owner(stack: Stack) -> Stack:
    """A manual store with four orders, of which the lamp and the mat are hosted with vendor A."""
    fill(stack)
    connect(stack, stack.merchant, processing=PROCESSING_MANUAL)
    stack.work()
    products = {item.title: item.name for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Lamp"], products["Mat"])
    stack.work()
    return stack


def order_of(stack: Stack, number: str) -> Any:
    [found] = [item for item in orders_of(stack.merchant) if item.number == number]
    return stack.merchant.call(GetOrderRequest(name=found.name)).order


def place(stack: Stack, *numbers: str, **fields: Any) -> Any:
    names = [order_of(stack, number).name for number in numbers]
    request = PlaceOrdersRequest(parent=stack.merchant.name, orders=names, **fields)
    return stack.merchant.call(request).placements


def let_time_pass(stack: Stack, seconds: float, kind: JobKind) -> None:
    """Go on, and do what the timetable does then."""
    stack.clock.advance(seconds)
    with stack.db.transaction():
        jobs.enqueue(stack.db, kind, stack.clock.now_ms())
    stack.work()


def mug(stack: Stack) -> str:
    return str(next(item.name for item in products_of(stack.merchant) if item.title == "Mug"))


def test_manual_store_keeps_its_orders_until_they_are_placed(shop_owner: Stack):
    waiting = order_of(shop_owner, "1001")

    [placed] = place(shop_owner, "1001")

    assert {line.pending_reason for line in waiting.lines} == {PENDING_REASON_MANUAL}
    assert [(part.vendor, len(part.lines)) for part in placed.parts] == [
        (shop_owner.vendor_a.name, 2)
    ]
    assert placed.parts[0].allocation == allocations_of(shop_owner.vendor_a)[0].name
    assert order_of(shop_owner, "1001").shipping_status == SHIPPING_STATUS_PROCESSING
    assert order_of(shop_owner, "1002").shipping_status == SHIPPING_STATUS_PENDING


def test_preview_tells_the_plan_and_the_unhosted_products_and_changes_nothing(shop_owner: Stack):
    names = [order_of(shop_owner, number).name for number in ("1002", "1004")]
    before = dump(shop_owner.db)

    preview = shop_owner.merchant.call(
        PreviewPlacementRequest(parent=shop_owner.merchant.name, orders=names)
    )

    lamp, unhosted = preview.placements
    assert (lamp.revenue.amount_minor, lamp.quoted_totals[0].amount_minor) == (7123, 670)
    assert lamp.margin.amount_minor == 7123 - 670
    assert [line.reason for line in unhosted.waiting_lines] == [PENDING_REASON_UNHOSTED]
    assert [product.title for product in preview.unhosted_products] == ["Mug"]
    assert dump(shop_owner.db) == before


def test_chosen_vendor_gets_an_unhosted_product_and_is_remembered(shop_owner: Stack):
    choice = PlacementChoice(
        product=mug(shop_owner), vendor=shop_owner.vendor_b.name, remember=True
    )

    [placed] = place(shop_owner, "1004", choices=[choice])

    [hosted] = [item for item in products_of(shop_owner.merchant) if item.title == "Mug"]
    assert [part.vendor for part in placed.parts] == [shop_owner.vendor_b.name]
    assert (hosted.hosting_count, hosted.waiting_unit_count) == (1, 0)


def test_done_excludes_a_product_and_ends_its_order(shop_owner: Stack):
    choice = PlacementChoice(product=mug(shop_owner), exclude=True)

    [placed] = place(shop_owner, "1004", choices=[choice])

    order = order_of(shop_owner, "1004")
    assert (placed.excluded_quantity, len(placed.parts)) == (1, 0)
    assert [line.excluded_quantity for line in order.lines] == [1]
    assert order.shipping_status == SHIPPING_STATUS_UNSPECIFIED


def test_placing_twice_allocates_once(shop_owner: Stack):
    place(shop_owner, "1001", "1002", "1003")

    again = place(shop_owner, "1001", "1002", "1003")

    assert [len(placement.parts) for placement in again] == [0, 0, 0]
    assert {placement.refusal_reason for placement in again} == {"PRECONDITION_FAILED"}
    assert [placement.refusal_message for placement in again] == [
        f"nothing of {placement.order} is open: all of it is with vendors, in parcels, or not to be"
        " processed"
        for placement in again
    ]
    assert len(allocations_of(shop_owner.vendor_a)) == 3


def test_held_order_waits_until_its_last_hold_is_released_or_ends(stack: Stack):
    fill(stack)
    connect(stack, stack.merchant)
    stack.work()
    order = order_of(stack, "1002")
    hold: Any = {"parent": stack.merchant.name, "orders": [order.name]}
    until = HoldOrdersRequest(reason=HOLD_REASON_COOL_OFF, **hold)
    until.expire_time.FromSeconds(stack.clock.now_seconds() + 3600)
    stack.merchant.call(until)
    stack.merchant.call(HoldOrdersRequest(reason=HOLD_REASON_ADDRESS, note="no number", **hold))
    lamp = next(item.name for item in products_of(stack.merchant) if item.title == "Lamp")
    host(stack.merchant, stack.vendor_a, lamp)
    stack.work()

    held = order_of(stack, "1002")
    stack.merchant.call(ReleaseOrdersRequest(reason=HOLD_REASON_ADDRESS, **hold))
    stack.work()
    still_held = order_of(stack, "1002")
    let_time_pass(stack, 3700, JobKind.EXPIRE_HOLDS)

    assert [line.pending_reason for line in held.lines] == [PENDING_REASON_HELD]
    assert [item.note for item in held.holds] == ["", "no number"]
    assert (len(still_held.holds), len(still_held.allocations)) == (1, 0)
    assert len(order_of(stack, "1002").allocations) == 1


def test_cancelled_order_is_withdrawn_and_an_accepted_part_is_asked_for(shop_owner: Stack):
    place(shop_owner, "1001", "1002")
    vendor = shop_owner.vendor_a
    parts = {item.order_number: item.name for item in allocations_of(vendor)}
    vendor.call(AcceptAllocationRequest(name=parts["1002"]))

    for number in ("1001", "1002"):
        shop_owner.merchant.call(CancelOrderRequest(name=order_of(shop_owner, number).name))

    states = {item.order_number: item.state for item in allocations_of(vendor)}
    assert states == {
        "1001": ALLOCATION_STATE_CANCELLED,
        "1002": ALLOCATION_STATE_CANCELLATION_REQUESTED,
    }
    assert order_of(shop_owner, "1001").shipping_status == SHIPPING_STATUS_UNSPECIFIED
    assert order_of(shop_owner, "1002").lines[0].over_allocated
    vendor.call(AnswerCancellationRequest(name=parts["1002"], agreed=True))
    assert order_of(shop_owner, "1002").shipping_status == SHIPPING_STATUS_UNSPECIFIED


@pytest.mark.parametrize("agreed", [True, False])
def test_cancellation_in_the_store_reaches_the_vendor_who_answers(stack: Stack, *, agreed: bool):
    fill(stack)
    store = connect(stack, stack.merchant)
    stack.work()
    lamp = next(item.name for item in products_of(stack.merchant) if item.title == "Lamp")
    host(stack.merchant, stack.vendor_a, lamp)
    stack.work()
    vendor = stack.vendor_a
    [part] = [item for item in allocations_of(vendor) if item.order_number == "1002"]
    vendor.call(AcceptAllocationRequest(name=part.name))

    stack.shop.change_order(1002, status="cancelled")
    sync(stack, stack.merchant, store.name)
    [asked] = [item for item in allocations_of(vendor) if item.name == part.name]
    vendor.call(AnswerCancellationRequest(name=part.name, agreed=agreed))
    sync(stack, stack.merchant, store.name)

    [answered] = [item for item in allocations_of(vendor) if item.name == part.name]
    assert asked.state == ALLOCATION_STATE_CANCELLATION_REQUESTED
    assert [line.cancellation_quantity for line in asked.lines] == [1]
    assert asked.HasField("cancellation_deadline_time")
    expected = ALLOCATION_STATE_CANCELLED if agreed else ALLOCATION_STATE_ACCEPTED
    assert answered.state == expected
    kinds = [event.kind for event in order_of(stack, "1002").history]
    assert {"line.changed", "allocation.units_asked_back"} <= set(kinds)


def test_unanswered_cancellation_counts_as_refused_after_its_deadline(shop_owner: Stack):
    place(shop_owner, "1002")
    vendor = shop_owner.vendor_a
    [part] = allocations_of(vendor)
    vendor.call(AcceptAllocationRequest(name=part.name))
    order = order_of(shop_owner, "1002")
    shop_owner.merchant.call(CancelOrderRequest(name=order.name))

    let_time_pass(shop_owner, 49 * 3600, JobKind.EXPIRE_CANCELLATIONS)

    [kept] = allocations_of(vendor)
    assert (kept.state, kept.note) == (ALLOCATION_STATE_ACCEPTED, "not answered in time")
    packed = vendor.call(CreatePackageRequest(parent=part.name, tracking_number="SMOOTH-9"))
    assert packed.allocation.lines[0].packed_quantity == 1
