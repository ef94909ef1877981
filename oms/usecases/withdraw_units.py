"""Take back units that an order has no need of any more, and the vendors' answers to that."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.allocations import ALLOCATION_TABLE, AllocationEvent, AllocationState
from oms.domain.errors import IllegalTransition
from oms.domain.views import AllocationView
from oms.domain.withdrawal import withdraw
from oms.storage import allocation_views, allocations, recounting, withdrawals
from oms.storage.allocations import AllocationRecord
from oms.usecases.context import Transaction, require_version
from oms.usecases.move_allocation import (
    allocation_name,
    lock_allocation,
    move_allocation,
    take_back_quotes,
    write_history,
)
from oms.usecases.tell_stores import tell_stores

ANSWER_HOURS = 48  # How long a vendor has to answer; afterwards it keeps the units.
_HOUR_MS = 3_600_000

Units = dict[str, int]  # By line id.


def settle(tx: Transaction, order_ids: Sequence[str]) -> None:
    """Recount locked orders after something was done to their parts, and settle what follows."""
    recounting.refresh(tx.db, order_ids)
    withdraw_excess(tx, order_ids)
    tell_stores(tx, order_ids)


def withdraw_excess(tx: Transaction, order_ids: Sequence[str]) -> None:
    """Settle over-allocated lines of locked, recounted orders, and recount the orders again.

    Deciding again changes nothing; when the order needs units again, requests are taken back.
    """
    at_once: dict[str, Units] = {}
    asked: dict[str, Units] = {}
    for line in withdrawals.lines_to_settle(tx.db, order_ids):
        decision = withdraw(line.excess, line.live)
        for allocation_id, count in decision.at_once.items():
            at_once.setdefault(allocation_id, {})[line.line_id] = count
        for allocation_id, before in line.asked.items():
            count = decision.asked.get(allocation_id, 0)
            if count != before:
                asked.setdefault(allocation_id, {})[line.line_id] = count
    for allocation_id, units in at_once.items():
        _give_back_at_once(tx, allocations.record(tx.db, allocation_id), units)
    for allocation_id, units in asked.items():
        _ask(tx, allocations.record(tx.db, allocation_id), units)
    if at_once or asked:
        recounting.refresh(tx.db, order_ids)


def _give_back_at_once(tx: Transaction, found: AllocationRecord, units: Units) -> None:
    withdrawals.give_back(tx.db, found.id, units.items())
    take_back_quotes(tx, found, units)
    write_history(tx, found, "allocation.units_withdrawn", {"units": str(sum(units.values()))})
    left = allocations.record(tx.db, found.id)
    if any(line.unpacked for line in left.lines):
        allocations.touch(tx.db, found.id)
    else:
        move_allocation(tx, left, AllocationEvent.CANCEL)


def _ask(tx: Transaction, found: AllocationRecord, units: Units) -> None:
    withdrawals.ask_back(tx.db, found.id, units.items())
    total = sum(withdrawals.asked_of(tx.db, found.id).values())
    is_asked = found.state == AllocationState.CANCELLATION_REQUESTED
    if total and not is_asked:
        move_allocation(tx, found, AllocationEvent.REQUEST_CANCELLATION)
        withdrawals.set_deadline(tx.db, found.id, tx.now_ms + ANSWER_HOURS * _HOUR_MS)
    elif not total and is_asked:
        move_allocation(tx, found, AllocationEvent.TAKE_REQUEST_BACK)
    else:
        allocations.touch(tx.db, found.id)
    write_history(tx, found, "allocation.units_asked_back", {"units": str(total)})


@dataclass(frozen=True, slots=True)
class AnswerCancellation:
    """The calling vendor's answer to a cancellation request."""

    allocation_id: str
    agreed: bool
    note: str = ""
    etag: str = ""


def answer_cancellation(tx: Transaction, command: AnswerCancellation) -> AllocationView:
    """Give back what was asked, or keep it. Raises NotFound, IllegalTransition, Conflict."""
    found = lock_allocation(tx, tx.owner_id, command.allocation_id)
    require_version(allocation_name(found), command.etag, found.version)
    if found.state != AllocationState.CANCELLATION_REQUESTED:
        raise IllegalTransition(
            allocation_name(found),
            event="answer the cancellation request of",
            state=found.state.value,
            allowed=ALLOCATION_TABLE.allowed(found.state),
        )
    if command.agreed:
        _agree(tx, found, command.note)
    else:
        refuse_cancellation(tx, found, command.note)
    settle(tx, [found.order_id])
    return allocation_views.get(tx.db, tx.owner_id, found.id)


def _agree(tx: Transaction, found: AllocationRecord, note: str) -> None:
    asked = withdrawals.asked_of(tx.db, found.id)
    units = {line.line_id: min(line.unpacked, asked.get(line.line_id, 0)) for line in found.lines}
    withdrawals.give_back(tx.db, found.id, units.items())
    take_back_quotes(tx, found, units)
    left = allocations.record(tx.db, found.id)
    move_allocation(tx, left, _event_of(left), note=note)


def _event_of(left: AllocationRecord) -> AllocationEvent:
    if any(line.unpacked for line in left.lines):
        return AllocationEvent.AGREE_IN_PART
    if any(line.packed for line in left.lines):
        return AllocationEvent.WITHDRAW_REST
    return AllocationEvent.AGREE_TO_CANCEL


def refuse_cancellation(tx: Transaction, found: AllocationRecord, note: str) -> None:
    """Let a vendor keep what it was asked for; it is not asked for the same again."""
    withdrawals.keep(tx.db, found.id)
    move_allocation(tx, found, AllocationEvent.REFUSE_CANCELLATION, note=note)
