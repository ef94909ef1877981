"""One order that cannot be taken is listed with what is wrong, and the others proceed."""

from collections.abc import Callable
from typing import Any

import pytest

from app.demo.shop_documents import order_document
from app.demo.shop_reply import Reply
from fbali.v1.order_service_pb2 import CountOrdersRequest, ListQuarantinedOrdersRequest
from tests.functional import goods
from tests.functional.estate import connect, fill, orders_of, sync
from tests.services.stack import Stack

Document = dict[str, Any]


def without_id(document: Document) -> None:
    del document["id"]


def negative_quantity(document: Document) -> None:
    document["line_items"][0]["quantity"] = -2


def unknown_currency(document: Document) -> None:
    document["currency"] = "XQZ"


def deleted_product(document: Document) -> None:
    document["line_items"][0]["product_id"] = 0


def no_address(document: Document) -> None:
    document["shipping"] = document["billing"] = {}


def endless_name(document: Document) -> None:
    document["shipping"]["first_name"] = "x" * 1_000_000


def nul_in_city(document: Document) -> None:
    document["shipping"]["city"] = "Ber\0lin"


FAULTS: list[tuple[Callable[[Document], None], str]] = [
    (without_id, "id is missing"),
    (negative_quantity, "quantity is -2"),
    (unknown_currency, "currency"),
    (deleted_product, "deleted"),
    (no_address, "neither a street nor a country"),
    (endless_name, "characters"),
    (nul_in_city, "shipping.city holds a NUL character"),
]
each_fault = pytest.mark.parametrize(("spoil", "words"), FAULTS)


def spoil_order(stack: Stack, number: int, spoil: Callable[[Document], None]) -> None:
    """Let the shop send one of its orders spoiled, wherever it appears."""

    def hook(path: str, query: Any) -> Reply | None:
        if not path.endswith("/orders"):
            return None
        answers = stack.shop._server.answers
        reply = answers.answer(path, query, stack.shop.url)
        order = stack.shop.store.order(number)
        assert order is not None
        good = order_document(order, f"{stack.shop.url}/wp-json/wc/v3")
        found = [dict(item) for item in reply.document]
        for position, item in enumerate(found):
            if item.get("id") == number and "line_items" in item:
                found[position] = good
                spoil(good)
        return Reply(reply.status, found, reply.headers)

    stack.options.hook = hook


def quarantined(stack: Stack) -> Any:
    request = ListQuarantinedOrdersRequest(parent=stack.merchant.name)
    return stack.merchant.call(request).quarantined_orders


@each_fault
def test_malformed_order_is_listed_and_the_rest_proceeds(
    stack: Stack, spoil: Callable[[Document], None], words: str
):
    fill(stack)
    spoil_order(stack, 1002, spoil)

    store = connect(stack, stack.merchant)
    stack.work()

    [bad] = quarantined(stack)
    assert words in bad.problem
    assert len(bad.problem) < 1_000
    assert bad.external_id == ("" if spoil is without_id else "1002")
    assert bad.store == store.name
    assert {order.number for order in orders_of(stack.merchant)} == {"1001", "1003", "1004"}
    counts = stack.merchant.call(CountOrdersRequest(parent=stack.merchant.name))
    assert (counts.counts[0].order_count, counts.quarantined_count) == (3, 1)


@each_fault
def test_order_that_was_mended_is_taken_and_leaves_the_list(
    stack: Stack, spoil: Callable[[Document], None], words: str
):
    fill(stack)
    spoil_order(stack, 1002, spoil)
    store = connect(stack, stack.merchant)
    stack.work()
    stack.options.hook = lambda _path, _query: None
    stack.shop.change_order(1002)

    run = sync(stack, stack.merchant, store.name)

    assert (run.created_count, run.quarantined_count) == (1, 0)
    assert {order.number for order in orders_of(stack.merchant)} == {"1001", "1002", "1003", "1004"}
    if spoil is not without_id:
        assert list(quarantined(stack)) == []


def test_order_that_stays_malformed_is_listed_once(stack: Stack):
    fill(stack)
    spoil_order(stack, 1002, negative_quantity)
    store = connect(stack, stack.merchant)
    stack.work()
    stack.shop.change_order(1002)

    run = sync(stack, stack.merchant, store.name)

    assert (run.created_count, run.changed_count, run.quarantined_count) == (0, 0, 1)
    [bad] = quarantined(stack)
    assert bad.update_time.ToMilliseconds() > bad.create_time.ToMilliseconds()


def test_known_order_that_becomes_malformed_stays_as_it_was(stack: Stack):
    fill(stack)
    store = connect(stack, stack.merchant)
    stack.work()
    before = orders_of(stack.merchant)
    spoil_order(stack, 1002, unknown_currency)
    stack.shop.change_order(1002, note="changed")

    run = sync(stack, stack.merchant, store.name)

    assert run.quarantined_count == 1
    assert orders_of(stack.merchant) == before
    assert [bad.external_id for bad in quarantined(stack)] == ["1002"]


def test_unpaid_order_with_a_deleted_product_is_no_problem(stack: Stack):
    fill(stack)
    now = stack.clock.now_seconds()
    stack.shop.add_order(goods.order(1005, {goods.LAMP: 1}, now=now, status="pending"))
    spoil_order(stack, 1005, deleted_product)

    connect(stack, stack.merchant)
    stack.work()

    assert list(quarantined(stack)) == []
    assert len(orders_of(stack.merchant)) == 4
