"""Telling a WooCommerce store of parcels, by whatever the store has for it.

The best is WooCommerce's own order fulfilments (10.1 and later, where they are switched on: their
routes exist then), next the Shipment Tracking plugin (its namespace is in the index), and else a
note to the customer. When carriers have the whole order it is set completed, in all three ways: the
plugin's tracking reaches the customer with the mail on that.
"""

from collections.abc import Mapping
from typing import Final

from oms.domain.errors import GatewayError
from oms.domain.write_backs import ParcelWord, WriteBackMethod
from oms.gateways.http import JsonClient
from oms.gateways.http_words import malformed
from oms.gateways.stores.fields import (
    Document,
    UnreadableFieldError,
    read_id,
    read_list,
    read_quantity,
    read_text,
)
from oms.gateways.stores.woocommerce_fulfillments import Fulfillments
from oms.gateways.stores.woocommerce_notes import Notes
from oms.gateways.stores.woocommerce_platform import API
from oms.gateways.stores.woocommerce_told import Told
from oms.gateways.stores.woocommerce_trackings import NAMESPACE, Trackings

NAMESPACES_MAX: Final = 10_000
LINES_MAX: Final = 1_000
STATUS_CHARACTERS_MAX: Final = 200
_SUBJECT: Final = "the store"
# An order that was called off is not completed, whatever travels; a completed one is already.
_NOT_TO_BE_COMPLETED: Final = frozenset({"completed", "cancelled", "refunded", "failed", "trash"})


class WriteBacks:
    """What one store is told."""

    def __init__(self, client: JsonClient) -> None:
        """Write through `client`; nothing is kept between calls."""
        self._client = client
        self._ways: Mapping[WriteBackMethod, Told] = {
            WriteBackMethod.CORE_FULFILLMENT: Fulfillments(client),
            WriteBackMethod.SHIPMENT_TRACKING: Trackings(client),
            WriteBackMethod.NOTE_AND_STATUS: Notes(client),
        }

    def choose(self, order_external_id: str) -> WriteBackMethod:
        """See StoreGateway.choose_write_back."""
        self._order(order_external_id)  # So that what is missing next is the way, not the order.
        try:
            self._client.get(f"{API}/orders/{order_external_id}/fulfillments")
        except GatewayError as error:
            if error.word != "GATEWAY_NOT_FOUND":
                raise
        else:
            return WriteBackMethod.CORE_FULFILLMENT
        if NAMESPACE in self._namespaces():
            return WriteBackMethod.SHIPMENT_TRACKING
        return WriteBackMethod.NOTE_AND_STATUS

    def find(self, word: ParcelWord, method: WriteBackMethod) -> str | None:
        """See StoreGateway.find_parcel."""
        try:
            return self._ways[method].find(word)
        except UnreadableFieldError as error:
            raise malformed(_SUBJECT, str(error)) from None

    def tell(self, word: ParcelWord, method: WriteBackMethod) -> str:
        """See StoreGateway.tell_parcel."""
        found = self.find(word, method)
        if found is not None:
            return found
        ordered = self._quantities(self._order(word.order_external_id))
        try:
            return self._ways[method].tell(word, ordered)
        except UnreadableFieldError as error:
            raise malformed(_SUBJECT, str(error)) from None

    def complete(self, order_external_id: str) -> None:
        """See StoreGateway.complete_order."""
        status = read_text(
            self._order(order_external_id), "status", characters_max=STATUS_CHARACTERS_MAX
        )
        if status not in _NOT_TO_BE_COMPLETED:
            path = f"{API}/orders/{order_external_id}"
            self._client.send_once("PUT", path, {"status": "completed"})

    def _order(self, external_id: str) -> Document:
        fields = {"_fields": "id,status,line_items"}
        document = self._client.get(f"{API}/orders/{external_id}", fields).document
        if not isinstance(document, dict):
            raise malformed(_SUBJECT, "its order is not an object")
        return document

    def _quantities(self, order: Document) -> Mapping[str, int]:
        """Read the units of each line by its id."""
        try:
            lines = read_list(order, "line_items", items_max=LINES_MAX)
            return {
                read_id(line, "id"): read_quantity(line, "quantity")
                for line in lines
                if isinstance(line, dict)
            }
        except UnreadableFieldError as error:
            raise malformed(_SUBJECT, f"in its order, {error}") from None

    def _namespaces(self) -> list[object]:
        index = self._client.get("/wp-json/", {"_fields": "namespaces"}).document
        try:
            document = index if isinstance(index, dict) else {}
            return read_list(document, "namespaces", items_max=NAMESPACES_MAX)
        except UnreadableFieldError as error:
            raise malformed(_SUBJECT, f"in its index, {error}") from None
