"""Which orders a list shows: the conditions.

The text of a condition differs by what is chosen only, never by the values.
"""

from dataclasses import dataclass
from enum import StrEnum

from oms.domain.holds import HoldReason

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
    TRACKING_STALLED = "TRACKING_STALLED"


class Sorting(StrEnum):
    """In which order a list is; orders that are alike in it follow their ids."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    TOTAL = "TOTAL"


# Not EXISTS: no planner turns this into a join with all that there is.
_HAS_LIVE_PART = (
    "(SELECT 1 FROM allocation a WHERE a.order_id = o.id AND a.vendor_id = ?"
    " AND a.state NOT IN ('REJECTED', 'EXPIRED', 'CANCELLED') LIMIT 1) IS NOT NULL"
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
    Peculiarity.TRACKING_STALLED: "o.stalls_at <= ?",
}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders of a merchant. Empty texts match all; instants are epoch milliseconds.

    Each of `words`, as search_words makes them, must begin a word of the order. `now` is what
    stalled parcels are compared with.
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
    now: int = 0


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions on an order `o`, of which all hold; the first is that on its merchant."""

    texts: tuple[str, ...]
    parameters: tuple[object, ...]

    @property
    def where(self) -> str:
        """Return what stands behind WHERE."""
        return " AND ".join(self.texts)

    def and_also(self, text: str, *parameters: object) -> "Conditions":
        """Add a condition."""
        return Conditions((*self.texts, text), (*self.parameters, *parameters))


def conditions_of(wanted: OrderFilter) -> Conditions:
    """Write all conditions but those on words."""
    merchant, tag = "o.merchant_id = ?", TAG_CONDITIONS[wanted.tag]
    if wanted.peculiarity is not None or wanted.hold_reason is not None:
        tag = tag.replace("o.admission", "o.admission || ''")  # Peculiar orders have shorter ways,
    if wanted.peculiarity == Peculiarity.OVER_ALLOCATED:
        merchant = "o.merchant_id || '' = ?"  # which no planner takes while it sees an index here.
    found = Conditions((merchant, tag), (wanted.merchant_id,))
    if wanted.peculiarity is not None:
        condition = _PECULIARITY_CONDITIONS[wanted.peculiarity]
        found = found.and_also(condition, *[wanted.now] * condition.count("?"))
    for condition, value in (
        ("o.store_id = ?", wanted.store_id or None),
        (_HAS_LIVE_PART, wanted.vendor_id or None),
        ("o.placed_at >= ?", wanted.placed_from),
        ("o.placed_at < ?", wanted.placed_before),
        ("o.country = ?", wanted.country or None),
        (_HAS_HOLD, wanted.hold_reason),
    ):
        if value is not None:
            found = found.and_also(condition, value)
    return found
