"""Products that a store sends wrongly, and products of many variations."""

import copy

import pytest

from oms.domain.errors import GatewayError
from oms.domain.money import Money
from oms.domain.snapshots import ProductPage, VariantSnapshot
from oms.gateways.stores.fields import UnreadableFieldError
from oms.gateways.stores.woocommerce_products import parse_product
from tests.services.replay import Recording, ReplayServer, recording
from tests.services.woocommerce_store import open_store

SIMPLE, VARIABLE, *_ = recording("products").body
VARIATION = recording("product-variations").body[0]
PRODUCTS = "/wp-json/wc/v3/products"
VARIATIONS = f"{PRODUCTS}/{VARIABLE['id']}/variations"
REPORT = "/wp-json/wc/v3/system_status"
COUNTS = {"X-WP-Total": "2", "X-WP-TotalPages": "1"}


def read(server: ReplayServer, documents: list[object]) -> ProductPage:
    server.on(Recording(PRODUCTS, 200, COUNTS, documents))
    return open_store(server.url).read_products(since=0, cursor="")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": None}, "id is missing"),
        ({"name": "x" * 501}, "name has 501 characters"),
        ({"price": "cheap"}, "price is no amount of money: 'cheap'"),
        ({"price": "-1"}, "price is negative: '-1'"),
        ({"date_modified_gmt": "soon"}, "date_modified_gmt is no date: 'soon'"),
        (
            {"date_modified_gmt": None, "date_created_gmt": None},
            "date_modified_gmt and date_created_gmt are missing",
        ),
    ],
)
def test_wrong_field_of_a_product_is_named(changes, problem):
    with pytest.raises(UnreadableFieldError) as caught:
        parse_product(SIMPLE | changes, [], "USD")

    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("variation", "problem"),
    [
        (5, "a variation is not an object"),
        (VARIATION | {"id": "x"}, "variation 'x': id is not an id but 'x'"),
        (VARIATION | {"sku": "a\0b"}, "variation 127: sku holds a NUL character"),
    ],
)
def test_wrong_variation_is_named(variation, problem):
    with pytest.raises(UnreadableFieldError) as caught:
        parse_product(VARIABLE, [variation], "USD")

    assert str(caught.value) == problem


def test_bad_product_does_not_stop_its_page():
    with ReplayServer() as server:
        page = read(server, [SIMPLE | {"id": 5, "name": []}, 7, SIMPLE])

    assert [product.external_id for product in page.products] == ["10"]
    assert page.problems == (
        "product 5: name is not a text but []",
        "product without an id: it is not an object",
    )


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (404, {"message": "Invalid ID."}, "(404: Invalid ID.)"),
        (500, {"message": "Fatal"}, "the store failed (500: Fatal)"),
        (200, {"not": "a list"}, "it sent no list of variations"),
    ],
)
def test_product_whose_variations_fail_is_set_apart(status, body, problem):
    with ReplayServer() as server:
        server.on(Recording(VARIATIONS, status, {}, body))
        page = read(server, [VARIABLE, SIMPLE])

    assert [product.external_id for product in page.products] == ["10"]
    assert page.problems[0].startswith("product 11: its variations cannot be read: ")
    assert problem in page.problems[0]


def test_store_that_refuses_the_key_stops_the_page():
    with ReplayServer() as server:
        server.on(Recording(VARIATIONS, 401, {}, {"message": "No."}))
        with pytest.raises(GatewayError) as caught:
            read(server, [VARIABLE, SIMPLE])

    assert caught.value.word == "GATEWAY_CREDENTIALS_REFUSED"


def test_variations_are_read_page_by_page():
    documents = [VARIATION | {"id": number} for number in range(1, 231)]
    with ReplayServer() as server:
        for page in (1, 2, 3):
            part = documents[page * 100 - 100 : page * 100]
            server.on(Recording(VARIATIONS, 200, {}, part), {"page": str(page)})
        found = read(server, [VARIABLE])

    assert [int(variant.external_id) for variant in found.products[0].variants] == [*range(1, 231)]


def test_product_of_endless_variations_is_set_apart():
    with ReplayServer() as server:
        server.on(Recording(VARIATIONS, 200, {}, [VARIATION] * 100))
        page = read(server, [VARIABLE, SIMPLE])

    assert page.problems == ("product 11: it has more than 999 variations",)
    assert len(page.products) == 1


def test_price_needs_the_store_s_currency():
    assert parse_product(SIMPLE, [], "").variants[0].price is None
    assert parse_product(SIMPLE | {"price": ""}, [], "USD").variants[0].price is None
    assert parse_product(SIMPLE, [], "JPY").variants[0].price == Money("JPY", 21)


def test_variation_of_an_old_version_is_named_by_its_options():
    old = copy.deepcopy(VARIATION)
    del old["name"]
    old["virtual"] = True

    variant = parse_product(VARIABLE, [old], "USD").variants[0]

    assert variant == VariantSnapshot(
        "127", "L/XL, Blau", "SKU-0038-L-B", Money("USD", 1_852), needs_shipping=False
    )


def test_variable_product_without_variations_is_its_own_variant():
    product = parse_product(VARIABLE | {"variations": []}, [], "USD")

    assert [variant.external_id for variant in product.variants] == [""]


@pytest.mark.parametrize(
    "report",
    [
        [],
        {"environment": 5},
        {"environment": {"version": ["11"]}},
        {"settings": {"currency": "XXQ"}},
    ],
)
def test_odd_status_report_leaves_products_without_prices(report):
    with ReplayServer() as server:
        server.on(Recording(REPORT, 200, {}, report))
        page = read(server, [SIMPLE])

    assert page.products[0].variants[0].price is None


def test_silent_status_report_is_no_missing_currency():
    with ReplayServer() as server:
        server.on(Recording(REPORT, 429, {"Retry-After": "9"}, {}))
        with pytest.raises(GatewayError) as caught:
            read(server, [SIMPLE])

    assert (caught.value.word, caught.value.retry_after_seconds) == ("GATEWAY_THROTTLED", 9)
