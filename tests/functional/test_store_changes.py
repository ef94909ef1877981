"""Stores that change their mind: what an order was, what the store did, what became of it.

`docs/edge_cases.md` says which test shows which edge case.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from fbali.v1.allocation_pb2 import AllocationState
from fbali.v1.fulfillment_service_pb2 import (
    AcceptAllocationRequest,
    AnswerCancellationRequest,
    CreatePackageRequest,
    VoidPackageRequest,
)
from fbali.v1.order_pb2 import ShippingStatus
from fbali.v1.order_service_pb2 import GetOrderRequest
from fbali.v1.package_pb2 import PackageLine
from tests.functional import goods
from tests.functional.ledgers import wrong_costs, wrong_ledgers
from tests.functional.order_world import World, new_world
from tests.services.stack import Stack

NUMBER = 1001
Change = Callable[[World], None]


@pytest.fixture
def world(shared_stack: Stack) -> Iterator[World]:
    """Lamps are hosted with vendor A, mats with vendor B; the mug is not hosted."""
    with new_world(shared_stack) as made:
        made.host("Lamp", made.vendors[0], 1)
        made.host("Mat", made.vendors[1], 1)
        yield made


# --- What vendors did before ------------------------------------------------------------------


def bring_to(world: World, progress: str) -> None:
    """Let a customer buy two lamps (or mugs, which wait), and vendor A come as far as that."""
    world.put_order({goods.MUG if progress == "waits" else goods.LAMP: 2}, "processing")
    world.sync()
    [vendor, _] = world.vendors
    if progress == "accepted":
        vendor.call(AcceptAllocationRequest(name=world.parts(vendor)[0].name))
    if progress in ("packed", "handed over"):
        request = CreatePackageRequest(
            parent=world.parts(vendor)[0].name,
            tracking_number=world.number(),
            handed_over=progress == "handed over",
        )
        vendor.call(request)
    world.stack.clock.advance(1)


# --- What the store does ----------------------------------------------------------------------


def becomes(status: str) -> Change:
    return lambda world: world.shop.change_order(NUMBER, status=status)


def refunds(units: int) -> Change:
    chosen = {NUMBER * 10: units} if units else {}
    return lambda world: world.shop.store.refund(NUMBER, amount="10.00", units=chosen)


def orders_in_all(quantity: int) -> Change:
    def change(world: World) -> None:
        [item] = world.order(0).items
        world.change_items(world.order(0), (replace(item, quantity=quantity),))

    return change


def swaps_for_mats(world: World) -> None:
    world.change_items(world.order(0), ())
    world.add_item(world.order(0), goods.MAT_M, 1)


# --- What is seen of it -----------------------------------------------------------------------


def shown(world: World) -> Any:
    [listed] = world.orders()
    return world.merchant.call(GetOrderRequest(name=listed.name)).order


def units(order: Any) -> dict[str, int]:
    """Return the counters of the first line that are not 0."""
    fields = ("removed", "elsewhere", "excluded", "allocated", "packed", "open")
    line = order.lines[0]
    counts = {name: getattr(line, f"{name}_quantity") for name in fields}
    return {name: count for name, count in counts.items() if count}


def states(world: World) -> list[str]:
    """Return the states of all parts, vendor A's first, and each vendor's newest first."""
    return [
        AllocationState.Name(part.state).removeprefix("ALLOCATION_STATE_")
        for vendor in world.vendors
        for part in world.parts(vendor)
    ]


def status(order: Any) -> str:
    return ShippingStatus.Name(order.shipping_status).removeprefix("SHIPPING_STATUS_")


WITHDRAWN = ["allocation.units_withdrawn", "allocation.cancelled"]
ASKED = ["allocation.cancellation_requested", "allocation.units_asked_back"]
# Before, the change, then counters, parts, status, and what history says besides that the order and
# its line changed.
CASES: dict[str, tuple[str, Change, dict[str, int], list[str], str, list[str]]] = {}
for name, gone in (("cancelled", "removed"), ("refunded", "removed"), ("trash", "removed")):
    CASES |= {
        f"{name} while it waits": (
            *("waits", becomes(name)),
            *({gone: 2}, [], "UNSPECIFIED", []),
        ),
        f"{name} before it is accepted": (
            *("submitted", becomes(name)),
            *({gone: 2}, ["CANCELLED"], "UNSPECIFIED", WITHDRAWN),
        ),
        f"{name} after it was accepted": (
            *("accepted", becomes(name)),
            *({gone: 2, "allocated": 2}, ["CANCELLATION_REQUESTED"], "PROCESSING", ASKED),
        ),
        f"{name} after it was packed": (
            *("packed", becomes(name)),
            *({"packed": 2}, ["CLOSED"], "PROCESSING", []),
        ),
    }
CASES |= {
    "fulfilled by hand while it waits": (
        *("waits", becomes("completed")),
        *({"elsewhere": 2}, [], "UNSPECIFIED", []),
    ),
    "fulfilled by hand before it is accepted": (
        *("submitted", becomes("completed")),
        *({"elsewhere": 2}, ["CANCELLED"], "UNSPECIFIED", WITHDRAWN),
    ),
    "fulfilled by hand after it was accepted": (
        *("accepted", becomes("completed")),
        *({"elsewhere": 2, "allocated": 2}, ["CANCELLATION_REQUESTED"], "PROCESSING", ASKED),
    ),
    "part refunded while it waits": (
        *("waits", refunds(1)),
        *({"removed": 1, "open": 1}, [], "PENDING", []),
    ),
    "part refunded before it is accepted": (
        *("submitted", refunds(1)),
        *({"removed": 1, "allocated": 1}, ["SUBMITTED"], "PROCESSING", WITHDRAWN[:1]),
    ),
    "part refunded after it was accepted": (
        *("accepted", refunds(1)),
        *({"removed": 1, "allocated": 2}, ["CANCELLATION_REQUESTED"], "PROCESSING", ASKED),
    ),
    "part refunded after it was handed over": (
        *("handed over", refunds(1)),
        *({"packed": 2}, ["CLOSED"], "IN_TRANSIT", []),
    ),
    "quantity raised before it is accepted": (
        *("submitted", orders_in_all(3)),
        *({"allocated": 3}, ["SUBMITTED", "SUBMITTED"], "PROCESSING", ["allocation.submitted"]),
    ),
    "quantity raised after all was packed": (
        *("packed", orders_in_all(3)),
        *({"allocated": 1, "packed": 2}, ["SUBMITTED", "CLOSED"], "PROCESSING"),
        ["allocation.submitted"],
    ),
    "quantity lowered before it is accepted": (
        *("submitted", orders_in_all(1)),
        *({"removed": 1, "allocated": 1}, ["SUBMITTED"], "PROCESSING", WITHDRAWN[:1]),
    ),
    "quantity lowered after it was accepted": (
        *("accepted", orders_in_all(1)),
        *({"removed": 1, "allocated": 2}, ["CANCELLATION_REQUESTED"], "PROCESSING", ASKED),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_order_follows_its_store(world: World, case: str):
    progress, change, expected, parts, expected_status, told = CASES[case]
    bring_to(world, progress)
    before = len(shown(world).history)

    change(world)
    world.sync()

    order = shown(world)
    assert units(order) == expected
    assert states(world) == parts
    assert status(order) == expected_status
    kinds = [event.kind for event in order.history[before:] if not is_told_back(event)]
    assert kinds == ["order.changed", "line.changed", *told]
    assert_sound(world)
    assert_second_sync_changes_nothing(world, order)


def is_told_back(event: Any) -> bool:
    """Tell whether it is about telling the store, which happens at its own time."""
    return str(event.kind).startswith("write_back.")


def assert_sound(world: World) -> None:
    assert wrong_ledgers(world.stack.db) == []
    assert wrong_costs(world.stack.db) == []


def assert_second_sync_changes_nothing(world: World, order: Any) -> None:
    world.sync()
    assert shown(world) == order


@pytest.mark.parametrize("progress", ["submitted", "accepted", "packed"])
def test_refund_of_money_alone_moves_no_units(world: World, progress: str):
    bring_to(world, progress)
    before = shown(world)

    refunds(0)(world)
    world.sync()

    after = shown(world)
    assert (after.lines, states(world)) == (before.lines, states(world))
    assert [event.kind for event in after.history[len(before.history) :]] == ["order.changed"]
    assert_sound(world)


@pytest.mark.parametrize("status_of_end", ["cancelled", "trash", "completed"])
@pytest.mark.parametrize("progress", ["waits", "submitted", "accepted", "packed"])
def test_order_that_the_store_takes_up_again_goes_on(
    world: World, progress: str, status_of_end: str
):
    bring_to(world, progress)
    before = shown(world)
    becomes(status_of_end)(world)
    world.sync()

    becomes("processing")(world)
    world.sync()

    after = shown(world)
    assert (units(after), status(after)) == (units(before), status(before))
    again = {
        "waits": [],
        "submitted": ["SUBMITTED", "CANCELLED"],
        "accepted": ["ACCEPTED"],
        "packed": ["CLOSED"],
    }
    assert states(world) == again[progress]
    assert_sound(world)


def test_units_that_were_withdrawn_may_go_to_the_same_vendor_again(world: World):
    bring_to(world, "submitted")
    orders_in_all(1)(world)
    world.sync()

    orders_in_all(3)(world)
    world.sync()

    assert units(shown(world)) == {"allocated": 3}
    assert states(world) == ["SUBMITTED", "SUBMITTED"]
    assert_sound(world)


def test_refund_of_packed_units_is_told_and_asked_for_once_the_parcel_is_void(world: World):
    bring_to(world, "packed")
    refunds(2)(world)
    world.sync()
    told = [event.details for event in shown(world).history if event.kind == "line.changed"]
    [part] = world.parts(world.vendors[0])

    world.vendors[0].call(VoidPackageRequest(name=part.packages[0].name))

    [asked] = world.parts(world.vendors[0])
    assert [details["already_packed"] for details in told] == ["2"]
    assert states(world) == ["CANCELLATION_REQUESTED"]
    assert [line.cancellation_quantity for line in asked.lines] == [2]
    assert_sound(world)


def test_vendor_who_packs_what_he_was_asked_for_is_asked_for_the_rest_alone(world: World):
    bring_to(world, "accepted")
    becomes("cancelled")(world)
    world.sync()
    vendor = world.vendors[0]
    [part] = world.parts(vendor)
    one = [PackageLine(line=part.lines[0].line, quantity=1)]

    request = CreatePackageRequest(parent=part.name, tracking_number=world.number(), lines=one)
    packed = vendor.call(request).allocation
    vendor.call(AnswerCancellationRequest(name=part.name, agreed=True))

    assert [line.cancellation_quantity for line in packed.lines] == [1]
    assert states(world) == ["CLOSED"]
    assert units(shown(world)) == {"removed": 1, "packed": 1}
    assert_sound(world)


def test_line_that_is_swapped_is_removed_and_the_new_one_goes_to_its_own_vendor(world: World):
    bring_to(world, "submitted")
    before = len(shown(world).history)

    swaps_for_mats(world)
    world.sync()

    order = shown(world)
    assert [line.title for line in order.lines if line.allocated_quantity] == ["Mat - M, Red"]
    assert states(world) == ["CANCELLED", "SUBMITTED"]
    kinds = [event.kind for event in order.history[before:]]
    assert kinds[:3] == ["order.changed", "line.removed", "line.added"]
    assert_sound(world)


def test_line_that_vanished_is_told_of_once(world: World):
    bring_to(world, "submitted")
    swaps_for_mats(world)
    world.sync()

    world.shop.change_order(NUMBER, note="ring twice")
    world.sync()

    kinds = [event.kind for event in shown(world).history]
    assert kinds.count("line.removed") == 1


@pytest.mark.parametrize(
    ("progress", "is_told"),
    [("submitted", False), ("accepted", True), ("packed", True), ("handed over", False)],
)
def test_address_change_reaches_who_has_not_sent_yet(world: World, progress: str, is_told: bool):  # noqa: FBT001
    bring_to(world, progress)
    [before] = world.parts(world.vendors[0])

    world.shop.change_order(NUMBER, buyer=replace(goods.BUYER, street="2 Mill Ln"))
    world.sync()

    [after] = world.parts(world.vendors[0])
    assert after.recipient.line1 == "2 Mill Ln"
    assert after.HasField("address_change_time") == is_told
    assert (after.etag == before.etag) == (progress == "handed over")
    assert "order.address_changed" in [event.kind for event in shown(world).history]
    assert_sound(world)


def test_part_is_not_accepted_by_the_etag_from_before_an_address_change(world: World):
    bring_to(world, "submitted")
    [read] = world.parts(world.vendors[0])
    world.shop.change_order(NUMBER, buyer=replace(goods.BUYER, street="2 Mill Ln"))
    world.sync()

    accept = AcceptAllocationRequest(name=read.name, etag=read.etag)

    assert world.vendors[0].code(accept) == "ABORTED"
    assert states(world) == ["SUBMITTED"]
