"""Which known line of an order a store's (or a file's) line is, where their ids may differ.

A file has no ids for lines, a web store has: the same order may come from both. So a line is known
by its id, else, if either side has no id of a web store, by what it sells.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from oms.domain.snapshots import FILE_LINE_PREFIX, LineSnapshot


class KnownLine(Protocol):
    """A line as it is stored."""

    @property
    def external_id(self) -> str:
        """Return the id that it was first seen with."""
        ...

    @property
    def sku(self) -> str:
        """Return its SKU, which may be empty."""
        ...

    @property
    def title(self) -> str:
        """Return its title."""
        ...


K = TypeVar("K", bound=KnownLine)


def match_lines(seen: Sequence[LineSnapshot], known: Iterable[K]) -> Mapping[str, K]:
    """Return the known line of each seen one, by the seen one's id; a new line is absent.

    No known line is given twice. Lines that sell the same follow each other in both.
    """
    left = {line.external_id: line for line in known}
    ids = {line.external_id for line in seen}
    matched = {key: left.pop(key) for key in ids & left.keys()}
    for line in seen:
        if line.external_id in matched:
            continue
        for key, candidate in left.items():
            is_of_file = _is_of_file(line.external_id) or _is_of_file(key)
            if is_of_file and _goods(line) == _goods(candidate):
                matched[line.external_id] = left.pop(key)
                break
    return matched


def _is_of_file(external_id: str) -> bool:
    return external_id.startswith(FILE_LINE_PREFIX)


def _goods(line: KnownLine) -> tuple[str, str]:
    return (line.sku, "") if line.sku else ("", line.title)
