"""Orders are found by their words, filtered and sorted, over the wire and on both databases."""

from dataclasses import replace
from typing import Any

import pytest

from fbali.errors import InvalidInput
from fbali.v1.fulfillment_service_pb2 import (
    CreatePackageRequest,
    GetAllocationRequest,
    ReportPackageEventRequest,
)
from fbali.v1.hold_pb2 import HOLD_REASON_FRAUD_RISK, HOLD_REASON_MARGIN
from fbali.v1.order_service_pb2 import (
    ORDER_PECULIARITY_HELD,
    ORDER_PECULIARITY_OVER_ALLOCATED,
    ORDER_PECULIARITY_TRACKING_STALLED,
    ORDER_PECULIARITY_UNHOSTED,
    ORDER_SORTING_OLDEST,
    ORDER_SORTING_TOTAL,
    ORDER_SORTING_UNSPECIFIED,
    ORDER_TAG_PENDING,
    GetOrderRequest,
    ListOrdersRequest,
)
from fbali.v1.package_pb2 import PACKAGE_STATE_IN_TRANSIT, STALL_PROBLEM_NO_FIRST_SCAN
from oms.domain.holds import Hold, HoldReason
from oms.storage import holds
from tests.functional import goods
from tests.functional.estate import allocations_of, connect, host, orders_of, products_of, sync
from tests.functional.test_statement_counts import LIST_ORDERS_MAX, cost_of
from tests.services.stack import Stack

DAY = 86_400
ZOE = replace(goods.BUYER, first_name="Zoë", last_name="Quinn-Straße", country_code="DE")


@pytest.fixture
def store(stack: Stack) -> str:
    """1001 lamp, 1002 lamp and mat, 1003 mug of Zoë; lamps are hosted, the others are not."""
    now = stack.clock.now_seconds()
    orders = [
        goods.order(1001, {goods.LAMP: 1}, now=now),
        goods.order(1002, {goods.LAMP: 2, goods.MAT_L: 1}, now=now),
        replace(goods.order(1003, {goods.MUG: 1}, now=now), buyer=ZOE),
    ]
    stack.shop.store.load(goods.products(now), orders)
    store = connect(stack, stack.merchant)
    stack.work()
    products = {item.title: item.name for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Lamp"])
    stack.work()
    return str(store.name)


def numbers(stack: Stack, **fields: Any) -> list[str]:
    return [order.number for order in orders_of(stack.merchant, **fields)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["1003", "1002", "1001"]),
        ("1002", ["1002"]),
        ("#1002", ["1002"]),
        ("100", ["1003", "1002", "1001"]),
        ("002", []),
        ("zoë", ["1003"]),
        ("ZOE", ["1003"]),
        ("quinn-s", ["1003"]),
        ("STRASSE", ["1003"]),
        ("ada", ["1002", "1001"]),
        ("mat-l", ["1002"]),
        ("blue", ["1002"]),
        ("Lamp Mat", ["1002"]),
        ("lamp zoe", []),
        ("nothing", []),
        ("%", []),
        ("_", []),
        ("a%a", []),
        ("lam_", ["1002", "1001"]),
        ("' OR 1=1 --", []),
        ('"; DROP TABLE orders', []),
        ("\U0010ffff", []),
        ("? %s $1 :x", []),
    ],
)
def test_search_finds_orders_by_the_beginnings_of_their_words(
    stack: Stack, store: str, search: str, found: list[str]
):
    assert numbers(stack, search=search) == found


def test_search_with_the_others_conditions_narrows_further(stack: Stack, store: str):
    assert numbers(stack, search="lamp", tag=ORDER_TAG_PENDING) == ["1002"]
    assert numbers(stack, search="lamp", region_code="DE") == []
    assert numbers(stack, search="mug", region_code="DE", store=store) == ["1003"]
    assert numbers(stack, search="lamp", vendor=stack.vendor_b.name) == []


def test_orders_of_others_are_not_found(stack: Stack, store: str):
    assert orders_of(stack.other_merchant, search="lamp") == []


def test_order_is_found_by_its_tracking_number_after_packing(stack: Stack, store: str):
    part = {item.order_number: item.name for item in allocations_of(stack.vendor_a)}["1001"]
    assert numbers(stack, search="smooth-77") == []

    stack.vendor_a.call(CreatePackageRequest(parent=part, tracking_number="SMOOTH-77 42"))

    assert numbers(stack, search="smooth-77") == ["1001"]
    assert numbers(stack, search="Smooth-7742") == ["1001"]


def test_order_is_found_by_its_new_words_after_a_change_in_the_store(stack: Stack, store: str):
    part = {item.order_number: item.name for item in allocations_of(stack.vendor_a)}["1001"]
    stack.vendor_a.call(CreatePackageRequest(parent=part, tracking_number="SMOOTH-1"))
    now = stack.clock.now_seconds()
    changed = goods.order(1001, {goods.LAMP: 1, goods.MUG: 1}, now=now)
    stack.shop.add_order(replace(changed, buyer=ZOE, modified_at=now))

    sync(stack, stack.merchant, store)

    assert numbers(stack, search="zoe") == ["1003", "1001"]
    assert numbers(stack, search="ada") == ["1002"]
    assert numbers(stack, search="zoe mug lamp smooth-1") == ["1001"]


def test_peculiar_orders_are_listed(stack: Stack, store: str):
    ids = {order.number: order.name.rpartition("/")[2] for order in orders_of(stack.merchant)}
    hold = Hold(HoldReason.FRAUD_RISK, "", "", None, stack.clock.now_ms())
    with stack.db.transaction():
        holds.put(stack.db, [ids["1002"]], hold)
        stack.db.run(
            "UPDATE order_line SET over_allocated = TRUE, open_units = 0, allocated = 9"
            " WHERE order_id = ?",
            ids["1001"],
        )

    assert numbers(stack, peculiarity=ORDER_PECULIARITY_HELD) == ["1002"]
    assert numbers(stack, hold_reason=HOLD_REASON_FRAUD_RISK) == ["1002"]
    assert numbers(stack, hold_reason=HOLD_REASON_MARGIN) == []
    assert numbers(stack, peculiarity=ORDER_PECULIARITY_UNHOSTED) == ["1003", "1002"]
    assert numbers(stack, peculiarity=ORDER_PECULIARITY_OVER_ALLOCATED) == ["1001"]
    assert numbers(stack, peculiarity=ORDER_PECULIARITY_UNHOSTED, search="lamp") == ["1002"]
    assert numbers(stack, peculiarity=ORDER_PECULIARITY_OVER_ALLOCATED, search="lamp") == ["1001"]


def test_stalled_parcel_is_noticed_when_its_time_has_come_and_forgotten_with_news(
    stack: Stack, store: str
):
    part = {item.order_number: item.name for item in allocations_of(stack.vendor_a)}["1001"]
    packed = stack.vendor_a.call(CreatePackageRequest(parent=part, tracking_number="SLOW-1"))
    stalled = {"peculiarity": ORDER_PECULIARITY_TRACKING_STALLED}
    stack.clock.advance(5 * DAY - 1)
    assert numbers(stack, **stalled) == []

    stack.clock.advance(1)

    assert numbers(stack, **stalled) == ["1001"]
    assert numbers(stack, search="lamp", **stalled) == ["1001"]
    assert numbers(stack, search="mug", **stalled) == []
    assert {o.number: o.tracking_stalled for o in orders_of(stack.merchant)} == {
        "1001": True,
        "1002": False,
        "1003": False,
    }
    [order] = orders_of(stack.merchant, **stalled)
    shown = stack.merchant.call(GetOrderRequest(name=order.name)).order
    assert shown.tracking_stalled
    [parcel] = shown.allocations[0].packages
    assert parcel.stall_problem == STALL_PROBLEM_NO_FIRST_SCAN
    seen = stack.vendor_a.call(GetAllocationRequest(name=part)).allocation.packages
    assert [item.stall_problem for item in seen] == [STALL_PROBLEM_NO_FIRST_SCAN]
    assert orders_of(stack.other_merchant, **stalled) == []

    stack.vendor_a.call(
        ReportPackageEventRequest(
            name=packed.package.name, state=PACKAGE_STATE_IN_TRANSIT, description="picked up"
        )
    )

    assert numbers(stack, **stalled) == []
    assert not stack.merchant.call(GetOrderRequest(name=order.name)).order.tracking_stalled
    stack.clock.advance(10 * DAY)
    assert numbers(stack, **stalled) == ["1001"]


@pytest.mark.parametrize("search", ["", "lamp", "1"])
@pytest.mark.parametrize(
    ("sorting", "key"),
    [
        (ORDER_SORTING_UNSPECIFIED, lambda order: (-order.place_time.seconds, order.name)),
        (ORDER_SORTING_OLDEST, lambda order: (order.place_time.seconds, order.name)),
        (ORDER_SORTING_TOTAL, lambda order: (-order.total.amount_minor, order.name)),
    ],
)
def test_every_sorting_is_paged_without_gap_or_double(
    stack: Stack, store: str, search: str, sorting: Any, key: Any
):
    now = stack.clock.now_seconds()
    for number in range(1100, 1112):  # Some of one instant, many of one total.
        order = goods.order(number, {goods.LAMP: 1 + number % 3}, now=now, is_new=True)
        stack.shop.add_order(replace(order, created_at=now - number % 5))
    sync(stack, stack.merchant, store)
    request = ListOrdersRequest(
        parent=stack.merchant.name, page_size=4, sorting=sorting, search=search
    )
    large = orders_of(stack.merchant, page_size=500, sorting=sorting, search=search)
    assert [key(order)[0] for order in large] == sorted(key(order)[0] for order in large)
    seen = []

    for _ in range(5):
        page = stack.merchant.call(request)
        seen += [order.name for order in page.orders]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break

    assert seen == [order.name for order in large]
    assert len(set(seen)) == (14 if search == "lamp" else 15)


def test_token_does_not_fit_another_sorting_or_search(stack: Stack, store: str):
    first = ListOrdersRequest(parent=stack.merchant.name, page_size=1, search="lamp")
    token = stack.merchant.call(first).next_page_token

    for fields in ({"sorting": ORDER_SORTING_TOTAL, "search": "lamp"}, {"search": "lam"}):
        with pytest.raises(InvalidInput):
            orders_of(stack.merchant, page_size=1, page_token=token, **fields)


def test_search_costs_no_more_statements(stack: Stack, store: str):
    request = ListOrdersRequest(
        parent=stack.merchant.name,
        search="lamp mat ada 100",
        region_code="US",
        sorting=ORDER_SORTING_TOTAL,
        peculiarity=ORDER_PECULIARITY_UNHOSTED,
    )

    assert len(stack.merchant.call(request).orders) == 1
    assert cost_of(stack, stack.merchant, request) <= LIST_ORDERS_MAX
