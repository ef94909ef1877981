"""Notes to the customer (wc/v3, recording note-create), which every store has.

The store mails such a note. It is found again by the words around the tracking number, after
WordPress has made HTML of it.
"""

import html
import re
from collections.abc import Mapping
from typing import Final

from oms.domain.write_backs import ParcelWord
from oms.gateways.http import JsonClient
from oms.gateways.stores.fields import read_text
from oms.gateways.stores.woocommerce_platform import API
from oms.gateways.stores.woocommerce_told import (
    document_of,
    documents_of,
    read_key,
    tracking_url,
)

NOTE_CHARACTERS_MAX: Final = 1_000_000
_MARKUP: Final = re.compile(r"<[^>]*>")


class Notes:
    """The notes on the orders of one store."""

    def __init__(self, client: JsonClient) -> None:
        """Read and write through `client`."""
        self._client = client

    def find(self, word: ParcelWord) -> str | None:
        """Look for a note with the words of ours."""
        ours = " ".join(_mark(word).split()).casefold()
        for document in documents_of(self._client.get(_path(word)), "its notes"):
            note = read_text(document, "note", characters_max=NOTE_CHARACTERS_MAX)
            if ours in _plain(note):
                return read_key(document, "id")
        return None

    def tell(self, word: ParcelWord, ordered: Mapping[str, int]) -> str:  # noqa: ARG002 - no lines.
        """Write the note."""
        url = tracking_url(word.tracking_number)
        mark = html.escape(_mark(word), quote=False)  # A note is HTML; a number is not.
        text = f"Your parcel is on its way. {mark} follow it at {url}"
        document = {"note": text, "customer_note": True}
        answer = self._client.send_once("POST", _path(word), document)
        return read_key(document_of(answer, "its new note"), "id")


def _mark(word: ParcelWord) -> str:
    return f"Tracking number: {word.tracking_number},"


def _plain(text: str) -> str:
    return " ".join(html.unescape(_MARKUP.sub(" ", text)).split()).casefold()


def _path(word: ParcelWord) -> str:
    return f"{API}/orders/{word.order_external_id}/notes"
