"""What the ways of telling a WooCommerce store have in common."""

from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import quote

from oms.domain.write_backs import ParcelWord
from oms.gateways.http import Answer
from oms.gateways.stores.fields import Document, UnreadableFieldError, read_text

ID_CHARACTERS_MAX: Final = 100
NUMBER_CHARACTERS_MAX: Final = 1_000
# The carrier is often not known by name; this page finds out and shows every one.
PROVIDER: Final = "17TRACK"


class Told(Protocol):
    """One way of telling. Both methods raise GatewayError and UnreadableFieldError."""

    def find(self, word: ParcelWord) -> str | None:
        """Return the store's id of what it was told of a parcel, or None."""
        ...

    def tell(self, word: ParcelWord, ordered: Mapping[str, int]) -> str:
        """Tell of a parcel that was looked for in vain; `ordered` are the units by line id."""
        ...


def tracking_url(number: str) -> str:
    """Return where a customer follows a parcel."""
    return f"https://t.17track.net/en#nums={quote(number, safe='')}"


def is_same_number(one: str, other: str) -> bool:
    """Tell whether two tracking numbers are one, however they are typed."""
    return one.strip().casefold() == other.strip().casefold()


def documents_of(answer: Answer, what: str) -> list[Document]:
    """Read a list of objects."""
    document = answer.document
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise UnreadableFieldError(f"{what} are not a list of objects")
    return document


def document_of(answer: Answer, what: str) -> Document:
    """Read an object."""
    if not isinstance(answer.document, dict):
        raise UnreadableFieldError(f"{what} is not an object")
    return answer.document


def read_key(document: Document, key: str) -> str:
    """Read an id that may be a number or a text, and must be there."""
    text = read_text(document, key, characters_max=ID_CHARACTERS_MAX)
    if not text:
        raise UnreadableFieldError(f"{key} is missing")
    return text
