"""What of an order may be claimed, and whether a claim stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms.domain.claims import Blocker, IssueType, ParcelUnits, UnitEligibility, judge, judge_type
from oms.domain.errors import InvalidInput, NotFound, Refused
from oms.storage import accounts, claims, orders
from oms.storage.claims import ClaimedLine
from oms.usecases.context import Oms


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What may be claimed of an order, with what people call the lines and the vendors."""

    order_id: str
    units: Sequence[UnitEligibility]
    lines: Mapping[str, ClaimedLine]
    vendor_names: Mapping[str, str]
    allocation_ids: Mapping[str, str]


def check_eligibility(oms: Oms, merchant_id: str, order_id: str) -> Eligibility:
    """Judge every unit of a merchant's order; raises NotFound."""
    with oms.db.snapshot():
        if not orders.exists(oms.db, merchant_id, order_id):
            raise NotFound.of(f"merchants/{merchant_id}/orders/{order_id}")
        lines = claims.lines_of(oms.db, order_id)
        parcels = claims.parcels_of(oms.db, merchant_id, order_id)
        vendor_ids = sorted({units.vendor_id for units in parcels})
        names = accounts.vendor_names(oms.db, vendor_ids)
        allocation_ids = claims.allocations_of_parcels(oms.db, order_id)
    unpacked = {line.id: line.unpacked for line in lines.values()}
    units = judge(parcels, unpacked, oms.clock.now_ms())
    return Eligibility(order_id, units, lines, names, allocation_ids)


@dataclass(frozen=True, slots=True)
class ClaimedUnits:
    """Units that somebody wants to claim."""

    line_id: str
    package_id: str
    quantity: int
    type: IssueType


def parcel_of(
    parcels: Sequence[ParcelUnits], line_id: str, package_id: str, field: str
) -> ParcelUnits:
    """Find the parcel that is meant; without a name, the only one with claimable units of the line.

    Raises:
        NotFound, InvalidInput
    """
    found = [
        units
        for units in parcels
        if units.line_id == line_id and package_id in ("", units.package_id)
    ]
    if package_id and not found:
        raise NotFound.of(f"line {line_id} in package {package_id}")
    claimable = [units for units in found if units.claimable] or found
    if not claimable:
        raise _not_claimable(line_id, Blocker.NOT_SHIPPED, 1, 0)
    if len(claimable) > 1:
        ids = ", ".join(units.package_id for units in claimable)
        raise InvalidInput.of(f"{field}.package", f"names one of the line's parcels: {ids}")
    return claimable[0]


def require_claimable(
    parcels: Sequence[ParcelUnits], wanted: Sequence[ClaimedUnits], now_ms: int
) -> None:
    """Refuse units that a case has already, or that cannot be claimed for their type.

    Raises:
        NotFound: a parcel is void by now.
        Refused: UNITS_NOT_CLAIMABLE, with the blocker.
    """
    places = {(units.line_id, units.package_id): units for units in parcels}
    asked: dict[tuple[str, str], int] = {}
    for claim in wanted:
        place = (claim.line_id, claim.package_id)
        if place not in places:
            raise NotFound.of(f"line {claim.line_id} in package {claim.package_id}")
        asked[place] = asked.get(place, 0) + claim.quantity
        units = places[place]
        if asked[place] > units.claimable:
            raise _not_claimable(claim.line_id, _taken(units), asked[place], units.claimable)
        verdict = judge_type(units, claim.type, now_ms)
        if verdict.blocker is not None:
            raise _not_claimable(claim.line_id, verdict.blocker, claim.quantity, 0)


def _taken(units: ParcelUnits) -> Blocker:
    """Say why there are no more units."""
    if not units.is_shipped:
        return Blocker.NOT_SHIPPED
    is_in_case = any(not claim.is_settled for claim in units.claims)
    return Blocker.SETTLED if units.claims and not is_in_case else Blocker.IN_OPEN_CASE


_WORDS: Mapping[Blocker, str] = {
    Blocker.NOT_SHIPPED: "they were not shipped",
    Blocker.IN_OPEN_CASE: "there are no more, or they are in an open case",
    Blocker.SETTLED: "a case settled them",
    Blocker.WINDOW_CLOSED: "the time in which they could be claimed is over",
    Blocker.DELIVERED: "tracking says that they were delivered",
    Blocker.TOO_EARLY: "they are not late yet",
    Blocker.NOT_RETURNED: "they are not on their way back",
}


def _not_claimable(line_id: str, blocker: Blocker, asked: int, available: int) -> Refused:
    return Refused(
        f"cannot claim {asked} units of line {line_id}: {_WORDS[blocker]}; {available} can be",
        reason="UNITS_NOT_CLAIMABLE",
        line=line_id,
        blocker=blocker.value,
        asked=asked,
        available=available,
    )
