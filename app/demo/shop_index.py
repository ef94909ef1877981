"""A sorted index of the pretend shop's rows, so that a page of 100,000 orders is found at once."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

ORDERINGS: Final = ("id", "date", "modified")
HIDDEN_STATUSES: Final = frozenset({"trash", "auto-draft"})  # `any` leaves them out.


class Row(Protocol):
    """What can be listed."""

    id: int
    status: str
    created_at: int
    modified_at: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What a request selects: both ends of the change window are exclusive, None is open."""

    status: str = "any"
    orderby: str = "date"
    is_descending: bool = False
    modified_after: int | None = None
    modified_before: int | None = None


class RowIndex:
    """Row ids by status and ordering. The caller holds a lock."""

    def __init__(self) -> None:
        """Begin empty."""
        self._sorted: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def add(self, row: Row) -> None:
        """List a row."""
        for key, entry in _entries(row):
            insort(self._sorted.setdefault(key, []), entry)

    def discard(self, row: Row) -> None:
        """Forget a row, which must look exactly as it did when it was added."""
        for key, entry in _entries(row):
            entries = self._sorted[key]
            del entries[bisect_left(entries, entry)]

    def rebuild(self, rows: Mapping[int, Row]) -> None:
        """List many rows at once, much faster than one by one."""
        self._sorted = {}
        for row in rows.values():
            for key, entry in _entries(row):
                self._sorted.setdefault(key, []).append(entry)
        for entries in self._sorted.values():
            entries.sort()

    def select(self, selection: Selection, *, page: int, per_page: int) -> tuple[list[int], int]:
        """Return the ids of one page, and how many rows are selected in all."""
        entries = self._sorted.get((selection.status, "modified"), [])
        after, before = selection.modified_after, selection.modified_before
        low = 0 if after is None else bisect_left(entries, (after + 1, 0))
        high = len(entries) if before is None else bisect_left(entries, (before, 0))
        total = max(0, high - low)
        if selection.orderby != "modified":
            selected = {row_id for _, row_id in entries[low:high]}
            entries = self._sorted.get((selection.status, selection.orderby), [])
            if total < len(entries):
                entries = [entry for entry in entries if entry[1] in selected]
            low, high = 0, total
        start = (page - 1) * per_page
        first, last = low + start, min(low + start + per_page, high)
        if selection.is_descending:
            first, last = max(high - start - per_page, low), high - start
        ids = [row_id for _, row_id in entries[first : max(first, last)]]
        return (ids[::-1] if selection.is_descending else ids), total


def _entries(row: Row) -> Iterator[tuple[tuple[str, str], tuple[int, int]]]:
    keys = {"id": row.id, "date": row.created_at, "modified": row.modified_at}
    statuses = [row.status] if row.status in HIDDEN_STATUSES else [row.status, "any"]
    for status in statuses:
        for ordering in ORDERINGS:
            yield (status, ordering), (keys[ordering], row.id)
