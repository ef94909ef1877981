"""A WooCommerce store, read over its REST API (wc/v3).

Facts are from recordings of WooCommerce 11.0.1 (tests/fixtures/woocommerce-11.0.1) and the API's
documentation (woocommerce.github.io/woocommerce-rest-api-docs). The key travels in the header of
HTTPS basic authentication, never in an address.
"""

import html
from base64 import b64encode
from typing import Final, Self

from oms.domain.errors import GatewayError, InvalidInput, Violation
from oms.domain.snapshots import OrderPage, ProductPage, StoreIdentity
from oms.domain.write_backs import ParcelWord, WriteBackMethod
from oms.gateways.http import HttpSettings, JsonClient
from oms.gateways.http_address import parse_base_url
from oms.gateways.http_words import Wording, malformed
from oms.gateways.stores.fields import UnreadableFieldError, read_list, read_text
from oms.gateways.stores.woocommerce_order_pages import OrderPages
from oms.gateways.stores.woocommerce_platform import API, read_platform
from oms.gateways.stores.woocommerce_product_pages import ProductPages
from oms.gateways.stores.woocommerce_write_back import WriteBacks
from oms.usecases.ports import StoreAddress

TITLE_CHARACTERS_MAX: Final = 500
NAMESPACES_MAX: Final = 10_000  # Plugins add a handful each.
CREDENTIAL_CHARACTERS_MAX: Final = 200  # WooCommerce's own have 43.

WORDING: Final = Wording(
    subject="the store",
    if_refused="the consumer key and secret, and that the key may read and write",
    if_missing="the address, that WooCommerce is active, and that its permalinks are not plain",
)

_CREDENTIALS: Final = ("consumer_key", "consumer_secret")


class WooCommerceStore:
    """A StoreGateway of one store; nothing is kept between calls but an open connection."""

    def __init__(self, client: JsonClient, settings: HttpSettings) -> None:
        """Read through `client`, whose headers hold the key."""
        self._client = client
        self._orders = OrderPages(client, settings.clock)
        self._products = ProductPages(client, settings.clock)
        self._write_backs = WriteBacks(client)

    @classmethod
    def open(cls, address: StoreAddress, settings: HttpSettings) -> Self:
        """Prepare to read; nothing is sent yet.

        Raises:
            InvalidInput: the address or the key cannot be right.
        """
        base = parse_base_url(address.base_url, allow_private=settings.allow_private_addresses)
        key, secret = _credentials(address)
        token = b64encode(f"{key}:{secret}".encode()).decode()
        client = JsonClient(
            base,
            settings,
            WORDING,
            headers={"Authorization": f"Basic {token}"},
            secrets=(token, key, secret),
        )
        return cls(client, settings)

    def identify(self) -> StoreIdentity:
        """Check that this is a WooCommerce store, and that the key may read its orders."""
        index = self._client.get("/wp-json/", {"_fields": "name,namespaces"}).document
        if not isinstance(index, dict):
            raise malformed(WORDING.subject, "its index is not an object")
        try:
            title = read_text(index, "name", characters_max=TITLE_CHARACTERS_MAX)
            has_api = "wc/v3" in read_list(index, "namespaces", items_max=NAMESPACES_MAX)
        except UnreadableFieldError as error:
            raise malformed(WORDING.subject, f"in its index, {error}") from None
        if not has_api:
            found = "the site answers, but without WooCommerce's API (wc/v3)"
            message = f"{found}: check {WORDING.if_missing}"
            raise GatewayError(message, reason="GATEWAY_NOT_FOUND")
        self._client.get(f"{API}/orders", {"per_page": 1, "_fields": "id"})
        platform = read_platform(self._client)
        return StoreIdentity(html.unescape(title), platform.version, platform.currency)

    def read_orders(self, *, since: int, cursor: str) -> OrderPage:
        """Read a page of the orders changed at or after `since` (UTC epoch seconds)."""
        return self._orders.read(since, cursor)

    def read_products(self, *, since: int, cursor: str) -> ProductPage:
        """Read a page of the products changed at or after `since`, with all their variants.

        A variant that is changed alone does not change its product's date in every version, so
        products are read from the beginning now and then.
        """
        return self._products.read(since, cursor)

    def choose_write_back(self, order_external_id: str) -> WriteBackMethod:
        """Find out the best way in which this store is told; see StoreGateway."""
        return self._write_backs.choose(order_external_id)

    def find_parcel(self, word: ParcelWord, method: WriteBackMethod) -> str | None:
        """Return the store's id of what it was told of a parcel, or None."""
        return self._write_backs.find(word, method)

    def tell_parcel(self, word: ParcelWord, method: WriteBackMethod) -> str:
        """Tell the store of a parcel unless it knows; see StoreGateway."""
        return self._write_backs.tell(word, method)

    def complete_order(self, order_external_id: str) -> None:
        """Set an order completed, unless it is already or was cancelled meanwhile."""
        self._write_backs.complete(order_external_id)


def _credentials(address: StoreAddress) -> tuple[str, str]:
    """Take key and secret, which must fit into a header; a colon would end the key."""
    given = {name: address.credentials.get(name, "").strip() for name in _CREDENTIALS}
    found = "copy it from WooCommerce > Settings > Advanced > REST API"
    wrong = [Violation(name, found) for name, text in given.items() if not _is_credential(text)]
    if wrong:
        raise InvalidInput(wrong)
    return given["consumer_key"], given["consumer_secret"]


def _is_credential(text: str) -> bool:
    is_plain = text.isascii() and text.isprintable() and " " not in text and ":" not in text
    return 0 < len(text) <= CREDENTIAL_CHARACTERS_MAX and is_plain
