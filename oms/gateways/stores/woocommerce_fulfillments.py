"""WooCommerce's own order fulfilments (wc/v3, recordings fulfillment-create-*, fulfillments-two).

The store takes a fulfilment of more units than were ordered (fulfillment-create-over-quantity), so
what fits is checked here. Meta data of any key is kept as it is sent: ours names the parcel.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from oms.domain.errors import GatewayError
from oms.domain.write_backs import ParcelWord
from oms.gateways.http import JsonClient
from oms.gateways.stores.fields import (
    Document,
    UnreadableFieldError,
    read_id,
    read_list,
    read_text,
    read_whole_number,
)
from oms.gateways.stores.woocommerce_platform import API
from oms.gateways.stores.woocommerce_told import (
    NUMBER_CHARACTERS_MAX,
    PROVIDER,
    document_of,
    documents_of,
    is_same_number,
    read_key,
    tracking_url,
)

MARKER_KEY: Final = "_fbali_package"
META_MAX: Final = 10_000
ITEMS_MAX: Final = 1_000
_WHAT: Final = "its fulfilments"


class Fulfillments:
    """The fulfilments of one store."""

    def __init__(self, client: JsonClient) -> None:
        """Read and write through `client`."""
        self._client = client

    def find(self, word: ParcelWord) -> str | None:
        """Look for a fulfilment with our mark, or one made by hand with the same number."""
        for document in self._present(word):
            marker = _meta_text(document, MARKER_KEY)
            number = _meta_text(document, "_tracking_number")
            is_by_hand = not marker and is_same_number(number, word.tracking_number)
            if marker == word.marker or is_by_hand:
                return read_key(document, "id")
        return None

    def tell(self, word: ParcelWord, ordered: Mapping[str, int]) -> str:
        """Create a fulfilment and let the store mail the customer; refuse what does not fit."""
        _require_room(word, ordered, self._present(word))
        answer = self._client.send_once("POST", _path(word), _document(word))
        return read_key(document_of(answer, "its new fulfilment"), "id")

    def _present(self, word: ParcelWord) -> list[Document]:
        documents = documents_of(self._client.get(_path(word)), _WHAT)
        return [document for document in documents if not document.get("date_deleted")]


def _path(word: ParcelWord) -> str:
    return f"{API}/orders/{word.order_external_id}/fulfillments"


def _require_room(
    word: ParcelWord, ordered: Mapping[str, int], present: Sequence[Document]
) -> None:
    """Refuse units beyond the line's quantity less what other fulfilments have."""
    taken: dict[str, int] = {}
    for line_id, quantity in (unit for document in present for unit in _units(document)):
        taken[line_id] = taken.get(line_id, 0) + quantity
    for line_id, quantity in word.units:
        has, bought = taken.get(line_id, 0), ordered.get(line_id, 0)
        if quantity > bought - has:
            message = (
                f"{quantity} units of line {line_id} do not fit into the store's order: {bought}"
                f" were ordered and {has} are in fulfilments that are there; correct those, then"
                " retry"
            )
            raise GatewayError(message, reason="GATEWAY_REQUEST_REFUSED")


def _units(document: Document) -> Iterator[tuple[str, int]]:
    value = _meta(document, "_items")
    for item in value if isinstance(value, list) else ():
        if not isinstance(item, dict):
            raise UnreadableFieldError("an item of a fulfilment is not an object")
        yield read_id(item, "item_id"), read_whole_number(item, "qty")


def _meta(document: Document, key: str) -> object:
    for meta in read_list(document, "meta_data", items_max=META_MAX):
        if isinstance(meta, dict) and meta.get("key") == key:
            return meta.get("value")
    return None


def _meta_text(document: Document, key: str) -> str:
    value = {key: _meta(document, key)}
    return read_text(value, key, characters_max=NUMBER_CHARACTERS_MAX)


def _document(word: ParcelWord) -> Document:
    meta: Mapping[str, object] = {
        "_items": [{"item_id": int(line_id), "qty": count} for line_id, count in word.units],
        "_tracking_number": word.tracking_number,
        "_shipping_provider": PROVIDER,  # Its name since 10.7, before that the next.
        "_shipment_provider": PROVIDER,
        "_tracking_url": tracking_url(word.tracking_number),
        MARKER_KEY: word.marker,
    }
    return {
        "entity_type": "WC_Order",
        "entity_id": word.order_external_id,
        "status": "fulfilled",
        "is_fulfilled": True,
        "notify_customer": True,
        "meta_data": [{"id": 0, "key": key, "value": value} for key, value in meta.items()],
    }
