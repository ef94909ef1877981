"""Moving a vendor's part of an order along its table, with everything that always goes with it."""

from collections.abc import Mapping

from oms.domain.allocations import (
    ALLOCATION_TABLE,
    AllocationEvent,
    AllocationState,
    RejectReason,
)
from oms.domain.costs import QuotedUnits, quoted_costs
from oms.domain.jobs import JobKind
from oms.storage import allocations, events, jobs, orders, withdrawals
from oms.storage.allocations import AllocationRecord
from oms.storage.events import NewEvent
from oms.usecases.context import Transaction


def move_allocation(
    tx: Transaction,
    found: AllocationRecord,
    event: AllocationEvent,
    *,
    reject_reason: RejectReason | None = None,
    note: str = "",
) -> None:
    """Advance a locked allocation along its table and write history; the caller recounts the order.

    Raises:
        IllegalTransition
    """
    state = ALLOCATION_TABLE.advance(allocation_name(found), found.state, event)
    reason = "" if reject_reason is None else reject_reason.value
    allocations.move(tx.db, found, state, tx.now_ms, reject_reason=reason, note=note)
    if found.state == AllocationState.CANCELLATION_REQUESTED != state:
        withdrawals.ask_nothing(tx.db, found.id)
    if state in _GIVING_BACK_STATES:
        allocations.return_unpacked(tx.db, found)
        unpacked = {line.line_id: line.unpacked for line in found.lines}
        take_back_quotes(tx, found, unpacked)
        _request_allocation(tx, found)
    details = {"before": found.state.value, "after": state.value}
    if reason:
        details["reason"] = reason
    if state != found.state:
        write_history(tx, found, f"allocation.{state.value.lower()}", details)


# States in which the vendor holds no units beyond those in parcels.
_GIVING_BACK_STATES = frozenset(
    {
        AllocationState.REJECTED,
        AllocationState.EXPIRED,
        AllocationState.CANCELLED,
        AllocationState.CLOSED,
    }
)


def take_back_quotes(tx: Transaction, found: AllocationRecord, units: Mapping[str, int]) -> None:
    """Take back the quoted costs of units, by line id, that a vendor gives back."""
    costs = quoted_costs(
        (
            QuotedUnits(-units[line.line_id], line.unit_cost, line.shipping_cost)
            for line in found.lines
            if units.get(line.line_id)
        ),
        "units given back",
    )
    allocations.insert_costs(tx.db, [(found.id, found.order_id, cost) for cost in costs], tx.now_ms)


def _request_allocation(tx: Transaction, found: AllocationRecord) -> None:
    """Let the next hosting in line have the units that came back."""
    if any(line.unpacked for line in found.lines):
        jobs.enqueue(
            tx.db,
            JobKind.ALLOCATE_ORDERS,
            tx.now_ms,
            args={"order_ids": [found.order_id]},
            merchant_id=found.merchant_id,
        )


def lock_allocation(tx: Transaction, vendor_id: str, allocation_id: str) -> AllocationRecord:
    """Lock a vendor's allocation by its order, then read it; raises NotFound."""
    orders.lock(tx.db, [allocations.order_of(tx.db, vendor_id, allocation_id)])
    return allocations.record(tx.db, allocation_id)


def allocation_name(found: AllocationRecord) -> str:
    """Return the resource name of an allocation."""
    return f"vendors/{found.vendor_id}/allocations/{found.id}"


def write_history(
    tx: Transaction, found: AllocationRecord, kind: str, details: dict[str, str]
) -> None:
    """Write a row of the order's history about an allocation."""
    event = NewEvent(
        found.merchant_id, found.order_id, kind, tx.actor, allocation_name(found), details
    )
    events.append(tx.db, [event], tx.now_ms)
