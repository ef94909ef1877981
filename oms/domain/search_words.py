"""The words that an order is found by, and those of what somebody types to find it.

Both are brought into one form, so that a word that is typed is compared byte by byte with the
beginnings of words that are kept: without case, accents, and signs at either end.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from zlib import crc32

WORD_LENGTH_MAX = 40  # In characters; more of a word tells no orders apart.
ORDER_WORDS_MAX = 200  # An order of many lines must not cost many times what others cost.
QUERY_WORDS_MAX = 8  # Each is a condition of the query.
SKETCH_BITS = 62  # What a signed integer of eight bytes holds.
_SKETCHED_LENGTHS = (2, 3, 4)  # Names of two signs are whole names in Japan.
LAST_CHARACTER = "\U0010ffff"  # Follows every other one, in UTF-8 too.

_ACCENTS = re.compile("[\u0300-\u036f]")
_GAP = re.compile(r"[\s\x00-\x1f\x7f]+")
_SIGNS = re.compile(r"[\W_]+")
_EDGES = re.compile(r"^(?:[^\w#]|_)+|[\W_]+$")


@dataclass(frozen=True, slots=True)
class SearchedOrder:
    """What an order is found by."""

    number: str
    customer_name: str
    tracking_numbers: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()


def words_of_order(order: SearchedOrder) -> tuple[str, ...]:
    """Return an order's words, each once; what tells orders apart best comes first."""
    return _bounded(_words_of_order(order), ORDER_WORDS_MAX)


def words_of_code(code: str) -> tuple[str, ...]:
    """Return the words of a SKU or a tracking number: itself, and its parts between blanks."""
    return _bounded(_code(code), ORDER_WORDS_MAX)


def words_of_query(text: str) -> tuple[str, ...]:
    """Return what each must begin a word of an order; signs alone do not count beside words.

    Of signs alone something is left all the same: they are no wish to see everything.
    """
    pieces = _pieces(text)
    return _bounded(map(_bare, pieces), QUERY_WORDS_MAX) or _bounded(pieces, QUERY_WORDS_MAX)


def sketch_of(words: Iterable[str]) -> int:
    """Draw the beginnings of words as bits: a word that begins like none of them lacks a bit.

    So `sketch_of(order) & sketch_of(query) == sketch_of(query)` holds for every order that the
    query finds, and for few others. Beginnings with a digit are left out: numbers tell orders
    apart without it, and a tracking number comes late to an order whose sketch is drawn.
    """
    sketch = 0
    for word, length in product(words, _SKETCHED_LENGTHS):
        if len(word) >= length:
            sketch |= _bit_of(word[:length])
    return sketch


@lru_cache(maxsize=4096)
def _bit_of(beginning: str) -> int:
    if any(map(str.isdigit, beginning)):
        return 0
    return 1 << crc32(beginning.encode()) % SKETCH_BITS


def words_after(prefix: str) -> str:
    """Return a text that comes after every word that begins with a prefix, and before others."""
    return prefix + LAST_CHARACTER


def _words_of_order(order: SearchedOrder) -> Iterator[str]:
    for word in _code(order.number):
        bare = word.lstrip("#")
        yield from (bare, f"#{bare}") if bare else ()
    yield from _prose(order.customer_name)
    for code in (*order.tracking_numbers, *order.skus):
        yield from _code(code)
    for title in order.titles:
        yield from _prose(title)


def _prose(text: str) -> Iterator[str]:
    """Yield the words of a name or a title; of `T-Shirt` also `t` and `shirt`."""
    for piece in _pieces(text):
        yield _bare(piece)
        yield from _SIGNS.split(piece)


def _code(text: str) -> Iterator[str]:
    pieces = _pieces(text)
    yield _bare("".join(pieces))
    yield from map(_bare, pieces)


def _pieces(text: str) -> list[str]:
    return _GAP.sub(" ", _folded(text)).split()


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", plain))
    return unicodedata.normalize("NFKC", plain)


def _bare(word: str) -> str:
    """Take the signs off both ends of a word, but for the `#` of an order number."""
    return _EDGES.sub("", word)


def _bounded(words: Iterable[str], count_max: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for word in words:
        if word:
            found[word[:WORD_LENGTH_MAX]] = None
        if len(found) == count_max:
            break
    return tuple(found)
