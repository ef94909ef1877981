"""How a pretend vendor deals with its part of an order: by lot, the same for the same order."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fbali.v1.allocation_pb2 import Allocation, AllocationLine
from fbali.v1.cost_entry_pb2 import CostKind
from fbali.v1.fulfillment_service_pb2 import RecordedCost
from fbali.v1.money_pb2 import Money
from fbali.v1.package_pb2 import PackageLine

LOTS: Final = 20
SERVICE_FEE_MINOR: Final = 50
ROUNDS_BETWEEN_PARCELS: Final = 8
_CURRENCY: Final = "USD"  # Of what is charged when nothing was quoted.


@dataclass(frozen=True, slots=True)
class Handling:
    """What the vendor does with it; `rounds_between` are rounds of looking at its list."""

    rejects: bool = False
    parcels: int = 1
    rounds_between: int = 0


_REJECTED: Final = Handling(rejects=True)
_AT_ONCE: Final = Handling(parcels=2)
_PARTIAL_FIRST: Final = Handling(parcels=2, rounds_between=ROUNDS_BETWEEN_PARCELS)
_LOTS: Final[Mapping[int, Handling]] = {
    0: _REJECTED,
    **dict.fromkeys((1, 2, 3, 4), _AT_ONCE),
    **dict.fromkeys((5, 6, 7, 8), _PARTIAL_FIRST),
}


def handling_of(label_prefix: str, order_number: str, *, may_reject: bool = True) -> Handling:
    """Draw the lot of an order; most go out in one parcel."""
    drawn = _LOTS.get(zlib.crc32(f"{label_prefix}{order_number}".encode()) % LOTS, Handling())
    return Handling() if drawn.rejects and not may_reject else drawn


def label(label_prefix: str, order_number: str, count: int) -> str:
    """Return the tracking number on the vendor's n-th label for an order, from 1."""
    return f"{label_prefix}{order_number:0>7}{count:02}CN"


def unpacked(lines: Iterable[AllocationLine]) -> dict[str, int]:
    """Return the units by line that are not in a parcel yet."""
    left = {
        line.line: line.quantity - line.packed_quantity - line.returned_quantity for line in lines
    }
    return {name: quantity for name, quantity in left.items() if quantity > 0}


def first_parcel(lines: Iterable[AllocationLine], parcels: int) -> list[PackageLine]:
    """Choose what goes first: half of the units, or (an empty list) all there is."""
    left = unpacked(lines)
    units = sum(left.values())
    if parcels == 1 or units == 1:
        return []
    room = units // 2
    chosen = []
    for name, quantity in left.items():
        taken = min(quantity, room)
        room -= taken
        if taken:
            chosen.append(PackageLine(line=name, quantity=taken))
    return chosen


def costs_of(allocation: Allocation) -> Sequence[RecordedCost]:
    """Say what the goods, their way and the service come to."""
    goods = sum(line.unit_cost.amount_minor * line.quantity for line in allocation.lines)
    units = sum(line.quantity for line in allocation.lines)
    currency = allocation.lines[0].unit_cost.currency_code or _CURRENCY
    amounts = (
        (CostKind.COST_KIND_PRODUCT, goods, ""),
        (CostKind.COST_KIND_SHIPPING, 350 + 90 * units, "air mail, tracked"),
        (CostKind.COST_KIND_SERVICE_FEE, SERVICE_FEE_MINOR, ""),
    )
    return [
        RecordedCost(kind=kind, amount=Money(currency_code=currency, amount_minor=minor), note=note)
        for kind, minor, note in amounts
    ]
