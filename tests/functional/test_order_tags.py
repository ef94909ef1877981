"""Which orders a tag lists and counts, and what a sync or a hosting changes of them."""

from typing import Any

import pytest

from fbali.v1.fulfillment_service_pb2 import CreatePackageRequest, ReportPackageEventRequest
from fbali.v1.order_pb2 import PENDING_REASON_UNHOSTED, PENDING_REASON_UNSPECIFIED
from fbali.v1.order_service_pb2 import CountOrdersRequest, OrderTag
from fbali.v1.package_pb2 import (
    PACKAGE_STATE_DELIVERED,
    PACKAGE_STATE_EXCEPTION,
    PACKAGE_STATE_IN_TRANSIT,
)
from tests.functional import goods
from tests.functional.estate import (
    allocations_of,
    connect,
    host,
    orders_of,
    products_of,
    sync,
)
from tests.services.stack import Stack, dump

WANTED: dict[str, set[str]] = {
    "UNSPECIFIED": {"1001", "1002", "1003", "1004", "1005", "1007"},
    "PENDING": {"1001", "1004"},
    "PROCESSING": {"1002"},
    "IN_TRANSIT": {"1003"},
    "EXCEPTION": {"1004"},
    "DELIVERED": {"1005"},
    "NOT_ADMITTED": {"1006"},
    "ENDED": {"1007"},
}
NEWS = {
    "1003": PACKAGE_STATE_IN_TRANSIT,
    "1004": PACKAGE_STATE_EXCEPTION,
    "1005": PACKAGE_STATE_DELIVERED,
}
# What changes although no order does: when the store was read, and the work of reading it.
OF_THE_SYNC = ("job", "product", "request", "schedule", "store", "sync_run")


@pytest.fixture
def store(stack: Stack) -> str:
    """The store of a merchant who has an order for every tag."""
    now = stack.clock.now_seconds()
    units = {
        1001: {goods.MUG: 1},
        1002: {goods.LAMP: 1},
        1003: {goods.LAMP: 1},
        1004: {goods.LAMP: 1, goods.MUG: 1},
        1005: {goods.LAMP: 1},
        1007: {goods.MUG: 1},
    }
    orders = [goods.order(number, wanted, now=now) for number, wanted in units.items()]
    orders.append(goods.order(1006, {goods.LAMP: 1}, now=now, status="pending"))
    stack.shop.store.load(goods.products(now), orders)
    name = str(connect(stack, stack.merchant).name)
    stack.work()
    host(stack.merchant, stack.vendor_a, product_named(stack, "Lamp"))
    stack.work()
    for part in allocations_of(stack.vendor_a):
        if part.order_number in NEWS:
            ship(stack, part)
    stack.shop.change_order(1007, status="cancelled")
    sync(stack, stack.merchant, name)
    return name


def product_named(stack: Stack, title: str) -> str:
    [name] = [item.name for item in products_of(stack.merchant) if item.title == title]
    return str(name)


def ship(stack: Stack, part: Any) -> None:
    """Put everything into one parcel, and report where it is."""
    parcel = stack.vendor_a.call(
        CreatePackageRequest(parent=part.name, tracking_number=f"SMOOTH-{part.order_number}")
    ).package
    news = NEWS[part.order_number]
    stack.vendor_a.call(ReportPackageEventRequest(name=parcel.name, state=news))


def numbers_by_tag(stack: Stack, **fields: Any) -> dict[str, set[str]]:
    return {
        tag.removeprefix("ORDER_TAG_"): {
            order.number for order in orders_of(stack.merchant, tag=number, **fields)
        }
        for tag, number in OrderTag.items()
    }


def test_tag_lists_and_counts_the_same_orders(stack: Stack, store: str):
    counted = stack.merchant.call(CountOrdersRequest(parent="merchants/-", store=store))

    assert numbers_by_tag(stack, store=store) == WANTED
    assert {
        OrderTag.Name(count.tag).removeprefix("ORDER_TAG_"): count.order_count
        for count in counted.counts
    } == {tag: len(numbers) for tag, numbers in WANTED.items()}
    assert [count.tag for count in counted.counts] == OrderTag.values()
    assert counted.quarantined_count == 0


def test_vendor_filter_lists_orders_with_a_part_of_that_vendor(stack: Stack, store: str):
    with_a = {order.number for order in orders_of(stack.merchant, vendor=stack.vendor_a.name)}

    assert with_a == {"1002", "1003", "1004", "1005"}
    assert list(orders_of(stack.merchant, vendor=stack.vendor_b.name)) == []


def test_dates_list_orders_from_the_first_up_to_but_without_the_second(stack: Stack, store: str):
    placed = {order.number: order.place_time for order in orders_of(stack.merchant)}

    found = orders_of(
        stack.merchant, placed_after_time=placed["1002"], placed_before_time=placed["1004"]
    )

    assert [order.number for order in found] == ["1003", "1002"]


def test_second_sync_changes_nothing(stack: Stack, store: str):
    before = dump(stack.db, without=OF_THE_SYNC)

    run = sync(stack, stack.merchant, store)

    assert (run.created_count, run.changed_count, run.quarantined_count) == (0, 0, 0)
    assert dump(stack.db, without=OF_THE_SYNC) == before


def test_sync_from_the_very_beginning_changes_nothing(stack: Stack, store: str):
    with stack.db.transaction():
        stack.db.run("UPDATE store SET synced_until_at = NULL, products_synced_until_at = NULL")
    before = dump(stack.db, without=OF_THE_SYNC)

    run = sync(stack, stack.merchant, store)

    assert (run.product_count, run.order_count, run.unchanged_count) == (3, 7, 7)
    assert (run.created_count, run.changed_count, run.quarantined_count) == (0, 0, 0)
    assert dump(stack.db, without=OF_THE_SYNC) == before


def test_hosting_later_releases_the_lines_that_waited(stack: Stack, store: str):
    waiting = {
        order.number: [line.pending_reason for line in order.lines if line.open_quantity]
        for order in orders_of(stack.merchant, tag=OrderTag.Value("ORDER_TAG_PENDING"))
    }

    host(stack.merchant, stack.vendor_b, product_named(stack, "Mug"))
    stack.work()

    assert waiting == {"1001": [PENDING_REASON_UNHOSTED], "1004": [PENDING_REASON_UNHOSTED]}
    assert {part.order_number for part in allocations_of(stack.vendor_b)} == {"1001", "1004"}
    assert numbers_by_tag(stack)["PENDING"] == set()
    assert numbers_by_tag(stack)["PROCESSING"] == {"1001", "1002"}
    lines = [line for order in orders_of(stack.merchant) for line in order.lines]
    assert {line.pending_reason for line in lines} == {PENDING_REASON_UNSPECIFIED}
