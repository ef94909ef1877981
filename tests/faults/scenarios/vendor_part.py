"""What a part of an order has to be after each update of its vendor, and which ones are refused."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from fbali.v1.allocation_pb2 import Allocation
from oms.domain.allocations import ALLOCATION_TABLE, AllocationEvent, AllocationState
from oms.domain.packages import PackageStanding, recompute
from oms.domain.tracking import Meaning, PackageState, TrackingEvent

Units = Mapping[str, int]  # By the name of the line.

ILLEGAL = "ILLEGAL_TRANSITION"
NOT_FOUND = "RESOURCE_NOT_FOUND"
EXCEEDED = "QUANTITY_EXCEEDED"
EXISTS = "RESOURCE_ALREADY_EXISTS"
STALE = "ETAG_MISMATCH"

_COSTED = frozenset(AllocationState) - {AllocationState.REJECTED, AllocationState.EXPIRED}


@dataclass
class Parcel:
    """A parcel that was announced, with all that its vendor said of it."""

    name: str
    number: str
    units: dict[str, int]
    news: set[TrackingEvent] = field(default_factory=set)

    @property
    def standing(self) -> PackageStanding:
        return recompute(self.news)

    @property
    def is_void(self) -> bool:
        return self.standing.state == PackageState.VOIDED


class Part:
    """One allocation by the book: states, units left, parcels, and the rows of its history.

    The `may_` methods give the reason with which an update is to be refused, or an empty one; the
    others write down what an accepted one changes. `rows` counts history by kind.
    """

    def __init__(self, allocation: Allocation) -> None:
        self.name = allocation.name
        self.order_number = allocation.order_number
        self.state = ALLOCATION_TABLE.initial
        self.left = {line.line: line.quantity for line in allocation.lines}
        self.returned = dict.fromkeys(self.left, 0)
        self.parcels: list[Parcel] = []
        self.costs = 0
        self.rows = Counter({"allocation.submitted": 1})
        self.etag = allocation.etag

    # --- Refusals -----------------------------------------------------------------------------

    def may_move(self, event: AllocationEvent) -> str:
        return "" if (self.state, event) in ALLOCATION_TABLE.arrows else ILLEGAL

    def may_cost(self) -> str:
        return "" if self.state in _COSTED else ILLEGAL

    def may_pack(self, number: str, units: Units) -> str:
        if self.may_move(AllocationEvent.PACK):
            return ILLEGAL
        if set(units) - set(self.left):
            return NOT_FOUND
        if any(count > self.left[line] for line, count in units.items()):
            return EXCEEDED
        if not units and not any(self.left.values()):
            return EXCEEDED
        return EXISTS if self.has_live(number) else ""

    def may_void(self, parcel: Parcel | None) -> str:
        if parcel is None:
            return NOT_FOUND
        if parcel.is_void or parcel.standing.handed_over_at is not None:
            return ILLEGAL
        return self.may_move(AllocationEvent.VOID_PACKAGE)

    def may_report(self, parcel: Parcel | None) -> str:
        if parcel is None:
            return NOT_FOUND
        return ILLEGAL if parcel.is_void else ""

    def has_live(self, number: str) -> bool:
        return any(parcel.number == number and not parcel.is_void for parcel in self.parcels)

    # --- Changes ------------------------------------------------------------------------------

    def move(self, event: AllocationEvent) -> None:
        before, self.state = self.state, ALLOCATION_TABLE.arrows[self.state, event]
        if self.state != before:
            self.rows[f"allocation.{self.state.value.lower()}"] += 1
        if event in (AllocationEvent.REJECT, AllocationEvent.CLOSE_SHORT):
            for line, count in self.left.items():
                self.returned[line] += count
            self.left = dict.fromkeys(self.left, 0)

    def cost(self, entries: int) -> None:
        self.costs += entries
        self.rows["allocation.costs_recorded"] += 1

    def pack(self, name: str, number: str, units: Units) -> Parcel:
        self.move(AllocationEvent.PACK)
        packed = dict(units) or {line: count for line, count in self.left.items() if count}
        for line, count in packed.items():
            self.left[line] -= count
        parcel = Parcel(name, number, packed)
        self.parcels.append(parcel)
        self.rows["package.announced"] += 1
        if not any(self.left.values()):
            self.move(AllocationEvent.COMPLETE)
        return parcel

    def void(self, parcel: Parcel, at: int) -> None:
        self.move(AllocationEvent.VOID_PACKAGE)
        for line, count in parcel.units.items():
            self.left[line] += count
        self.report(parcel, TrackingEvent(at, Meaning(PackageState.VOIDED), "", "", "", ""))

    def report(self, parcel: Parcel, news: TrackingEvent) -> None:
        before = parcel.standing
        parcel.news.add(news)
        after = parcel.standing
        if (before.state, before.exception_reason) != (after.state, after.exception_reason):
            self.rows[f"package.{after.state.value.lower()}"] += 1
