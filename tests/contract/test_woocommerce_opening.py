"""Which addresses and keys a store may be opened with; nothing is sent by opening."""

import pytest

from oms.domain.errors import InvalidInput
from oms.gateways.http_address import parse_base_url, permits
from oms.gateways.stores.registry import StoreRegistry
from oms.gateways.stores.woocommerce import WooCommerceStore
from oms.usecases.ports import StoreAddress
from tests.services.faulty_http import FaultyServer, answer
from tests.services.woocommerce_store import KEY, open_store, settings

PUBLIC_ONLY = settings(allow_private_addresses=False)


def open_anywhere(url: str, http=PUBLIC_ONLY):
    return StoreRegistry(http).open(StoreAddress("woocommerce", url, KEY))


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/", "https://shop.example"),
        ("HTTPS://Shop.Example:443/shop//", "https://shop.example/shop"),
        ("https://shop.example:8443/en/shop", "https://shop.example:8443/en/shop"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://8.8.8.8", "https://8.8.8.8"),
        ("https://[2606:4700::1111]:8443", "https://[2606:4700::1111]:8443"),
    ],
)
def test_public_address_is_taken(url, normal):
    assert str(parse_base_url(url, allow_private=False)) == normal
    assert isinstance(open_anywhere(url), WooCommerceStore)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "write the whole address"),
        ("shop.example", "write the whole address"),
        ("ftp://shop.example", "write the whole address"),
        ("https://", "write the whole address"),
        ("https:///path", "write the whole address"),
        ("https://user:word@shop.example", "leave the user name and the password out"),
        ("https://@shop.example", "leave the user name and the password out"),
        ("https://shop.example/?consumer_key=x", "end the address before the first"),
        ("https://shop.example/#top", "end the address before the first"),
        ("https://shop.example?", "end the address before the first"),
        ("https://shop .example", "spaces, backslashes and control characters"),
        ("https://shop.example\\@evil.example", "spaces, backslashes and control characters"),
        ("https://shop.example\r\nHost: x", "spaces, backslashes and control characters"),
        ("https://shop.example:0", "the port must be a number"),
        ("https://shop.example:99999", "the port must be a number"),
        ("https://shop.example:word", "the port must be a number"),
        ("https://[::1", "it is not a web address"),
        ("https://-shop.example", "it names no host"),
        ("https://" + "a" * 64 + ".example", "it names no host"),
        ("https://shop.example/" + "a" * 2000, "at most 2000 characters"),
        ("http://shop.example", "use https://shop.example"),
        ("http://10.0.0.5", "use https://10.0.0.5"),
        ("http://localhost.shop.example", "use https://"),
        ("http://127.0.0.1:8080", "inside this server's own network"),
        ("https://localhost", "inside this server's own network"),
        ("https://127.0.0.1", "inside this server's own network"),
        ("https://[::1]", "inside this server's own network"),
        ("https://[::ffff:10.0.0.5]", "inside this server's own network"),
        ("https://192.168.1.1", "inside this server's own network"),
        ("https://169.254.169.254", "inside this server's own network"),
        ("https://100.64.0.1", "inside this server's own network"),
        ("https://0.0.0.0", "inside this server's own network"),
    ],
)
def test_other_address_is_refused_before_anything_is_sent(url, why):
    with pytest.raises(InvalidInput) as caught:
        open_anywhere(url)

    assert [violation.field for violation in caught.value.violations] == ["base_url"]
    assert why in caught.value.violations[0].description


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"])
def test_clear_text_is_for_loopback_alone_even_where_private_addresses_are_allowed(url):
    assert open_anywhere(url, settings())
    with pytest.raises(InvalidInput, match="use https://10"):
        open_anywhere("http://10.0.0.5", settings())


@pytest.mark.parametrize(
    ("address", "scheme", "allow_private", "is_permitted"),
    [
        ("8.8.8.8", "https", False, True),
        ("8.8.8.8", "http", True, False),
        ("10.0.0.5", "https", False, False),
        ("10.0.0.5", "https", True, True),
        ("10.0.0.5", "http", True, False),
        ("127.0.0.1", "http", True, True),
        ("127.0.0.1", "http", False, False),
        ("::ffff:127.0.0.1", "https", False, False),
        ("fe80::1%lo", "https", False, False),
    ],
)
def test_machine_behind_a_name_is_judged_when_it_is_called(
    address, scheme, allow_private, is_permitted
):
    assert permits(address, scheme=scheme, allow_private=allow_private) is is_permitted


@pytest.mark.parametrize("value", ["", " ", "ck:1", "ck 1", "ck\n1", "clé", "x" * 201])
@pytest.mark.parametrize("name", ["consumer_key", "consumer_secret"])
def test_key_that_cannot_be_one_is_refused(name, value):
    with pytest.raises(InvalidInput) as caught:
        open_store("https://shop.example", **KEY | {name: value})

    assert [violation.field for violation in caught.value.violations] == [name]


def test_missing_key_is_refused():
    with pytest.raises(InvalidInput, match=r"consumer_secret"):
        open_store("https://shop.example", consumer_key="ck_1")


def test_unknown_platform_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"choose one of: .*woocommerce"):
        StoreRegistry(settings()).open(StoreAddress("magento", "https://shop.example", {}))


def test_prefix_of_the_address_is_kept():
    with FaultyServer(answer(200, "[]", {"X-WP-TotalPages": "0"})) as server:
        open_store(f"{server.url}/en/shop/").read_orders(since=0, cursor="")

    assert server.targets[0].startswith("/en/shop/wp-json/wc/v3/orders?")


def test_key_is_sent_in_the_header_alone():
    with FaultyServer(answer(200, "[]", {"X-WP-TotalPages": "0"})) as server:
        open_store(server.url, consumer_key=" ck_1\n", consumer_secret="cs_2").read_orders(
            since=0, cursor=""
        )

    assert server.request_headers[0]["authorization"] == "Basic Y2tfMTpjc18y"
    assert "ck_1" not in server.targets[0]
