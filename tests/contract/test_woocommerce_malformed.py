"""Orders that a store sends wrongly: each is told in plain words, and the rest goes on."""

import copy
import json

import pytest

from oms.domain.money import Money
from oms.domain.snapshots import MalformedOrder, OrderSnapshot
from oms.gateways.stores.woocommerce_orders import parse_order
from tests.services.replay import Recording, ReplayServer, recording
from tests.services.woocommerce_store import open_store

GOOD = recording("order-partially-refunded").body
REFUND = recording("refunds-of-order").body[0]
ABSENT = object()
NOWHERE = {"address_1": "", "address_2": "", "country": ""}
ORDERS = "/wp-json/wc/v3/orders"
COUNTS = {"X-WP-Total": "2", "X-WP-TotalPages": "1"}


def changed(document, changes):
    """A copy with other values at these paths, such as `line_items.0.id`."""
    result = copy.deepcopy(document)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = result
        for parent in parents:
            place = place[int(parent) if isinstance(place, list) else parent]
        last = int(last) if isinstance(place, list) else last
        if value is ABSENT:
            del place[last]
        else:
            place[last] = value
    return result


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": ABSENT}, "id is missing"),
        ({"id": "310"}, "id is not an id but '310'"),
        ({"id": 0}, "id is not an id but 0"),
        ({"id": -5}, "id is not an id but -5"),
        ({"id": True}, "id is not an id but True"),
        ({"id": 2**70}, "id is not an id but"),
        ({"currency": "XXQ"}, "currency is 'XXQ', which is no known currency"),
        ({"currency": None}, "currency is '', which is no known currency"),
        ({"total": "a lot"}, "total is no amount of money: 'a lot'"),
        ({"total": None}, "total is no amount of money: ''"),
        ({"total": "NaN"}, "total is no amount of money: 'NaN'"),
        ({"total": "1e400"}, "total is no amount of money: '1e400'"),
        ({"total": "-5.00"}, "total is negative: '-5.00'"),
        ({"total": ["5"]}, "total is not a text but ['5']"),
        ({"date_created_gmt": "yesterday"}, "date_created_gmt is no date: 'yesterday'"),
        ({"date_modified_gmt": "-0001-11-30T00:00:00"}, "date_modified_gmt is no date"),
        ({"date_paid_gmt": "0001-01-01T00:00:00"}, "date_paid_gmt is out of bounds"),
        (
            {"date_created_gmt": None, "date_modified_gmt": None},
            "date_created_gmt and date_modified_gmt are missing",
        ),
        (
            {f"{kind}.{key}": "" for kind in ("shipping", "billing") for key in NOWHERE},
            "shipping and billing name neither a street nor a country",
        ),
        (
            {"shipping": None, "billing": []},
            "shipping and billing name neither a street nor a country",
        ),
        ({"shipping": "Berlin"}, "shipping is not an object but 'Berlin'"),
        ({"shipping.country": "Germany"}, "shipping.country is no two-letter code: 'GERMANY'"),
        ({"shipping.first_name": "x" * 501}, "shipping.first_name has 501 characters, 500 are"),
        ({"billing.email": "x" * 321}, "email has 321 characters, 320 are allowed"),
        ({"customer_note": "x" * 10_001}, "customer_note has 10001 characters"),
        ({"shipping.city": "Ber\0lin"}, "shipping.city holds a NUL character"),
        ({"customer_note": "\ud83d"}, "customer_note holds half a character"),
        ({"line_items": {}}, "line_items is not a list but {}"),
        ({"line_items": "none"}, "line_items is not a list but 'none'"),
        ({"line_items": [{}] * 1001}, "line_items has 1001 items, 1000 are allowed"),
        ({"line_items.1": "none"}, "line 2 is not an object"),
        ({"line_items.1.id": ABSENT}, "line 2: id is missing"),
        ({"line_items.1.id": 608}, "line 2: id 608 appears twice"),
        ({"line_items.0.quantity": ABSENT}, "line 1: quantity is not a whole number but None"),
        ({"line_items.0.quantity": -1}, "line 1: quantity is -1, 0 to 1000000 is allowed"),
        ({"line_items.0.quantity": 0.5}, "line 1: quantity is not a whole number but 0.5"),
        ({"line_items.0.quantity": "2"}, "line 1: quantity is not a whole number but '2'"),
        ({"line_items.0.quantity": 1_000_001}, "line 1: quantity is 1000001"),
        ({"line_items.0.price": "cheap"}, "line 1: price is no amount of money: 'cheap'"),
        ({"line_items.0.product_id": "x"}, "line 1: product_id is not an id but 'x'"),
        ({"line_items.0.product_id": []}, "line 1: product_id is not an id but []"),
        ({"line_items.0.name": "x" * 501}, "line 1: name has 501 characters, 500 are allowed"),
        ({"line_items.0.sku": "a\0b"}, "line 1: sku holds a NUL character"),
    ],
)
def test_wrong_field_is_named(changes, problem):
    result = parse_order(changed(GOOD, changes))

    assert isinstance(result, MalformedOrder)
    assert result.problem.startswith(problem)
    assert result.external_id == ("" if "id" in changes else "310")
    assert json.loads(result.raw)["order_key"] == GOOD["order_key"]


@pytest.mark.parametrize("document", [None, 5, "order", [], [GOOD]])
def test_order_that_is_no_object_is_told(document):
    result = parse_order(document)

    assert isinstance(result, MalformedOrder)
    assert result.external_id == ""
    assert result.problem.startswith("the order is not an object but")
    assert json.loads(result.raw) == document


@pytest.mark.parametrize(
    "changes",
    [
        {"line_items.0.quantity": -10},
        {"line_items.0.quantity": 0},
        {"line_items.0.meta_data": []},
        {"line_items.0.meta_data": [{"key": "_refunded_item_id", "value": "999"}]},
        {"line_items": []},
    ],
)
def test_odd_refund_removes_no_more_than_there_is(changes):
    order = parse_order(GOOD, [changed(REFUND, changes)])

    assert isinstance(order, OrderSnapshot)
    is_too_many = changes == {"line_items.0.quantity": -10}
    assert [line.removed_quantity for line in order.lines] == [2 if is_too_many else 0, 0]


def test_refunds_of_one_line_add_up():
    order = parse_order(changed(GOOD, {"line_items.0.quantity": 5}), [REFUND, REFUND])

    assert isinstance(order, OrderSnapshot)
    assert [line.removed_quantity for line in order.lines] == [2, 0]


@pytest.mark.parametrize(
    ("refund", "problem"),
    [
        ("none", "a refund is not an object"),
        ({"line_items": 5}, "line_items is not a list but 5"),
        ({"line_items": [5]}, "a refund's line is not an object"),
        ({"line_items": [{"quantity": "one"}]}, "quantity is not a whole number but 'one'"),
    ],
)
def test_unreadable_refund_makes_the_order_malformed(refund, problem):
    result = parse_order(GOOD, [refund])

    assert isinstance(result, MalformedOrder)
    assert result.problem == problem


@pytest.mark.parametrize(
    ("status", "paid_date", "expected"),
    [
        ("processing", None, (True, False, False)),
        ("completed", None, (True, False, True)),
        ("refunded", None, (True, True, False)),
        ("cancelled", None, (False, True, False)),
        ("cancelled", "2026-11-23T05:42:00", (True, True, False)),
        ("trash", "2026-11-23T05:42:00", (True, True, False)),
        ("on-hold", "2026-11-23T05:42:00", (False, False, False)),
        ("pending", "2026-11-23T05:42:00", (False, False, False)),
        ("failed", None, (False, False, False)),
        ("checkout-draft", None, (False, False, False)),
        ("auto-draft", None, (False, False, False)),
        ("awaiting-pickup", None, (False, False, False)),
        ("awaiting-pickup", "2026-11-23T05:42:00", (True, False, False)),
    ],
)
def test_status_and_paid_date_are_read_together(status, paid_date, expected):
    order = parse_order(changed(GOOD, {"status": status, "date_paid_gmt": paid_date}))

    assert isinstance(order, OrderSnapshot)
    assert (order.is_paid, order.is_cancelled, order.is_fulfilled) == expected
    assert order.store_status == status


@pytest.mark.parametrize("status", ["checkout-draft", "pending", "cancelled", "completed"])
def test_order_that_does_not_go_out_needs_no_address(status):
    order = parse_order(changed(GOOD, {"status": status, "shipping": {}, "billing": {}}))

    assert isinstance(order, OrderSnapshot)
    assert order.address.country_code == ""


def test_country_alone_does_not_make_a_shipping_address():
    order = parse_order(changed(GOOD, {"shipping": {"country": "US"}}))

    assert isinstance(order, OrderSnapshot)
    assert (order.address.line1, order.address.country_code) == ("Av. Paulista, 1000", "BR")


def test_site_s_own_dates_are_never_read():
    document = changed(GOOD, {"date_created": "2000-01-01T00:00:00", "date_modified": "never"})

    first, second = parse_order(document), parse_order(GOOD)
    assert isinstance(first, OrderSnapshot)
    assert isinstance(second, OrderSnapshot)
    assert (first.placed_at, first.updated_at) == (second.placed_at, second.updated_at)


def test_price_that_is_left_out_follows_from_the_total():
    order = parse_order(changed(GOOD, {"line_items.0.price": ABSENT, "currency": "USD"}))

    assert isinstance(order, OrderSnapshot)
    assert order.lines[0].price == Money("USD", 6_516)


def test_whole_numbers_with_a_fraction_of_zero_are_taken():
    order = parse_order(changed(GOOD, {"line_items.0.quantity": 2.0}))

    assert isinstance(order, OrderSnapshot)
    assert order.lines[0].quantity == 2


def test_bad_order_does_not_stop_its_page():
    documents = [changed(GOOD, {"id": 5, "currency": "?", "refunds": []}), 7]
    documents.append(changed(GOOD, {"refunds": []}))
    with ReplayServer() as server:
        server.on(Recording(ORDERS, 200, COUNTS, documents))
        page = open_store(server.url).read_orders(since=0, cursor="")

    assert [order.external_id for order in page.orders] == ["310"]
    assert [bad.external_id for bad in page.malformed] == ["5", ""]


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (404, {"message": "Invalid ID."}, "(404: Invalid ID.)"),
        (500, {"message": "Fatal"}, "the store failed (500: Fatal)"),
        (200, {"not": "a list"}, "it sent no list of refunds"),
    ],
)
def test_order_whose_refunds_fail_is_set_apart(status, body, problem):
    other = changed(GOOD, {"id": 311, "refunds": []})
    with ReplayServer() as server:
        server.on(Recording(ORDERS, 200, COUNTS, [GOOD, other]))
        server.on(Recording(f"{ORDERS}/310/refunds", status, {}, body))
        page = open_store(server.url).read_orders(since=0, cursor="")

    assert [order.external_id for order in page.orders] == ["311"]
    assert page.malformed[0].problem.startswith("its refunds cannot be read: ")
    assert problem in page.malformed[0].problem
