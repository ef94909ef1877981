"""Which orders a list shows, in which order: the conditions, and the one statement they make.

The text of a statement differs by the conditions that are chosen only, never by their values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from oms.domain.holds import HoldReason
from oms.domain.search_words import words_after

PageKey = tuple[int, str]  # (placed_at or total_minor, id) of the last order of the page before.

# Up to so many entries of a word, its orders are read and sorted; of a more frequent one the list
# is walked until a page is full, which comes soon.
_RARE_ENTRIES_MAX = 2_000

# Tag -> what an order must be. The words are the condition of an index each.
TAG_CONDITIONS = {
    "ADMITTED": "o.admission = 'ADMITTED'",
    "PENDING": "o.has_open_units",
    "PROCESSING": "o.status = 'PROCESSING'",
    "IN_TRANSIT": "o.status = 'IN_TRANSIT'",
    "EXCEPTION": "o.status = 'EXCEPTION'",
    "DELIVERED": "o.status = 'DELIVERED'",
    "NOT_ADMITTED": "o.admission <> 'ADMITTED'",
    "ENDED": "o.admission = 'ADMITTED' AND o.status IS NULL",
}


class Peculiarity(StrEnum):
    """What is out of the ordinary with an order."""

    HELD = "HELD"
    UNHOSTED = "UNHOSTED"
    OVER_ALLOCATED = "OVER_ALLOCATED"


class Sorting(StrEnum):
    """In which order a list is; orders that are alike in it follow their ids."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    TOTAL = "TOTAL"


@dataclass(frozen=True, slots=True)
class _Path:
    """How a list goes along its index."""

    column: str
    direction: str
    comparison: str


_PATHS = {
    Sorting.NEWEST: _Path("placed_at", "DESC", "<"),
    Sorting.OLDEST: _Path("placed_at", "ASC", ">"),
    Sorting.TOTAL: _Path("total_minor", "DESC", "<"),
}

_HAS_LIVE_PART = (
    "EXISTS (SELECT 1 FROM allocation a WHERE a.order_id = o.id AND a.vendor_id = ?"
    " AND a.state NOT IN ('REJECTED', 'EXPIRED', 'CANCELLED'))"
)
_HAS_HOLD = "o.is_held AND EXISTS (SELECT 1 FROM hold h WHERE h.order_id = o.id AND h.reason = ?)"
_PECULIARITY_CONDITIONS = {
    Peculiarity.HELD: "o.is_held",
    Peculiarity.UNHOSTED: (
        "o.has_open_units AND EXISTS (SELECT 1 FROM order_line l WHERE l.order_id = o.id"
        " AND l.open_units > 0 AND l.pending_reason = 'UNHOSTED')"
    ),
    Peculiarity.OVER_ALLOCATED: (
        "o.id IN (SELECT l.order_id FROM order_line l WHERE l.over_allocated)"
    ),
}
# Not EXISTS: no planner turns this into a join with all words, or takes it to be seldom true.
_HAS_WORD = (
    "(SELECT 1 FROM order_word w WHERE w.order_id = o.id AND w.word >= ? AND w.word < ? LIMIT 1)"
    " IS NOT NULL"
)
_ENTRIES_OF_WORD = (
    "WITH entry AS (SELECT w.merchant_id, w.order_id FROM order_word w WHERE w.merchant_id = ?"
    f" AND w.word >= ? AND w.word < ? LIMIT {_RARE_ENTRIES_MAX + 1})"
)
_ORDERS_OF_RARE_WORD = (
    "(SELECT DISTINCT entry.order_id FROM entry WHERE (SELECT COUNT(*) FROM entry)"
    f" <= {_RARE_ENTRIES_MAX}) e CROSS JOIN orders o"  # In this order on SQLite.
)
# No merchant, and so nothing to walk along, unless the word is frequent.
_MERCHANT_OF_FREQUENT_WORD = (
    f"(SELECT entry.merchant_id FROM entry LIMIT 1 OFFSET {_RARE_ENTRIES_MAX})"
)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders of a merchant. Empty texts match all; instants are epoch milliseconds.

    Each of `words`, as search_words makes them, must begin a word of the order.
    """

    merchant_id: str
    tag: str = "ADMITTED"
    store_id: str = ""
    vendor_id: str = ""
    placed_from: int | None = None
    placed_before: int | None = None
    words: tuple[str, ...] = ()
    country: str = ""
    hold_reason: HoldReason | None = None
    peculiarity: Peculiarity | None = None
    sorting: Sorting = Sorting.NEWEST


@dataclass(frozen=True, slots=True)
class _Conditions:
    texts: tuple[str, ...]
    parameters: tuple[object, ...]

    @property
    def where(self) -> str:
        return " AND ".join(self.texts)

    def and_words(self, words: Sequence[str]) -> "_Conditions":
        bounds = [bound for word in words for bound in (word, words_after(word))]
        return _Conditions((*self.texts, *[_HAS_WORD] * len(words)), (*self.parameters, *bounds))

    def of_frequent_word(self) -> "_Conditions":
        """Take the merchant, the first condition, from the entries of the word."""
        merchant = self.texts[0].replace("?", _MERCHANT_OF_FREQUENT_WORD)
        return _Conditions((merchant, *self.texts[1:]), self.parameters[1:])


def page_statement(
    columns: str, wanted: OrderFilter, after: PageKey | None, limit: int
) -> tuple[str, list[object]]:
    """Write the statement of a page, with its parameters; `columns` are those of `o`, an order."""
    path = _PATHS[wanted.sorting]
    conditions = _conditions(wanted)
    if after is not None:
        key = f"(o.{path.column}, o.id) {path.comparison} (?, ?)"
        conditions = _Conditions((*conditions.texts, key), (*conditions.parameters, *after))
    end = f"ORDER BY o.{path.column} {path.direction}, o.id {path.direction} LIMIT ?"
    if not wanted.words:
        sql = f"SELECT {columns} FROM orders o WHERE {conditions.where} {end}"
        return sql, [*conditions.parameters, limit]
    # Sorting again what one half has sorted costs nothing, and SQL promises no order without it.
    sql, parameters = _search(f"SELECT {columns} FROM", wanted, conditions, (end, limit))
    return f"{sql} ORDER BY {path.column} {path.direction}, id {path.direction}", parameters


def _search(
    select: str, wanted: OrderFilter, conditions: _Conditions, end: tuple[str, int]
) -> tuple[str, list[object]]:
    """Look for words along the rarest one, or, where that is frequent, along the list.

    How frequent it is is found out by the statement itself: one of its two halves is empty.
    """
    rarest, *others = sorted(wanted.words, key=_rarity, reverse=True)
    rare = conditions.and_words(others)
    frequent = conditions.of_frequent_word().and_words(wanted.words)
    sql = (
        f"{_ENTRIES_OF_WORD} SELECT * FROM ({select} {_ORDERS_OF_RARE_WORD} WHERE o.id = e.order_id"
        f" AND {rare.where} {end[0]}) found_by_word UNION ALL SELECT * FROM ({select} orders o"
        f" WHERE {frequent.where} {end[0]}) found_by_walk"
    )
    bounds = (wanted.merchant_id, rarest, words_after(rarest))
    return sql, [*bounds, *rare.parameters, end[1], *frequent.parameters, end[1]]


def _rarity(word: str) -> tuple[bool, int]:
    """Guess which word fewer orders have: numbers tell them apart, and so do long words."""
    return any(map(str.isdigit, word)), len(word)


def _conditions(wanted: OrderFilter) -> _Conditions:
    merchant, tag = "o.merchant_id = ?", TAG_CONDITIONS[wanted.tag]
    if wanted.peculiarity is not None or wanted.hold_reason is not None:
        tag = tag.replace("o.admission", "o.admission || ''")  # Peculiar orders have shorter ways,
    if wanted.peculiarity == Peculiarity.OVER_ALLOCATED:
        merchant = "o.merchant_id || '' = ?"  # which no planner takes while it sees an index here.
    texts = [merchant, tag]
    if wanted.peculiarity is not None:
        texts.append(_PECULIARITY_CONDITIONS[wanted.peculiarity])
    parameters: list[object] = [wanted.merchant_id]
    for condition, value in (
        ("o.store_id = ?", wanted.store_id or None),
        (_HAS_LIVE_PART, wanted.vendor_id or None),
        ("o.placed_at >= ?", wanted.placed_from),
        ("o.placed_at < ?", wanted.placed_before),
        ("o.country = ?", wanted.country or None),
        (_HAS_HOLD, wanted.hold_reason),
    ):
        if value is not None:
            texts.append(condition)
            parameters.append(value)
    return _Conditions(tuple(texts), tuple(parameters))
