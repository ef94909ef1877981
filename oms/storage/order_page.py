"""The one statement that makes a page of orders.

Where few orders have what is wanted, they are looked up and sorted; where many have it, the list is
walked until the page is full, which comes soon. Which of them it is is found out by the statement
itself: one of its two halves is empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.search_words import sketch_of, words_after
from oms.storage.database import marks
from oms.storage.order_filter import Conditions, OrderFilter, Sorting, conditions_of

PageKey = tuple[int, str]  # (placed_at or total_minor, id) of the last order of the page before.

# Looking up so many orders costs what walking costs until 50 of 100,000 are found among them.
_FEW_ENTRIES_MAX = 1_200


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


@dataclass(frozen=True, slots=True)
class _Entries:
    """Where (merchant_id, order_id) of the orders are that have what is wanted, in no order."""

    select: str
    parameters: tuple[object, ...]


# Not EXISTS: no planner turns this into a join with all words, or takes it to be seldom true.
_HAS_WORD = (
    "(SELECT 1 FROM order_word x WHERE x.order_id = {order} AND x.word >= ? AND x.word < ? LIMIT 1)"
    " IS NOT NULL"
)
_ENTRIES_OF_WORD = (
    "SELECT w.merchant_id, w.order_id FROM order_word w WHERE w.merchant_id = ?"
    " AND w.word >= ? AND w.word < ?"
)
_ENTRIES_OF_VENDOR = (
    "SELECT a.merchant_id, a.order_id FROM allocation a WHERE a.vendor_id = ? AND a.merchant_id = ?"
)
_FEW_ORDERS = (
    "(SELECT DISTINCT entry.order_id FROM entry WHERE (SELECT COUNT(*) FROM entry)"
    f" <= {_FEW_ENTRIES_MAX}) e CROSS JOIN orders o"  # In this order on SQLite.
)
# No merchant, and so nothing to walk along, unless there are many entries.
_MERCHANT_OF_MANY = f"(SELECT entry.merchant_id FROM entry LIMIT 1 OFFSET {_FEW_ENTRIES_MAX})"


def page_statement(
    columns: str, wanted: OrderFilter, after: PageKey | None, limit: int
) -> tuple[str, list[object]]:
    """Write the statement of a page, with its parameters; `columns` are those of `o`, an order."""
    path = _PATHS[wanted.sorting]
    conditions = conditions_of(wanted)
    if after is not None:
        key = f"(o.{path.column}, o.id) {path.comparison} (?, ?)"
        conditions = conditions.and_also(key, *after)
    end = f"ORDER BY o.{path.column} {path.direction}, o.id {path.direction} LIMIT ?"
    entries = _entries(wanted)
    if entries is None:
        sql = f"SELECT {columns} FROM orders o WHERE {conditions.where} {end}"
        return sql, [*conditions.parameters, limit]
    many = _and_words(_of_many(conditions), wanted.words, "o.id")
    sql = (
        f"WITH entry AS ({entries.select} LIMIT {_FEW_ENTRIES_MAX + 1})"
        f" SELECT * FROM (SELECT {columns} FROM {_FEW_ORDERS} WHERE o.id = e.order_id"
        f" AND {conditions.where} {end}) found_among_few UNION ALL"
        f" SELECT * FROM (SELECT {columns} FROM orders o WHERE {many.where} {end}) found_by_walk"
        # Sorting again what one half has sorted costs nothing, and SQL promises no order without.
        f" ORDER BY {path.column} {path.direction}, id {path.direction}"
    )
    found = [*entries.parameters, *conditions.parameters, limit, *many.parameters, limit]
    return sql, found


def _entries(wanted: OrderFilter) -> _Entries | None:
    """Choose what tells most orders apart; None where the list is walked in any case."""
    if wanted.words:
        return _entries_of_words(wanted)
    if wanted.vendor_id:
        return _Entries(_ENTRIES_OF_VENDOR, (wanted.vendor_id, wanted.merchant_id))
    return None


def _entries_of_words(wanted: OrderFilter) -> _Entries:
    """Go along the rarest word; the sketches of its orders tell most of those that lack another."""
    rarest, *others = sorted(wanted.words, key=_rarity, reverse=True)
    bounds = (wanted.merchant_id, rarest, words_after(rarest))
    found = Conditions((_ENTRIES_OF_WORD,), bounds)
    sketch = sketch_of(others)
    if sketch:
        found = found.and_also("(w.sketch & ?) = ?", sketch, sketch)
    found = _and_words(found, others, "w.order_id")
    return _Entries(found.where, found.parameters)


def _and_words(conditions: Conditions, words: Sequence[str], order: str) -> Conditions:
    for word in words:
        conditions = conditions.and_also(_HAS_WORD.format(order=order), word, words_after(word))
    return conditions


def _of_many(conditions: Conditions) -> Conditions:
    """Take the merchant, the first condition, from the entries."""
    merchant = conditions.texts[0].replace("?", _MERCHANT_OF_MANY)
    return Conditions((merchant, *conditions.texts[1:]), conditions.parameters[1:])


def _rarity(word: str) -> tuple[bool, int]:
    """Guess which word fewer orders have: numbers tell them apart, and so do long words."""
    return any(map(str.isdigit, word)), len(word)


# Each has an index of its own; an order in exception may be in the first two.
_UNFINISHED = (
    "o.has_open_units",
    "o.status = 'EXCEPTION'",
    "o.status = 'PROCESSING'",
    "o.status = 'IN_TRANSIT'",
)


def unfinished_statement(
    merchant_id: str, ids: Sequence[str], after: PageKey | None, limit: int
) -> tuple[str, list[object]]:
    """Write the statement of (id, placed_at) of orders that are not finished, the oldest first.

    The lists of all that an order can be before it is finished are merged, so that those that are
    finished, which are most, are not walked along.
    """
    found = Conditions(("o.merchant_id = ?",), (merchant_id,))
    if ids:
        found = found.and_also(f"o.id IN ({marks(ids)})", *ids)
    if after is not None:
        found = found.and_also("(o.placed_at, o.id) > (?, ?)", *after)
    end = "ORDER BY placed_at, id LIMIT ?"
    lists = [
        f"SELECT * FROM (SELECT o.id, o.placed_at FROM orders o WHERE {found.where} AND {one}"
        f" {end}) list_{place}"
        for place, one in enumerate(_UNFINISHED)
    ]
    parameters = [*found.parameters, limit] * len(lists)
    return f"{' UNION '.join(lists)} {end}", [*parameters, limit]
