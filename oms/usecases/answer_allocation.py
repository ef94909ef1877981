"""What a vendor answers to its part of an order: accept, reject, close short, record costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.allocations import (
    ALLOCATION_TABLE,
    AllocationEvent,
    AllocationState,
    RejectReason,
)
from oms.domain.costs import Cost, CostKind, CostSource
from oms.domain.errors import IllegalTransition, InvalidInput, Violation
from oms.domain.money import Money, is_currency
from oms.domain.views import AllocationView
from oms.storage import allocation_views, allocations, sales
from oms.usecases.context import Transaction, require_version
from oms.usecases.move_allocation import (
    allocation_name,
    lock_allocation,
    move_allocation,
    write_history,
)
from oms.usecases.withdraw_units import settle


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
    settle(tx, [found.order_id])
    return allocation_views.get(tx.db, tx.owner_id, found.id)


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
    sales.refresh(tx.db, [found.order_id])
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
