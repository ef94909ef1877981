"""What a vendor is told, down to the bytes: its own part, and nothing that it must not know."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.message import Message

from fbali.errors import Refused
from fbali.v1.fulfillment_service_pb2 import GetAllocationRequest
from fbali.v1.money_pb2 import Money
from fbali.v1.order_service_pb2 import GetOrderRequest
from tests.functional import goods
from tests.functional.estate import Estate, allocations_of, host, orders_of, products_of, sync
from tests.functional.sample_requests import FULFILLMENT, SAMPLES
from tests.services.stack import Stack

NOTE = "marker-customer-note"
# Sums of 4.20 and 2.50 a unit, what a sample call records, and what is taken back to nothing.
OWN_COSTS = {420, 250, 670, 333, 840, 500, 1340, 1260, 750, 2010, 2100, 1250, 3350, 0}
OWN_COSTS |= {3780, 2250, 6030}  # Of the nine lamps.


@pytest.fixture
def shared_order(stack: Stack, estate: Estate) -> Estate:
    """Vendor A has the estate; the mugs are B's, also those in an order with lamps of A."""
    [mug] = [item.name for item in products_of(stack.merchant) if item.title == "Mug"]
    host(stack.merchant, stack.vendor_b, mug)
    now = stack.clock.now_seconds()
    units = {goods.LAMP: 1, goods.MUG: 1}
    stack.shop.add_order(goods.order(1015, units, now=now, note=NOTE, is_new=True))
    sync(stack, stack.merchant, estate.store)
    return estate


def answers_to_vendor(stack: Stack, estate: Estate) -> Iterator[tuple[str, Message]]:
    """Call everything that a vendor may call."""
    for part in allocations_of(stack.vendor_a):
        yield "GetAllocation", stack.vendor_a.call(GetAllocationRequest(name=part.name))
    for method in (*FULFILLMENT, "GetServerInfo", "IssueToken", "ListTokens"):
        with suppress(Refused):  # What was done before may leave it no way.
            yield method, stack.vendor_a.call(SAMPLES[method](estate))


def encoded_amount(minor: int) -> bytes:
    return Money(amount_minor=minor).SerializeToString()


def test_markers_are_there_for_the_merchant(stack: Stack, shared_order: Estate):
    [order] = [order for order in orders_of(stack.merchant) if order.number == "1015"]

    raw = stack.merchant.call(GetOrderRequest(name=order.name)).SerializeToString()

    for marker in (goods.EMAIL.encode(), NOTE.encode(), b"Vendor B", stack.vendor_b.id.encode()):
        assert marker in raw
    assert encoded_amount(7123) in raw


def test_no_answer_to_a_vendor_holds_what_is_not_for_it(stack: Stack, shared_order: Estate):
    forbidden = {
        "e-mail": goods.EMAIL.encode(),
        "note": NOTE.encode(),
        "other vendor": b"Vendor B",
        "other vendor's id": stack.vendor_b.id.encode(),
        "mug": b"Mug",
        "other merchant": b"Merchant Two",
    }
    prices = {text: int(text.replace(".", "")) for text in goods.PRICES.values()}
    forbidden |= {text: encoded_amount(minor) for text, minor in prices.items()}

    told = [
        (method, name)
        for method, answer in answers_to_vendor(stack, shared_order)
        for name, marker in forbidden.items()
        if marker in answer.SerializeToString()
    ]

    assert told == []


def test_every_amount_that_a_vendor_is_told_is_a_cost_of_its_own(
    stack: Stack, shared_order: Estate
):
    amounts = {
        money.amount_minor
        for _, answer in answers_to_vendor(stack, shared_order)
        for money in money_in(answer)
    }

    assert {abs(amount) for amount in amounts} <= OWN_COSTS


def money_in(message: Any) -> Iterator[Money]:
    if isinstance(message, Money):
        yield message
        return
    for field, value in message.ListFields():
        for item in value if field.is_repeated else [value]:
            if isinstance(item, Message):
                yield from money_in(item)


def test_vendor_is_told_the_recipient_with_phone(stack: Stack, shared_order: Estate):
    part = stack.vendor_a.call(GetAllocationRequest(name=shared_order.submitted)).allocation

    assert (part.recipient.recipient_name, part.recipient.phone, part.recipient.line1) == (
        "Ada Sample",
        "+1 415 555 0100",
        "1 Market St",
    )


def test_history_and_jobs_hold_no_personal_data(stack: Stack, shared_order: Estate):
    with stack.db.session():
        rows = [
            *stack.db.all("SELECT kind, actor, subject, details FROM event"),
            *stack.db.all("SELECT args, cursor, last_error FROM job"),
        ]

    text = repr(rows)
    assert [part for part in (goods.EMAIL, "Ada", "Market St", "555 0100") if part in text] == []


def test_keys_of_a_store_are_shown_to_nobody(
    stack: Stack, shared_order: Estate, caplog: pytest.LogCaptureFixture
):
    answers = [
        caller.call(SAMPLES[method](shared_order))
        for caller, method in (
            (stack.merchant, "GetStore"),
            (stack.merchant, "ListStores"),
            (stack.merchant, "ConnectStore"),
            (stack.merchant, "UpdateStore"),
            (stack.operator, "ListJobs"),
        )
    ]

    assert "cs_demo" not in str(answers)
    assert "cs_demo" not in caplog.text
