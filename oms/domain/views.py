"""Orders and allocations as they are read: complete, ready to be shown, never changed.

Instants are epoch milliseconds. Lists are read with less than details; what is left out is empty.
They are not frozen all the same: a page builds hundreds, and freezing one triples its cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.admission import Admission
from oms.domain.allocations import AllocationState
from oms.domain.costs import CostKind, CostSource, final
from oms.domain.holds import Hold
from oms.domain.ledger import LineLedger, ShippingStatus
from oms.domain.money import Money, totals
from oms.domain.snapshots import Address
from oms.domain.tracking import ExceptionReason, PackageState
from oms.domain.write_backs import WriteBack


@dataclass(slots=True)
class CostEntry:
    """One entry of an allocation's cost ledger."""

    kind: CostKind
    source: CostSource
    amount: Money
    note: str
    created_at: int


@dataclass(slots=True)
class TrackingEventView:
    """One scan or notice; `state` None means that it moves nothing."""

    occurred_at: int
    state: PackageState | None
    exception_reason: ExceptionReason | None
    raw_status: str
    description: str
    location: str
    source: str


@dataclass(slots=True)
class PackageLineView:
    """Units of an order line in a parcel."""

    line_id: str
    quantity: int


@dataclass(slots=True)
class PackageView:
    """One parcel."""

    id: str
    allocation_id: str
    order_id: str
    vendor_id: str
    carrier_code: str
    tracking_number: str
    state: PackageState
    exception_reason: ExceptionReason | None
    raw_status: str
    handed_over_at: int | None
    delivered_at: int | None
    next_poll_at: int | None
    tracking_problem: str
    version: int
    created_at: int
    stalls_at: int | None
    lines: tuple[PackageLineView, ...] = ()
    events: tuple[TrackingEventView, ...] = ()


@dataclass(slots=True)
class AllocationLineView:
    """Units of one order line that a vendor fulfils."""

    line_id: str
    title: str
    sku: str
    vendor_sku: str
    purchase_url: str
    quantity: int
    packed: int
    returned: int
    unit_cost: Money | None
    asked_back: int = 0


@dataclass(slots=True)
class AllocationView:
    """One vendor's part of one order."""

    id: str
    merchant_id: str
    order_id: str
    order_number: str
    vendor_id: str
    vendor_display_name: str
    merchant_display_name: str
    state: AllocationState
    reject_reason: str
    note: str
    accept_deadline_at: int | None
    accepted_at: int | None
    closed_at: int | None
    version: int
    created_at: int
    lines: tuple[AllocationLineView, ...] = ()
    packages: tuple[PackageView, ...] = ()
    costs: tuple[CostEntry, ...] = ()
    recipient: Address | None = None
    cancellation_deadline_at: int | None = None
    address_changed_at: int | None = None

    def total(self, source: CostSource) -> tuple[Money, ...]:
        """Sum the costs of one source per currency."""
        if not self.costs:
            return ()
        return totals(cost.amount for cost in self.costs if cost.source == source)

    def final_costs(self) -> tuple[Money, ...]:
        """Sum what counts per currency: of each kind the recorded costs, else the quoted ones."""
        return totals(cost.amount for cost in final(self.costs)) if self.costs else ()


@dataclass(slots=True)
class LineView:
    """One line of an order with its ledger."""

    id: str
    order_id: str
    external_id: str
    product_id: str
    variant_id: str
    title: str
    sku: str
    price: Money
    ledger: LineLedger
    pending_reason: str
    margin: Money | None = None


@dataclass(slots=True)
class EventView:
    """One row of history."""

    sequence: int
    kind: str
    actor: str
    subject: str
    details: Mapping[str, str]
    created_at: int


@dataclass(slots=True)
class OrderView:
    """One order."""

    id: str
    merchant_id: str
    store_id: str
    external_id: str
    number: str
    store_status: str
    admission: Admission
    status: ShippingStatus | None
    total: Money
    customer_name: str
    country: str
    placed_at: int
    store_updated_at: int
    version: int
    created_at: int
    customer_email: str = ""
    note: str = ""
    recipient: Address | None = None
    cancelled_at: int | None = None
    stalls_at: int | None = None
    holds: tuple[Hold, ...] = ()
    lines: tuple[LineView, ...] = ()
    allocations: tuple[AllocationView, ...] = ()
    history: tuple[EventView, ...] = ()
    write_backs: tuple[WriteBack, ...] = ()
    refunded: Money | None = None
    charged: Money | None = None
    margin: Money | None = None
    missing_rates: tuple[str, ...] = ()
