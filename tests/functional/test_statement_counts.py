"""How many statements a call costs, whatever the size of the data and of the page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.protobuf.message import Message

from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from fbali.v1.allocation_pb2 import ALLOCATION_STATE_SUBMITTED
from fbali.v1.fulfillment_service_pb2 import (
    CreatePackageRequest,
    GetAllocationRequest,
    ListAllocationsRequest,
)
from fbali.v1.hosting_service_pb2 import ListStoresRequest
from fbali.v1.order_service_pb2 import CountOrdersRequest, GetOrderRequest, ListOrdersRequest
from tests.functional import goods
from tests.functional.estate import allocations_of, connect, host, orders_of, products_of, sync
from tests.services.stack import Caller, Stack

LIST_ORDERS_MAX = 4  # Who calls, the orders, their lines, their allocations.
LIST_ALLOCATIONS_MAX = 7
GET_ORDER_MAX = 15
GET_ALLOCATION_MAX = 9
COUNT_ORDERS_MAX = 3


@contextmanager
def counted(stack: Stack) -> Iterator[list[str]]:
    """Collect the statements of calls; what follows the log now and then asks for the time."""
    statements: list[str] = []

    def note(statement: str) -> None:
        if threading.current_thread().name.startswith("call"):
            statements.append(statement)

    stack.db.on_statement = note
    try:
        yield statements
    finally:
        stack.db.on_statement = None


def cost_of(stack: Stack, caller: Caller, request: Message) -> int:
    with counted(stack) as statements:
        caller.call(request)
    return len(statements)


@pytest.fixture
def busy_stack(stack: Stack) -> Stack:
    """Three orders with vendor A; `add_orders` makes them many."""
    now = stack.clock.now_seconds()
    stack.shop.store.load(goods.products(now), [])
    store = connect(stack, stack.merchant)
    stack.work()
    products = {item.title: item.name for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Lamp"])
    host(stack.merchant, stack.vendor_b, products["Mat"])
    add_orders(stack, store.name, range(1001, 1004))
    return stack


def add_orders(stack: Stack, store: str, numbers: range) -> None:
    now = stack.clock.now_seconds()
    for number in numbers:
        units = {goods.LAMP: 1, goods.MAT_M: 2, goods.MAT_L: 1}
        stack.shop.add_order(goods.order(number, units, now=now, is_new=True))
    sync(stack, stack.merchant, store)


def pack_everything(stack: Stack) -> None:
    for part in allocations_of(stack.vendor_a, page_size=500, states=[ALLOCATION_STATE_SUBMITTED]):
        stack.vendor_a.call(
            CreatePackageRequest(parent=part.name, tracking_number=f"SMOOTH-{part.order_number}")
        )


def requests_of(stack: Stack) -> dict[str, tuple[Caller, Message, int]]:
    merchant, vendor = stack.merchant, stack.vendor_a
    order: Any = orders_of(merchant)[0]
    part: Any = allocations_of(vendor)[0]
    return {
        "ListOrders 1": (
            merchant,
            ListOrdersRequest(parent=merchant.name, page_size=1),
            LIST_ORDERS_MAX,
        ),
        "ListOrders 50": (merchant, ListOrdersRequest(parent=merchant.name), LIST_ORDERS_MAX),
        "ListOrders 500": (
            merchant,
            ListOrdersRequest(parent=merchant.name, page_size=500, vendor=vendor.name),
            LIST_ORDERS_MAX,
        ),
        "CountOrders": (merchant, CountOrdersRequest(parent=merchant.name), COUNT_ORDERS_MAX),
        "GetOrder": (merchant, GetOrderRequest(name=order.name), GET_ORDER_MAX),
        "ListAllocations": (
            vendor,
            ListAllocationsRequest(parent=vendor.name),
            LIST_ALLOCATIONS_MAX,
        ),
        "GetAllocation": (vendor, GetAllocationRequest(name=part.name), GET_ALLOCATION_MAX),
    }


def test_reading_costs_the_same_few_statements_with_little_and_with_much(busy_stack: Stack):
    pack_everything(busy_stack)
    little = {
        name: cost_of(busy_stack, caller, request)
        for name, (caller, request, _) in requests_of(busy_stack).items()
    }
    [store] = busy_stack.merchant.call(ListStoresRequest(parent="merchants/-")).stores
    add_orders(busy_stack, store.name, range(1004, 1104))
    pack_everything(busy_stack)

    much = {
        name: cost_of(busy_stack, caller, request)
        for name, (caller, request, _) in requests_of(busy_stack).items()
    }

    bounds = {name: bound for name, (_, _, bound) in requests_of(busy_stack).items()}
    assert much == little
    assert {name: cost for name, cost in much.items() if cost > bounds[name]} == {}
    assert len(orders_of(busy_stack.merchant, page_size=500)) == 103


def test_knowing_who_calls_costs_one_statement(stack: Stack):
    with counted(stack) as statements:
        stack.merchant.call(GetServerInfoRequest())

    assert [sql for sql in statements if "FROM token" in sql] == statements[:1]
    # What the caller is called, whether the schema moved on, and which processes live.
    assert len(statements) <= 4


def test_refused_token_costs_one_statement(stack: Stack):
    with counted(stack) as statements:
        code = stack.caller(None, secret="garbage").code(GetServerInfoRequest())

    assert (code, len(statements)) == ("UNAUTHENTICATED", 1)


def test_missing_token_costs_none(stack: Stack):
    with counted(stack) as statements:
        code = stack.caller(None).code(GetServerInfoRequest())

    assert (code, statements) == ("UNAUTHENTICATED", [])
