"""The ledger of an order line, and the shipping status that follows from it.

    net  = ordered - removed - elsewhere
    open = max(0, net - excluded - allocated - packed)

`allocated`, `packed`, `handed_over` and `delivered` are never counted up or down: they are summed
anew from the allocations and packages of the line whenever one of those changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from oms.domain.allocations import LIVE_STATES, AllocationState
from oms.domain.tracking import PackageState


class ShippingStatus(StrEnum):
    """Where an order is, over all its vendors and parcels."""

    PENDING = "PENDING"  # Units are not allocated.
    PROCESSING = "PROCESSING"  # Vendors work on it.
    IN_TRANSIT = "IN_TRANSIT"  # Carriers have all of it.
    EXCEPTION = "EXCEPTION"  # A parcel is in trouble.
    DELIVERED = "DELIVERED"  # All of it arrived.


class PendingReason(StrEnum):
    """Why open units wait."""

    UNHOSTED = "UNHOSTED"
    COUNTRY_NOT_COVERED = "COUNTRY_NOT_COVERED"
    VENDOR_INACTIVE = "VENDOR_INACTIVE"
    VENDOR_REJECTED = "VENDOR_REJECTED"
    MANUAL = "MANUAL"
    QUARANTINED = "QUARANTINED"
    HELD = "HELD"


@dataclass(frozen=True, slots=True)
class LineLedger:
    """The counters of one line, in units."""

    ordered: int
    removed: int = 0
    elsewhere: int = 0
    excluded: int = 0
    allocated: int = 0
    packed: int = 0
    handed_over: int = 0
    delivered: int = 0
    settled: int = 0

    @property
    def net(self) -> int:
        """Units that are to reach the customer through us."""
        return self.ordered - self.removed - self.elsewhere

    @property
    def open(self) -> int:
        """Units that wait to be allocated."""
        return max(0, self.net - self.excluded - self.allocated - self.packed)

    @property
    def is_over_allocated(self) -> bool:
        """Tell whether vendors have more units than are left."""
        return self.excluded + self.allocated + self.packed > self.net

    def broken_rules(self) -> tuple[str, ...]:
        """List the ledger's rules that these counters break; always empty in a sound ledger."""
        rules = (
            (min(self.counters()) >= 0, "every counter is at least 0"),
            (self.net >= 0, "removed and elsewhere are at most ordered"),
            (self.handed_over <= self.packed, "handed over is at most packed"),
            (
                self.delivered + self.settled <= self.handed_over,
                "delivered and settled are at most handed over",
            ),
        )
        return tuple(rule for holds, rule in rules if not holds)

    def counters(self) -> tuple[int, ...]:
        """Return the counters in the order of their columns."""
        return (
            self.ordered,
            self.removed,
            self.elsewhere,
            self.excluded,
            self.allocated,
            self.packed,
            self.handed_over,
            self.delivered,
            self.settled,
        )


@dataclass(frozen=True, slots=True)
class AllocatedUnits:
    """Units of one line in one allocation."""

    state: AllocationState
    quantity: int
    packed: int
    returned: int

    @property
    def waiting(self) -> int:
        """Units that the vendor has not packed and has not given back."""
        return self.quantity - self.packed - self.returned if self.state in LIVE_STATES else 0


@dataclass(frozen=True, slots=True)
class PackedUnits:
    """Units of one line in one package."""

    state: PackageState
    is_handed_over: bool
    quantity: int


@dataclass(frozen=True, slots=True)
class StoreWord:
    """What the store last said of a line; it goes on counting when vendors give units back.

    `wanted` units are to reach the customer. `is_fulfilled` says that the store considers the line
    shipped, or that it needs no shipping: whatever is not in a parcel is fulfilled elsewhere.
    """

    wanted: int
    is_fulfilled: bool


def recount(
    ledger: LineLedger,
    allocated: Iterable[AllocatedUnits],
    packed: Iterable[PackedUnits],
    word: StoreWord | None = None,
    *,
    is_cancelled: bool = False,
) -> LineLedger:
    """Derive the counters that follow from the line's allocations and packages.

    With the store's word, `removed` and `elsewhere` follow anew too. Of an order that the merchant
    cancelled, whatever is not in a parcel is excluded.
    """
    parcels = [units for units in packed if units.state != PackageState.VOIDED]
    counted = replace(
        ledger,
        excluded=0 if is_cancelled else ledger.excluded,
        allocated=sum(units.waiting for units in allocated),
        packed=sum(units.quantity for units in parcels),
        handed_over=sum(units.quantity for units in parcels if units.is_handed_over),
        delivered=sum(units.quantity for units in parcels if units.state == PackageState.DELIVERED),
    )
    if word is not None:
        counted = follow(counted, word)
    if is_cancelled:
        counted = replace(counted, excluded=max(0, counted.net - counted.packed))
    return counted


def store_word(*, bought: int, taken_out: int, is_gone: bool, is_fulfilled: bool) -> StoreWord:
    """Read the store's quantities; `is_gone` says that the line or the order was cancelled."""
    return StoreWord(0 if is_gone else max(0, bought - taken_out), is_fulfilled)


def follow(ledger: LineLedger, word: StoreWord) -> LineLedger:
    """Let the store's word decide what is removed and what is fulfilled elsewhere.

    Units in parcels cannot be removed: giving their money back moves no goods. What nobody has is
    removed before what nobody is to process, and that before what vendors have, of which too much
    is over-allocated and withdrawn.
    """
    in_parcels = min(ledger.packed, ledger.ordered)
    removed = min(ledger.ordered - min(word.wanted, ledger.ordered), ledger.ordered - in_parcels)
    left = ledger.ordered - removed - ledger.packed
    excluded = min(ledger.excluded, max(0, left - ledger.allocated))
    elsewhere = max(0, left - excluded) if word.is_fulfilled else 0
    return replace(ledger, removed=removed, excluded=excluded, elsewhere=elsewhere)


def restate(
    ledger: LineLedger, *, bought: int, taken_out: int, is_gone: bool, is_fulfilled: bool
) -> LineLedger:
    """Take over what the store now says of a line.

    A store may lower a quantity, so `ordered` is the most that was ever bought and the rest is
    removed.
    """
    word = store_word(
        bought=bought, taken_out=taken_out, is_gone=is_gone, is_fulfilled=is_fulfilled
    )
    return follow(replace(ledger, ordered=max(ledger.ordered, bought)), word)


def shipping_status(
    ledgers: Iterable[LineLedger], *, has_parcel_in_trouble: bool
) -> ShippingStatus | None:
    """Derive the status of an admitted order; None when nothing is left to process."""
    lines = tuple(ledgers)
    if has_parcel_in_trouble:
        return ShippingStatus.EXCEPTION
    if any(line.open > 0 for line in lines):
        return ShippingStatus.PENDING
    if any(line.allocated > 0 or line.packed > line.handed_over for line in lines):
        return ShippingStatus.PROCESSING
    if any(line.handed_over > line.delivered + line.settled for line in lines):
        return ShippingStatus.IN_TRANSIT
    if any(line.delivered > 0 for line in lines):
        return ShippingStatus.DELIVERED
    return None
