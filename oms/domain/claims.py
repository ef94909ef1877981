"""What may be claimed of an order: which units, for which issues, until when, with how many photos.

Units of one line in one parcel that are alike form a group; a claim names a line, a parcel and a
number of units. Instants are epoch milliseconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from oms.domain.packages import is_in_trouble
from oms.domain.tracking import PackageState

DAY_MS = 86_400_000


class IssueType(StrEnum):
    """What is wrong with units."""

    NOT_RECEIVED = "NOT_RECEIVED"
    DELAYED = "DELAYED"
    LOST = "LOST"
    DAMAGED = "DAMAGED"
    DEFECTIVE = "DEFECTIVE"
    WRONG_ITEM = "WRONG_ITEM"
    MISSING_ITEM = "MISSING_ITEM"
    WRONG_VARIANT = "WRONG_VARIANT"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    RETURNED_TO_SENDER = "RETURNED_TO_SENDER"
    CUSTOMS = "CUSTOMS"
    CUSTOMER_CANCELLED = "CUSTOMER_CANCELLED"
    OTHER = "OTHER"


class Blocker(StrEnum):
    """Why units cannot be claimed, at all or for one type."""

    NOT_SHIPPED = "NOT_SHIPPED"
    IN_OPEN_CASE = "IN_OPEN_CASE"
    SETTLED = "SETTLED"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    DELIVERED = "DELIVERED"
    TOO_EARLY = "TOO_EARLY"
    NOT_RETURNED = "NOT_RETURNED"


_T = IssueType

# What only shows when the goods are looked at, so that the vendor wants to see it.
_SHOWN_BY_PHOTO: Final = (
    _T.DAMAGED,
    _T.DEFECTIVE,
    _T.WRONG_ITEM,
    _T.MISSING_ITEM,
    _T.WRONG_VARIANT,
    _T.NOT_AS_DESCRIBED,
)
# The goods have not arrived: not so when they were delivered, and not yet while they are in time.
_ABSENT_TYPES: Final = frozenset({_T.NOT_RECEIVED, _T.DELAYED, _T.LOST})
# The goods never will arrive: not so when they were delivered.
_STOPPED_TYPES: Final = frozenset({_T.CUSTOMS, _T.CUSTOMER_CANCELLED})

_BACK_STATES: Final = frozenset({PackageState.RETURNING, PackageState.RETURNED})


@dataclass(frozen=True, slots=True)
class AfterSalesPolicy:
    """How a vendor settles what goes wrong, for one merchant."""

    claim_days_after_delivery: int = 30
    claim_days_after_shipment: int = 120
    delayed_after_days: int = 30
    answer_hours: int = 72
    reply_hours: int = 168
    not_received_when_delivered: bool = False
    photo_count_min: Mapping[IssueType, int] = field(
        default_factory=lambda: dict.fromkeys(_SHOWN_BY_PHOTO, 1)
    )

    def photos_needed(self, types: Iterable[IssueType]) -> int:
        """Return how many photos a case about these types needs."""
        return max((self.photo_count_min.get(kind, 0) for kind in types), default=0)


@dataclass(frozen=True, slots=True)
class Claim:
    """Units that a case has; `is_settled` when it is resolved and they are out of the game."""

    case_id: str
    quantity: int
    is_settled: bool


@dataclass(frozen=True, slots=True)
class ParcelUnits:
    """Units of one line in one parcel that is not void, with the claims on them."""

    line_id: str
    package_id: str
    vendor_id: str
    quantity: int
    state: PackageState
    announced_at: int
    handed_over_at: int | None
    delivered_at: int | None
    policy: AfterSalesPolicy
    claims: tuple[Claim, ...] = ()

    @property
    def is_shipped(self) -> bool:
        """Tell whether the vendor is done with it: a carrier has it, or it went wrong."""
        return self.handed_over_at is not None or is_in_trouble(self.state)

    @property
    def claimable(self) -> int:
        """Units that no case has."""
        if not self.is_shipped:
            return 0
        return max(0, self.quantity - sum(claim.quantity for claim in self.claims))


@dataclass(frozen=True, slots=True)
class TypeEligibility:
    """Whether units can be claimed for one type, and when."""

    type: IssueType
    blocker: Blocker | None
    from_at: int | None
    until_at: int
    photo_count_min: int


@dataclass(frozen=True, slots=True)
class UnitEligibility:
    """Units that are alike. `package_id` and `vendor_id` are empty outside of parcels."""

    line_id: str
    package_id: str
    vendor_id: str
    quantity: int
    blocker: Blocker | None = None
    case_ids: tuple[str, ...] = ()
    types: tuple[TypeEligibility, ...] = ()


def judge_type(units: ParcelUnits, kind: IssueType, now_ms: int) -> TypeEligibility:
    """Say whether units that no case has can be claimed for a type.

    A wait counts from the hand-over; of a parcel that no carrier ever scanned, from its
    announcement.
    """
    policy = units.policy
    sent_at = units.announced_at if units.handed_over_at is None else units.handed_over_at
    if units.delivered_at is None:
        until_at = sent_at + policy.claim_days_after_shipment * DAY_MS
    else:
        until_at = units.delivered_at + policy.claim_days_after_delivery * DAY_MS
    late_at = sent_at + policy.delayed_after_days * DAY_MS
    waits = kind in _ABSENT_TYPES and units.delivered_at is None and not is_in_trouble(units.state)
    blocker = _circumstance(units, kind)
    if blocker is None and waits and now_ms < late_at:
        blocker = Blocker.TOO_EARLY
    if now_ms >= until_at:
        blocker = Blocker.WINDOW_CLOSED
    return TypeEligibility(
        type=kind,
        blocker=blocker,
        from_at=late_at if waits else None,
        until_at=until_at,
        photo_count_min=policy.photo_count_min.get(kind, 0),
    )


def _circumstance(units: ParcelUnits, kind: IssueType) -> Blocker | None:
    """Say what of the parcel's state speaks against a type."""
    is_delivered = units.state == PackageState.DELIVERED
    is_excused = kind == _T.NOT_RECEIVED and units.policy.not_received_when_delivered
    if is_delivered and kind in _ABSENT_TYPES | _STOPPED_TYPES and not is_excused:
        return Blocker.DELIVERED
    if kind == _T.RETURNED_TO_SENDER and units.state not in _BACK_STATES:
        return Blocker.NOT_RETURNED
    return None


def judge(
    parcels: Sequence[ParcelUnits], unpacked: Mapping[str, int], now_ms: int
) -> tuple[UnitEligibility, ...]:
    """Judge every unit of an order: those in parcels, and `unpacked` units by line id."""
    groups = [group for units in parcels for group in _groups(units, now_ms)]
    groups += [
        UnitEligibility(line_id, "", "", count, Blocker.NOT_SHIPPED)
        for line_id, count in unpacked.items()
        if count > 0
    ]
    return tuple(groups)


def _groups(units: ParcelUnits, now_ms: int) -> Iterable[UnitEligibility]:
    place = (units.line_id, units.package_id, units.vendor_id)
    if not units.is_shipped:
        yield UnitEligibility(*place, units.quantity, Blocker.NOT_SHIPPED)
        return
    for is_settled, blocker in ((False, Blocker.IN_OPEN_CASE), (True, Blocker.SETTLED)):
        claims = [claim for claim in units.claims if claim.is_settled == is_settled]
        if claims:
            count = sum(claim.quantity for claim in claims)
            cases = tuple(dict.fromkeys(claim.case_id for claim in claims))
            yield UnitEligibility(*place, count, blocker, cases)
    if units.claimable:
        types = tuple(judge_type(units, kind, now_ms) for kind in IssueType)
        yield UnitEligibility(*place, units.claimable, types=types)
