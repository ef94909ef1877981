"""The pretend shop behaves as the recorded one, in everything that a connector depends on."""

import json
import time
from datetime import UTC, datetime

import pytest
import urllib3

from app.demo.shop import CONSUMER_KEY, CONSUMER_SECRET, PretendShop, ShopOptions
from app.demo.shop_catalog import Catalog
from app.demo.shop_records import Buyer
from oms.domain.snapshots import OrderSnapshot
from oms.gateways.stores.woocommerce_orders import parse_order
from oms.gateways.stores.woocommerce_products import parse_product
from tests.services.replay import recording
from tests.services.woocommerce_store import HandClock, open_store, settings

NOW = 1_795_000_000
KEY = urllib3.make_headers(basic_auth=f"{CONSUMER_KEY}:{CONSUMER_SECRET}")


@pytest.fixture(scope="module")
def shop():
    with PretendShop(ShopOptions(now_seconds=lambda: NOW)) as running:
        running.fill(orders=300)
        yield running


@pytest.fixture(scope="module")
def get(shop):
    with urllib3.PoolManager() as pool:

        def get(path, *, key=KEY, **query):
            url = f"{shop.url}/wp-json{path}"
            return pool.request("GET", url, fields=query, headers=key, retries=False)

        yield get


def written(seconds):
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_documents_have_the_recorded_shape(shop, get):
    order = get("/wc/v3/orders", orderby="id", order="asc").json()[0]
    product = next(item for item in get("/wc/v3/products").json() if item["variations"])
    variation = get(f"/wc/v3/products/{product['id']}/variations").json()[0]
    refunded = next(item for item in get("/wc/v3/orders", per_page=100).json() if item["refunds"])
    refund = get(f"/wc/v3/orders/{refunded['id']}/refunds").json()[0]

    assert set(order) == set(recording("order-multi-line").body)
    line = recording("order-multi-line").body["line_items"][0]
    assert set(order["line_items"][0]) == set(line)
    assert set(refund) == set(recording("refunds-of-order").body[0])
    assert set(product) <= set(recording("products").body[0])
    assert set(variation) <= set(recording("product-variations").body[0])
    assert set(order["billing"]) - set(order["shipping"]) == {"email"}


def test_everything_in_it_is_readable(shop, get):
    documents = [
        document
        for page in range(1, 5)
        for document in get("/wc/v3/orders", per_page=100, page=page).json()
    ]
    orders = [parse_order(document) for document in documents]
    products = get("/wc/v3/products", per_page=100).json()

    assert len(orders) + len(get("/wc/v3/orders", status="trash").json()) == 300
    assert all(isinstance(order, OrderSnapshot) for order in orders)
    assert {order.currency for order in orders if isinstance(order, OrderSnapshot)} == {
        "USD",
        "EUR",
        "JPY",
    }
    assert len({document["status"] for document in documents}) == 7
    assert all(parse_product(product, [], "USD").title for product in products)


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("/wc/v3/orders", {"per_page": "1000"}, "error-per-page-too-large"),
        ("/wc/v3/orders/99999999", {}, "error-unknown-order"),
        ("/wc/v3/orders", {"page": "99", "per_page": "100"}, "orders-page-past-the-end"),
    ],
)
def test_refusals_are_the_recorded_ones(get, path, query, name):
    answer, recorded = get(path, **query), recording(name)

    assert answer.status == recorded.status
    expected = recorded.body
    if isinstance(expected, dict):
        expected["data"].pop("details", None)
    assert answer.json() == expected
    for header in ("X-WP-Total", "X-WP-TotalPages"):
        assert answer.headers.get(header) == recorded.headers.get(header)


def test_wrong_key_is_refused_as_recorded(get):
    answer = get("/wc/v3/orders", key={})

    assert (answer.status, answer.json()) == (401, recording("error-bad-credentials").body)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/wc/v3/orders", {"per_page": "0"}, 400),
        ("/wc/v3/orders", {"page": "x"}, 400),
        ("/wc/v3/orders", {"orderby": "price"}, 400),
        ("/wc/v3/orders", {"order": "up"}, 400),
        ("/wc/v3/orders", {"modified_after": "yesterday"}, 400),
        ("/wc/v3/nothing", {}, 404),
        ("/wc/v3/orders/7/refunds", {}, 404),
        ("/wc/v3/products/7", {}, 404),
        ("/wc/v3/products/7/variations", {}, 404),
    ],
)
def test_wrong_request_is_refused(get, path, query, status):
    answer = get(path, **query)

    assert answer.status == status
    assert answer.json()["data"]["status"] == status


def test_window_is_exclusive_on_both_ends(shop, get):
    moments = sorted(order.modified_at for order in shop.store._orders.values())
    after, before = moments[10], moments[20]

    found = get(
        "/wc/v3/orders",
        status="any",
        orderby="modified",
        order="asc",
        per_page=100,
        dates_are_gmt="true",
        modified_after=written(after),
        modified_before=written(before),
    ).json()

    visible = [order for order in shop.store._orders.values() if order.status != "trash"]
    expected = [order.id for order in visible if after < order.modified_at < before]
    assert [order["id"] for order in found] == sorted(expected)


@pytest.mark.parametrize("orderby", ["id", "date", "modified"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_follow_each_other_without_gaps(get, orderby, order):
    ids: list[int] = []
    page = 1
    while True:
        answer = get("/wc/v3/orders", orderby=orderby, order=order, per_page=70, page=page)
        ids.extend(document["id"] for document in answer.json())
        assert ('rel="prev"' in answer.headers["Link"]) is (page > 1)
        if 'rel="next"' not in answer.headers["Link"]:
            break
        page += 1

    assert page == int(answer.headers["X-WP-TotalPages"])
    assert len(ids) == len(set(ids)) == int(answer.headers["X-WP-Total"])
    assert ids == sorted(ids, reverse=order == "desc")


def test_status_selects(get):
    for status in ("processing", "trash", "failed"):
        found = get("/wc/v3/orders", status=status, per_page=100).json()
        assert {order["status"] for order in found} == {status}


def test_same_seed_makes_the_same_shop():
    first, second = (Catalog(5, now=NOW) for _ in range(2))

    assert first.products == second.products
    assert list(first.orders(50)) == list(second.orders(50))
    assert list(Catalog(6, now=NOW).orders(50)) != list(Catalog(5, now=NOW).orders(50))


def test_answers_carry_the_shop_s_own_date(get):
    assert get("/").headers["Date"] == "Wed, 18 Nov 2026 11:06:40 GMT"
    assert "wc/v3" in get("/").json()["namespaces"]


def test_order_without_an_address_of_its_own_goes_to_the_buyer():
    clock = HandClock(NOW)
    with PretendShop(ShopOptions(now_seconds=clock.now_seconds)) as shop:
        order = Catalog(1, now=NOW).order(5, placed_at=NOW, status="processing")
        order.recipient = Buyer("", "", "", "", "", "", "")
        shop.add_order(order)
        clock.seconds += 2
        http = settings(clock)
        page = open_store(shop.url, http, **shop.credentials).read_orders(since=0, cursor="")

    assert page.orders[0].address.line1 == order.buyer.street


def test_hundred_thousand_orders_are_served_fast():
    with PretendShop(ShopOptions(now_seconds=lambda: NOW)) as shop:
        shop.fill(orders=100_000)
        http = settings(HandClock(NOW))
        store = open_store(shop.url, http, **shop.credentials)
        began = time.monotonic()
        page = store.read_orders(since=0, cursor="")
        page = store.read_orders(since=0, cursor=page.next_cursor)
        took = time.monotonic() - began

    assert page.orders_total > 97_000
    assert json.loads(page.next_cursor)["rows_left"] > 97_000
    assert took < 3


WRITES = [
    ("POST", "fulfillment-create-over-quantity", "fulfillments"),
    ("POST", "note-create", "notes"),
    ("PUT", "order-complete", ""),
    ("PUT", "error-bad-status", ""),
]


@pytest.mark.parametrize(("method", "name", "part"), WRITES)
def test_writes_are_answered_as_recorded(shop, method, name, part):
    order_id = next(iter(shop.store._orders))
    recorded = recording(name)
    url = f"{shop.url}/wp-json/wc/v3/orders/{order_id}/{part}".rstrip("/")

    answer = urllib3.request(method, url, json=recorded.sent, headers=KEY, retries=False)

    document, expected = answer.json(), recorded.body
    assert answer.status == recorded.status
    if part:
        assert set(document) == set(expected)
        assert document.get("note") == expected.get("note")
    for key in ("code", "message", "is_fulfilled", "status"):
        assert document.get(key) == expected.get(key)
    if part == "fulfillments":
        assert [(item["key"], item["value"]) for item in document["meta_data"]][:-1] == [
            (item["key"], item["value"]) for item in expected["meta_data"]
        ][:-1]


def test_key_that_may_only_read_is_refused_as_recorded():
    recorded = recording("error-read-only-key-write")
    with PretendShop(ShopOptions(key_may_write=False)) as shop:
        url = f"{shop.url}/wp-json/wc/v3/orders/1/notes"
        answer = urllib3.request("POST", url, json={"note": "x"}, headers=KEY, retries=False)

    assert (answer.status, answer.json()) == (recorded.status, recorded.body)
