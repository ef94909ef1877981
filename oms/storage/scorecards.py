"""How vendors did with the allocations of one merchant: counts, and minutes counted per vendor."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from oms.storage.database import Database

VENDORS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class ScoreFilter:
    """Allocations of a merchant made in a period, in epoch milliseconds; maybe of one vendor."""

    merchant_id: str
    from_ms: int
    before_ms: int
    vendor_id: str = ""

    def condition(self) -> str:
        """Select allocations `a`."""
        of_vendor = " AND a.vendor_id = ?" if self.vendor_id else ""
        return f"a.merchant_id = ? AND a.created_at >= ? AND a.created_at < ?{of_vendor}"

    def parameters(self) -> tuple[object, ...]:
        """Return the values of the condition."""
        of_vendor = (self.vendor_id,) if self.vendor_id else ()
        return (self.merchant_id, self.from_ms, self.before_ms, *of_vendor)


@dataclass(slots=True)
class VendorFigures:
    """What was measured of a vendor; minutes are counted, by measure."""

    vendor_id: str
    vendor_display_name: str
    allocation_count: int
    refused_count: int
    package_count: int = 0
    troubled_count: int = 0
    minutes: dict[str, Counter[int]] = field(default_factory=dict)


# Measure -> when it begins and ends. A clock that goes backwards measures nothing.
_MEASURES: Mapping[str, tuple[str, str]] = {
    "ACCEPT": ("a.created_at", "a.accepted_at"),
    "SHIP": ("a.created_at", "p.created_at"),
    "FIRST_SCAN": ("p.created_at", "p.first_scan_at"),
    "DELIVER": ("p.handed_over_at", "p.delivered_at"),
}
_PACKAGES = " JOIN package p ON p.allocation_id = a.id"


def figures(db: Database, wanted: ScoreFilter) -> list[VendorFigures]:
    """Measure every vendor that was handed an allocation, by id."""
    found = {row[0]: VendorFigures(*row) for row in _allocations(db, wanted)}
    for vendor_id, count, troubled in _packages(db, wanted):
        if vendor_id in found:
            found[vendor_id].package_count = count
            found[vendor_id].troubled_count = int(troubled)
    for measure in _MEASURES:
        for text, count in _minutes(db, wanted, measure):
            vendor_id, minutes = text.rsplit("|", 1)
            if vendor_id in found:
                counted = found[vendor_id].minutes.setdefault(measure, Counter())
                counted[int(minutes)] += count
    return list(found.values())


def _allocations(db: Database, wanted: ScoreFilter) -> list[tuple[str, str, int, int]]:
    rows = db.all(
        "SELECT v.id, v.display_name, n.handed, n.refused FROM (SELECT a.vendor_id,"
        " COUNT(*) handed, SUM(CASE WHEN a.state IN ('REJECTED', 'EXPIRED') THEN 1 ELSE 0 END)"
        " refused"
        f" FROM allocation a WHERE {wanted.condition()} GROUP BY a.vendor_id) n"
        " JOIN vendor v ON v.id = n.vendor_id ORDER BY v.id LIMIT ?",
        *wanted.parameters(),
        VENDORS_MAX,
    )
    return [(row[0], row[1], row[2], int(row[3])) for row in rows]


def _packages(db: Database, wanted: ScoreFilter) -> list[tuple[str, int, int]]:
    rows = db.all(
        "SELECT a.vendor_id, COUNT(*), SUM(CASE WHEN p.was_in_trouble THEN 1 ELSE 0 END)"
        f" FROM allocation a{_PACKAGES} WHERE {wanted.condition()} AND p.state <> 'VOIDED'"
        " GROUP BY a.vendor_id",
        *wanted.parameters(),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _minutes(db: Database, wanted: ScoreFilter, measure: str) -> list[tuple[str, int]]:
    begin, end = _MEASURES[measure]
    of_packages = "p." in f"{begin} {end}"
    packages = _PACKAGES if of_packages else ""
    not_void = " AND p.state <> 'VOIDED'" if of_packages else ""
    rows = db.all(
        f"SELECT a.vendor_id || '|' || CAST(({end} - {begin}) / 60000 AS TEXT), COUNT(*)"
        f" FROM allocation a{packages} WHERE {wanted.condition()} AND {end} >= {begin}{not_void}"
        " GROUP BY 1",
        *wanted.parameters(),
    )
    return [(row[0], row[1]) for row in rows]
