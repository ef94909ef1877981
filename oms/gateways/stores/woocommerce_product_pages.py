"""Reading WooCommerce products page by page, with the variations of each."""

from dataclasses import replace
from typing import Final

from oms.domain.errors import GatewayError
from oms.domain.snapshots import ProductPage, ProductSnapshot
from oms.gateways.http import JsonClient, Query
from oms.gateways.http_words import malformed
from oms.gateways.stores.fields import UnreadableFieldError, read_id
from oms.gateways.stores.woocommerce_cursor import Cursor
from oms.gateways.stores.woocommerce_platform import API, read_platform
from oms.gateways.stores.woocommerce_products import has_variations, parse_product
from oms.gateways.stores.woocommerce_window import Listing, WindowReader
from oms.usecases.ports import Clock

PAGE_ROWS: Final = 25  # Each product may take requests of its own, so a call stays short.
VARIATIONS_PAGE_ROWS: Final = 100  # The most that the API allows.
VARIATION_PAGES_MAX: Final = 10  # A thousand variations; WooCommerce's own editor ends before.

PRODUCTS: Final = Listing(f"{API}/products", statuses=("any",), page_sizes=(PAGE_ROWS, 5, 1))
# Failures that may concern one product alone; all others concern the store and stop the page.
_OF_ONE_PRODUCT: Final = frozenset(
    {
        "GATEWAY_NOT_FOUND",
        "GATEWAY_REQUEST_REFUSED",
        "GATEWAY_ANSWER_MALFORMED",
        "GATEWAY_SERVER_ERROR",
    }
)


class ProductPages:
    """The products of one store."""

    def __init__(self, client: JsonClient, clock: Clock) -> None:
        """Read through `client`; `clock` stands in where the store does not tell the time."""
        self._client = client
        self._window = WindowReader(client, clock, PRODUCTS)

    def read(self, since: int, cursor: str) -> ProductPage:
        """Read a page; see StoreGateway.read_products."""
        if cursor:
            place = Cursor.from_text(cursor)
            currency, rows = place.currency, self._window.resume(place)
        else:
            currency, rows = read_platform(self._client).currency, self._window.open(since)
        products, problems = [], [rows.unreadable] if rows.unreadable else []
        for document in rows.documents:
            result = self._product(document, currency)
            if isinstance(result, ProductSnapshot):
                products.append(result)
            else:
                problems.append(result)
        place = replace(rows.cursor, currency=currency)
        next_cursor = "" if self._window.is_finished(place) else place.to_text()
        return ProductPage(tuple(products), tuple(problems), next_cursor, place.before)

    def _product(self, document: object, currency: str) -> ProductSnapshot | str:
        """Read one product, or say what is wrong with it."""
        try:
            variations = self._variations(document) if has_variations(document) else []
            return parse_product(document, variations, currency)
        except UnreadableFieldError as error:
            return f"product {_shown_id(document)}: {error}"
        except GatewayError as error:
            if error.word not in _OF_ONE_PRODUCT:
                raise
            found = f"its variations cannot be read: {error.message}"
            return f"product {_shown_id(document)}: {found}"

    def _variations(self, document: object) -> list[object]:
        """Read all variations; changes meanwhile are found by the next window."""
        product_id = read_id(document, "id") if isinstance(document, dict) else ""
        path = f"{PRODUCTS.path}/{product_id}/variations"
        variations: list[object] = []
        for page in range(1, VARIATION_PAGES_MAX + 1):
            query: Query = {
                "per_page": VARIATIONS_PAGE_ROWS,
                "page": page,
                "orderby": "id",
                "order": "asc",
            }
            found = self._client.get(path, query).document
            if not isinstance(found, list):
                raise malformed(self._client.wording.subject, "it sent no list of variations")
            variations.extend(found)
            if len(found) < VARIATIONS_PAGE_ROWS:
                return variations
        raise UnreadableFieldError(f"it has more than {len(variations) - 1} variations")


def _shown_id(document: object) -> str:
    return str(document.get("id"))[:30] if isinstance(document, dict) else "without an id"
