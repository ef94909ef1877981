"""What a vendor answers to its part of an order: accept, reject, close short, record costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms.domain.allocations import (
    ALLOCATION_TABLE,
    AllocationEvent,
    AllocationState,
    RejectReason,
)
from oms.domain.costs import Cost, CostKind, CostSource, QuotedUnits, quoted_costs
from oms.domain.errors import IllegalTransition, InvalidInput, Violation
from oms.domain.jobs import JobKind
from oms.domain.money import Money, is_currency
from oms.domain.views import AllocationView
from oms.storage import allocation_views, allocations, events, jobs, orders, recounting
from oms.storage.allocations import AllocationRecord
from oms.storage.events import NewEvent
from oms.usecases.context import Transaction, require_version


@dataclass(frozen=True, slots=True)
class AnswerAllocation:
    """An answer of the calling vendor; the reason goes with a rejection or a short close."""

    allocation_id: str
    event: AllocationEvent
    reject_reason: RejectReason | None = None
    note: str = ""
    etag: str = ""


def answer_allocation(tx: Transaction, command: AnswerAllocation) -> AllocationView:
    """Move an allocation; one that ends gives its unpacked units back to the order.

    Raises:
        NotFound, IllegalTransition, Conflict
    """
    found = lock_allocation(tx, tx.owner_id, command.allocation_id)
    require_version(allocation_name(found), command.etag, found.version)
    move_allocation(
        tx,
        found,
        command.event,
        reject_reason=command.reject_reason,
        note=command.note,
    )
    recounting.refresh(tx.db, [found.order_id])
    return allocation_views.get(tx.db, tx.owner_id, found.id)


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
    if state in _GIVING_BACK_STATES:
        allocations.return_unpacked(tx.db, found)
        unpacked = {line.line_id: line.unpacked for line in found.lines}
        take_back_quotes(tx, found, unpacked)
        _request_allocation(tx, found)
        advance_case(tx, found.case_id, found.merchant_id)
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


def advance_case(tx: Transaction, case_id: str, merchant_id: str) -> None:
    """Ask for a look at the case whose resend moved; nothing without a case."""
    if case_id:
        jobs.enqueue(
            tx.db,
            JobKind.ADVANCE_CASE,
            tx.now_ms,
            args={"case_id": case_id},
            dedupe_key=f"advance_case:{case_id}",
            merchant_id=merchant_id,
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


@dataclass(frozen=True, slots=True)
class RecordCosts:
    """Costs that the calling vendor records."""

    allocation_id: str
    costs: Sequence[tuple[CostKind, Money, str]]


def record_costs(tx: Transaction, command: RecordCosts) -> AllocationView:
    """Append to the cost ledger; only adjustments may be negative.

    Raises:
        NotFound, InvalidInput, IllegalTransition
    """
    _check_costs(command.costs)
    found = lock_allocation(tx, tx.owner_id, command.allocation_id)
    if found.state not in _COSTED_STATES:
        raise IllegalTransition(
            allocation_name(found),
            event="record costs of",
            state=found.state.value,
            allowed=ALLOCATION_TABLE.allowed(found.state),
        )
    entries = [Cost(kind, CostSource.ACTUAL, amount, note) for kind, amount, note in command.costs]
    allocations.insert_costs(
        tx.db, [(found.id, found.order_id, cost) for cost in entries], tx.now_ms
    )
    allocations.touch(tx.db, found.id)
    write_history(tx, found, "allocation.costs_recorded", {"entries": str(len(entries))})
    return allocation_views.get(tx.db, tx.owner_id, found.id)


_COSTED_STATES = frozenset(
    {
        AllocationState.SUBMITTED,
        AllocationState.ACCEPTED,
        AllocationState.CANCELLATION_REQUESTED,
        AllocationState.CLOSED,
        AllocationState.CANCELLED,
    }
)


def _check_costs(costs: Sequence[tuple[CostKind, Money, str]]) -> None:
    violations = []
    for index, (kind, amount, _) in enumerate(costs):
        field = f"costs[{index}].amount"
        if not is_currency(amount.currency):
            words = f"{amount.currency} is no ISO 4217 currency"
            violations.append(Violation(f"{field}.currency_code", words))
        if amount.amount_minor < 0 and kind != CostKind.ADJUSTMENT:
            words = "is at least 0; a correction is a negative ADJUSTMENT"
            violations.append(Violation(f"{field}.amount_minor", words))
    if violations:
        raise InvalidInput(violations)


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
