"""What a real WooCommerce 11.0.1 answered, read exactly."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from oms.domain.errors import GatewayError
from oms.domain.money import Money, totals
from oms.domain.snapshots import (
    Address,
    LineSnapshot,
    OrderSnapshot,
    ProductSnapshot,
    StoreIdentity,
    VariantSnapshot,
)
from oms.gateways.stores.woocommerce_orders import parse_order
from oms.usecases.ports import StoreGateway
from tests.services.replay import Recording, ReplayServer, recording
from tests.services.woocommerce_store import open_store

ORDERS = "/wp-json/wc/v3/orders"
PRODUCTS = "/wp-json/wc/v3/products"
COUNTS = {"X-WP-Total": "1", "X-WP-TotalPages": "1"}
# Not recorded; the two fields that are read, as the API's documentation names them.
STATUS_REPORT = Recording(
    "/wp-json/wc/v3/system_status",
    200,
    {},
    {"environment": {"version": "11.0.1"}, "settings": {"currency": "EUR"}},
)


def one(name: str) -> OrderSnapshot:
    order = parse_order(recording(name).body)
    assert isinstance(order, OrderSnapshot)
    return order


def listed(name: str) -> list[OrderSnapshot]:
    orders = [parse_order(document) for document in recording(name).body]
    assert all(isinstance(order, OrderSnapshot) for order in orders)
    return [order for order in orders if isinstance(order, OrderSnapshot)]


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def read_all(store: StoreGateway) -> list[OrderSnapshot]:
    orders: list[OrderSnapshot] = []
    page = store.read_orders(since=0, cursor="")
    while True:
        assert page.malformed == ()
        orders.extend(page.orders)
        if not page.next_cursor:
            return orders
        page = store.read_orders(since=0, cursor=page.next_cursor)


@pytest.mark.parametrize(
    ("name", "lines", "units", "sums", "paid", "billed"),
    [
        (
            "orders-by-modified-page1",
            61,
            103,
            (Money("EUR", 79_280), Money("JPY", 1_206), Money("USD", 194_698)),
            21,
            {"138", "140", "143", "146", "156"},
        ),
        (
            "orders-by-modified-page2",
            67,
            120,
            (Money("EUR", 138_126), Money("JPY", 530), Money("USD", 285_768)),
            23,
            {"161", "180", "189", "192"},
        ),
        (
            "orders-processing",
            47,
            81,
            (Money("EUR", 86_348), Money("JPY", 371), Money("USD", 177_248)),
            20,
            {"138", "143", "146"},
        ),
    ],
)
def test_every_recorded_order_is_read(name, lines, units, sums, paid, billed):
    orders = listed(name)

    assert len(orders) == len(recording(name).body)
    assert sum(len(order.lines) for order in orders) == lines
    assert sum(line.quantity for order in orders for line in order.lines) == units
    assert totals(order.total for order in orders) == sums
    assert sum(order.is_paid for order in orders) == paid
    assert all(order.address.line1 and order.address.country_code for order in orders)
    documents = {order.external_id: json.loads(order.raw) for order in orders}
    assert {key for key, raw in documents.items() if not raw["shipping"]["address_1"]} == billed


@pytest.mark.parametrize("name", ["orders-by-modified-page1", "orders-by-modified-page2"])
def test_status_decides_what_an_order_is(name):
    found = Counter(
        (order.store_status, order.is_paid, order.is_cancelled, order.is_fulfilled)
        for order in listed(name)
    )

    assert set(found) == {
        ("processing", True, False, False),
        ("completed", True, False, True),
        ("cancelled", False, True, False),
        ("pending", False, False, False),
        ("on-hold", False, False, False),
        ("failed", False, False, False),
    }


def test_order_of_many_lines_is_read_exactly():
    order = one("order-multi-line")

    assert (
        order.raw
        == json.dumps(
            recording("order-multi-line").body, ensure_ascii=False, separators=(",", ":")
        ).encode()
    )
    assert (order.external_id, order.number, order.currency) == ("327", "327", "USD")
    assert order.total == Money("USD", 16_093)
    assert order.placed_at == order.updated_at == epoch("2026-11-23T05:42:01")
    assert (order.customer_name, order.customer_email) == ("Seán O'Brien", "buyer149@example.com")
    assert order.note == "Bitte klingeln 🔔"
    assert order.address == Address(
        name="Gift Empfänger",
        line1="99 Elsewhere Rd",
        line2="c/o Nachbar",
        city="Dublin",
        region="D",
        postal_code="D02 X285",
        country_code="IE",
        phone="+1 415 555 0149",
    )
    assert [(line.variant_id, line.quantity, line.price.amount_minor) for line in order.lines] == [
        ("", 1, 1_469),
        ("119", 1, 1_145),
        ("96", 3, 2_657),
        ("95", 2, 526),
        ("54", 2, 2_228),
    ]
    assert order.lines[2] == LineSnapshot(
        external_id="666",
        product_id="32",
        variant_id="96",
        title="防水手表 23 - L/XL, Red",
        sku="SKU-0023-L-R",
        quantity=3,
        price=Money("USD", 2_657),
    )


def test_completed_order_is_paid_and_fulfilled():
    order = one("order-complete")

    assert (order.is_paid, order.is_fulfilled, order.is_cancelled) == (True, True, False)
    assert order.updated_at == epoch("2026-11-23T06:05:26")


def test_deleted_product_leaves_its_line_without_a_product():
    order = next(o for o in listed("orders-by-modified-page2") if o.external_id == "161")

    assert [(line.product_id, line.sku) for line in order.lines] == [("19", "SKU-0010"), ("", "")]
    assert order.lines[1].title == "充電ケーブル 40"


def test_empty_shipping_address_falls_back_to_billing():
    order = next(o for o in listed("orders-by-modified-page1") if o.external_id == "138")

    assert order.address == Address(
        name="Seán O'Brien",
        company="ACME GmbH",
        line1="12 O'Connell St",
        line2="c/o Nachbar",
        city="Dublin",
        region="D",
        postal_code="D02 X285",
        country_code="IE",
        phone="+1 415 555 0105",
    )


def test_refunded_units_are_removed_from_their_line():
    listing = Recording(ORDERS, 200, COUNTS, [recording("order-partially-refunded").body])
    with ReplayServer() as server:
        server.on(Recording(ORDERS, 200, COUNTS, []), {"status": "trash"})
        server.on(listing)
        server.on(recording("refunds-of-order"))
        orders = read_all(open_store(server.url))

    assert [(line.quantity, line.removed_quantity) for line in orders[0].lines] == [(2, 1), (1, 0)]
    assert orders[0].total == Money("JPY", 213)
    assert orders[0].lines[1].title == "Cat's & Dog's Bed  21"


def test_recorded_pages_are_read_from_the_last_to_the_first():
    with ReplayServer() as server:
        server.on(Recording(ORDERS, 200, COUNTS, []), {"status": "trash"})
        server.on(recording("orders-by-modified-page1"), {"page": "1"})
        server.on(recording("orders-by-modified-page2"), {"page": "2"})
        server.on(recording("orders-page-past-the-end"))
        orders = read_all(open_store(server.url))

    queries = [request.query for request in server.requests]
    assert [query["page"] for query in queries] == ["1", "7", "6", "5", "4", "3", "2", "1", "1"]
    assert [order.external_id for order in orders][:2] == ["161", "163"]
    assert len({order.external_id for order in orders}) == 60


def test_window_is_asked_for_in_the_store_s_own_terms():
    with ReplayServer(date="Mon, 23 Nov 2026 06:00:00 GMT") as server:
        server.on(recording("orders-by-modified-page1"), {"page": "1"})
        server.on(recording("orders-page-past-the-end"))
        since = epoch("2026-11-23T05:00:00")
        page = open_store(server.url).read_orders(since=since, cursor="")

    first, second = (request.query for request in server.requests)
    assert first == {
        "status": "any",
        "orderby": "modified",
        "order": "asc",
        "dates_are_gmt": "true",
        "modified_after": "2026-11-23T04:59:59",
        "per_page": "100",
        "page": "1",
    }
    assert second == first | {"page": "7", "modified_before": "2026-11-23T05:59:59"}
    assert page.read_until == epoch("2026-11-23T05:59:59")
    assert page.orders_total == 200


def test_products_are_read_with_their_variations():
    first_page = recording("products")
    with ReplayServer() as server:
        server.on(Recording(PRODUCTS, 200, COUNTS, first_page.body))
        server.on(STATUS_REPORT)
        variations = recording("product-variations")
        for document in first_page.body:
            server.on(variations, path=f"{PRODUCTS}/{document['id']}/variations")
        page = open_store(server.url).read_products(since=0, cursor="")

    products = {product.external_id: product for product in page.products}
    assert (len(products), page.problems, page.next_cursor) == (20, (), "")
    assert products["10"] == ProductSnapshot(
        external_id="10",
        title="LED Lamp 1",
        sku="SKU-0001",
        variants=(VariantSnapshot("", "", "SKU-0001", Money("EUR", 2_124), needs_shipping=True),),
        updated_at=epoch("2026-11-23T05:42:00"),
    )
    assert products["18"].title == "Cat's & Dog's Bed  9"
    assert not products["19"].variants[0].needs_shipping
    assert products["11"].variants[0] == VariantSnapshot(
        "127", "L/XL, Blau", "SKU-0038-L-B", Money("EUR", 1_852), needs_shipping=True
    )
    assert [variant.external_id for variant in products["14"].variants] == [
        "127",
        "126",
        "125",
        "124",
        "123",
    ]


def test_store_says_who_it_is():
    with ReplayServer() as server:
        server.on(recording("index"))
        server.on(recording("orders-processing"))
        server.on(STATUS_REPORT)
        identity = open_store(server.url).identify()

    assert identity == StoreIdentity("Rig Store", "11.0.1", "EUR")
    assert "authorization" in server.requests[0].headers
    assert not any("consumer" in str(request.query) for request in server.requests)


def test_store_that_hides_its_status_is_still_connected():
    with ReplayServer() as server:
        server.on(recording("index"))
        server.on(recording("orders-processing"))
        identity = open_store(server.url).identify()

    assert identity == StoreIdentity("Rig Store", "", "")


def test_refused_key_is_found_when_the_store_is_connected():
    with ReplayServer() as server:
        server.on(recording("index"))
        server.on(recording("error-bad-credentials"))
        with pytest.raises(GatewayError) as caught:
            open_store(server.url).identify()

    assert caught.value.word == "GATEWAY_CREDENTIALS_REFUSED"


def test_site_without_woocommerce_is_told():
    index = recording("index")
    with ReplayServer() as server:
        server.on(Recording(index.path, 200, {}, index.body | {"namespaces": ["wp/v2"]}))
        with pytest.raises(GatewayError) as caught:
            open_store(server.url).identify()

    assert caught.value.word == "GATEWAY_NOT_FOUND"
    assert "without WooCommerce's API" in caught.value.message
