"""The Shipment Tracking plugin of WooCommerce (woocommerce.com/document/shipment-tracking).

It keeps tracking numbers per order without lines; a number that is listed has been told. A carrier
that is not in the plugin's own list is a custom provider with a link.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from oms.domain.write_backs import ParcelWord
from oms.gateways.http import JsonClient
from oms.gateways.stores.fields import read_text
from oms.gateways.stores.woocommerce_told import (
    NUMBER_CHARACTERS_MAX,
    PROVIDER,
    document_of,
    documents_of,
    is_same_number,
    read_key,
    tracking_url,
)

NAMESPACE: Final = "wc-shipment-tracking/v3"


class Trackings:
    """The plugin's tracking numbers in one store."""

    def __init__(self, client: JsonClient) -> None:
        """Read and write through `client`."""
        self._client = client

    def find(self, word: ParcelWord) -> str | None:
        """Look for the tracking number."""
        for document in documents_of(self._client.get(_path(word)), "its shipment trackings"):
            number = read_text(document, "tracking_number", characters_max=NUMBER_CHARACTERS_MAX)
            if is_same_number(number, word.tracking_number):
                return read_key(document, "tracking_id")
        return None

    def tell(self, word: ParcelWord, ordered: Mapping[str, int]) -> str:  # noqa: ARG002 - no lines.
        """Add the tracking number."""
        shipped = datetime.fromtimestamp(word.shipped_at, tz=UTC)
        document = {
            "custom_tracking_provider": PROVIDER,
            "custom_tracking_link": tracking_url(word.tracking_number),
            "tracking_number": word.tracking_number,
            "date_shipped": shipped.strftime("%Y-%m-%d"),
        }
        answer = self._client.send_once("POST", _path(word), document)
        return read_key(document_of(answer, "its new shipment tracking"), "tracking_id")


def _path(word: ParcelWord) -> str:
    return f"/wp-json/{NAMESPACE}/orders/{word.order_external_id}/shipment-trackings"
