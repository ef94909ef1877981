"""Lists in pages: complete, in order, and with tokens that fit nothing but their list."""

from typing import Any

import pytest

from fbali.errors import InvalidInput
from fbali.pages import each_item, items_field
from fbali.v1.admin_service_pb2 import ListJobsRequest
from fbali.v1.fulfillment_service_pb2 import CreatePackageRequest
from fbali.v1.order_service_pb2 import (
    ORDER_TAG_PENDING,
    ListOrdersRequest,
)
from fbali.v1.package_pb2 import PackageLine
from oms.domain.jobs import JobKind
from oms.domain.snapshots import MalformedOrder
from oms.storage import jobs, stores
from tests.functional import goods
from tests.functional.estate import connect, last_id, sync
from tests.functional.home import Home
from tests.functional.watchers import caught_up
from tests.services.stack import METHODS, Caller, Stack, dump

LISTS = sorted(
    name
    for name, (_, method) in METHODS.items()
    if "page_token" in method.input_type.fields_by_name
)
each_list = pytest.mark.parametrize("method", LISTS)


@pytest.fixture
def full_home(home: Home) -> Home:
    """A home in which every list has at least two items."""
    home.merchant.call(home.sample("ConnectStore"))
    home.merchant.call(home.sample("SyncOrders"))
    home.merchant.call(home.sample("CreateHosting"))
    home.merchant.call(home.sample("ImportOrders"))
    for _ in range(2):
        home.merchant.call(home.sample("SetExchangeRate"))
    number = f"SECOND-{home.vendor.id[-6:]}"
    home.vendor.call(
        CreatePackageRequest(
            parent=home.estate.submitted,
            tracking_number=number,
            lines=[PackageLine(line=home.estate.line, quantity=1)],
            handed_over=True,
        )
    )
    store = stores.get(home.stack.db, home.merchant.id, last_id(home.estate.store))
    with home.stack.db.transaction():
        for number in ("1", "2"):
            bad = MalformedOrder(number, "is bad", b"{}")
            stores.quarantine_order(home.stack.db, store, bad, home.stack.clock.now_ms())
    return home


def is_log(method: str) -> bool:
    """Tell a log of events, whose newest rows show a moment later, from a list."""
    return "resume_token" in METHODS[method][1].output_type.fields_by_name


def unfiltered(home: Home, method: str, **fields: Any) -> Any:
    request: Any = home.sample(method, **fields)
    for name in ("text", "store", "vendor", "product", "merchant", "orders", "allocations"):
        if name in request.DESCRIPTOR.fields_by_name:
            request.ClearField(name)
    return request


def pages_of(caller: Caller, request: Any) -> list[Any]:
    pages = [caller.call(request)]
    while pages[-1].next_page_token:
        request.page_token = pages[-1].next_page_token
        pages.append(caller.call(request))
    return pages


@each_list
def test_small_pages_hold_what_a_large_one_holds(full_home: Home, method: str):
    caller = full_home.caller_of(method)
    if is_log(method):
        caught_up(full_home.stack, caller)
    large = caller.call(unfiltered(full_home, method, page_size=500))
    field = items_field(large)
    items = list(getattr(large, field))

    pages = pages_of(caller, unfiltered(full_home, method, page_size=1))

    assert len(items) >= 2
    assert [len(getattr(page, field)) for page in pages] == [1] * len(items)
    assert [getattr(page, field)[0] for page in pages] == items


@each_list
def test_token_fits_its_own_list_alone(full_home: Home, method: str):
    caller = full_home.caller_of(method)
    token = caller.call(unfiltered(full_home, method, page_size=1)).next_page_token
    flipped = token[:-3] + ("A" if token[-3] != "A" else "B") + token[-2:]
    other = next(name for name in LISTS if name != method)
    others = full_home.caller_of(other).call(unfiltered(full_home, other, page_size=1))
    wrong = ["x", "!!!!", "é", token + "A" * 8, token[4:], flipped, others.next_page_token]
    refusal = "RESUME_TOKEN_INVALID" if is_log(method) else "PAGE_TOKEN_INVALID"
    before = dump(full_home.stack.db)

    for page_token in wrong:
        with pytest.raises(InvalidInput) as refused:
            caller.call(unfiltered(full_home, method, page_token=page_token))

        assert refused.value.reason == refusal
        assert [violation.field for violation in refused.value.violations] == ["page_token"]
    assert dump(full_home.stack.db) == before


def test_token_of_another_caller_or_other_filters_is_refused(full_home: Home):
    token = full_home.merchant.call(unfiltered(full_home, "ListOrders", page_size=1))
    fields = {"page_size": 1, "page_token": token.next_page_token}
    other = full_home.stack.merchant

    codes = [
        full_home.merchant.code(ListOrdersRequest(parent=full_home.merchant.name, **fields)),
        full_home.merchant.code(
            ListOrdersRequest(
                parent=full_home.merchant.name, page_size=3, page_token=token.next_page_token
            )
        ),
        full_home.merchant.code(
            ListOrdersRequest(parent=full_home.merchant.name, tag=ORDER_TAG_PENDING, **fields)
        ),
        other.code(ListOrdersRequest(parent=other.name, **fields)),
    ]

    assert codes == ["OK", "OK", "INVALID_ARGUMENT", "INVALID_ARGUMENT"]


def test_page_size_is_fifty_unless_said_and_at_most_five_hundred(stack: Stack):
    with stack.db.transaction():
        for _ in range(510):
            jobs.enqueue(stack.db, JobKind.PRUNE, stack.clock.now_ms())

    sizes = [
        len(stack.operator.call(ListJobsRequest(page_size=size)).jobs)
        for size in (0, 1, 500, 501, 2**31 - 1)
    ]

    assert sizes == [50, 1, 500, 500, 500]
    request = ListJobsRequest(kind="prune")
    assert len(list(each_item(stack.operator.client.admin.ListJobs, request))) == 510


def test_orders_are_paged_without_gap_or_double_while_orders_come_in(stack: Stack):
    now = stack.clock.now_seconds()
    first = [goods.order(number, {goods.LAMP: 1}, now=now) for number in range(2000, 2120)]
    stack.shop.store.load(goods.products(now), first)
    store = connect(stack, stack.merchant).name
    stack.work()
    seen: list[str] = []
    number = 3000
    request = ListOrdersRequest(parent=stack.merchant.name, page_size=7)

    for _ in range(30):
        page = stack.merchant.call(request)
        seen += [order.number for order in page.orders]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
        now = stack.clock.now_seconds()
        stack.shop.add_order(goods.order(number, {goods.LAMP: 1}, now=now, is_new=True))
        sync(stack, stack.merchant, store)
        number += 1

    assert [int(text) for text in seen] == sorted(range(2000, 2120), reverse=True)
    assert number > 3010
