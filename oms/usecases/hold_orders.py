"""Hold orders back from automatic allocation, release them, and cancel them."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.admission import Admission
from oms.domain.errors import FbaliError, NotFound, Refused
from oms.domain.holds import Hold, HoldReason
from oms.domain.jobs import BATCH_ORDERS_MAX, ClaimedJob, Cursor, JobKind
from oms.domain.ledger import PendingReason
from oms.domain.views import OrderView
from oms.storage import events, holds, jobs, order_views, orders
from oms.storage.events import NewEvent
from oms.storage.orders import OwnedOrder
from oms.usecases.careful_batches import DueWork, run_batch
from oms.usecases.context import Oms, Transaction, require_version
from oms.usecases.withdraw_units import settle


@dataclass(frozen=True, slots=True)
class OrderOutcome:
    """What became of one order of many; None when nothing was refused."""

    order_id: str
    refusal: FbaliError | None


@dataclass(frozen=True, slots=True)
class HoldOrders:
    """Orders of the calling merchant that are to be held."""

    order_ids: Sequence[str]
    reason: HoldReason
    note: str = ""
    expire_at: int | None = None


def hold_orders(tx: Transaction, command: HoldOrders) -> list[OrderOutcome]:
    """Put a hold on each order, or leave it untouched and say why."""
    owned = orders.lock_owned(tx.db, tx.owner_id, command.order_ids)
    admitted = [order.id for order in owned.values() if order.admission == Admission.ADMITTED]
    hold = Hold(command.reason, tx.actor, command.note, command.expire_at, tx.now_ms)
    holds.put(tx.db, admitted, hold)
    orders.mark_waiting(tx.db, admitted, PendingReason.HELD)
    _write_history(tx, admitted, "order.held", command.reason.value)
    return _outcomes(tx, command.order_ids, owned)


@dataclass(frozen=True, slots=True)
class ReleaseOrders:
    """Orders of the calling merchant whose holds end; None for holds of any reason."""

    order_ids: Sequence[str]
    reason: HoldReason | None = None


def release_orders(tx: Transaction, command: ReleaseOrders) -> list[OrderOutcome]:
    """Release holds and ask for the allocation of orders that have none left."""
    owned = orders.lock_owned(tx.db, tx.owner_id, command.order_ids)
    admitted = [order.id for order in owned.values() if order.admission == Admission.ADMITTED]
    holds.release(tx.db, admitted, command.reason)
    _write_history(tx, admitted, "order.released", command.reason or "")
    request_allocation(tx, tx.owner_id, admitted)
    return _outcomes(tx, command.order_ids, owned)


def run_expire_holds(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """End a batch of holds whose time has come; orders without any left are allocated."""
    return run_batch(oms, job, _EXPIRED_HOLDS)


def _end_holds(tx: Transaction, order_ids: Sequence[str]) -> None:
    orders.lock(tx.db, order_ids)
    ended = {
        order_id: [hold for hold in found if hold.has_ended(tx.now_ms)]
        for order_id, found in holds.of_orders(tx.db, order_ids).items()
    }
    holds.drop_expired(tx.db, order_ids, tx.now_ms)
    for merchant_id, owned in orders.by_merchant(tx.db, order_ids).items():
        expired = [
            _event(tx, merchant_id, order_id, "order.hold_expired", hold.reason.value)
            for order_id in owned
            for hold in ended[order_id]
        ]
        events.append(tx.db, expired, tx.now_ms)
        request_allocation(tx, merchant_id, owned)


_EXPIRED_HOLDS: DueWork[str] = DueWork(
    read=lambda tx, limit: holds.expired(tx.db, tx.now_ms, limit),
    do=_end_holds,
    put_off=lambda tx, order_id, until: holds.put_off(tx.db, order_id, tx.now_ms, until),
)


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """An order of the calling merchant that is not to be processed any further."""

    order_id: str
    note: str = ""
    etag: str = ""


def cancel_order(tx: Transaction, command: CancelOrder) -> OrderView:
    """Exclude what is open, withdraw what no vendor accepted, ask vendors for the rest.

    Cancelling again changes nothing.

    Raises:
        NotFound, Conflict
        Refused: the order is not processed here.
    """
    owned = orders.lock_owned(tx.db, tx.owner_id, [command.order_id])
    name = f"merchants/{tx.owner_id}/orders/{command.order_id}"
    if command.order_id not in owned:
        raise NotFound.of(name)
    order = owned[command.order_id]
    require_version(name, command.etag, order.version)
    _require_admitted(order, name)
    if order.cancelled_at is None:
        orders.cancel(tx.db, order.id, tx.now_ms)
        _write_history(tx, [order.id], "order.cancelled")
        settle(tx, [order.id])
    return order_views.get(tx.db, tx.owner_id, order.id)


def request_allocation(tx: Transaction, merchant_id: str, order_ids: Sequence[str]) -> None:
    """Write allocation jobs for orders of one merchant."""
    for start in range(0, len(order_ids), BATCH_ORDERS_MAX):
        jobs.enqueue(
            tx.db,
            JobKind.ALLOCATE_ORDERS,
            tx.now_ms,
            args={"order_ids": list(order_ids[start : start + BATCH_ORDERS_MAX])},
            merchant_id=merchant_id,
        )


def _require_admitted(order: OwnedOrder, name: str) -> None:
    refusal = refusal_of(order, name)
    if refusal is not None:
        raise refusal


def refusal_of(order: OwnedOrder | None, name: str) -> FbaliError | None:
    """Say why nothing can be done with an order of many, or None."""
    if order is None:
        return NotFound.of(name)
    if order.admission != Admission.ADMITTED:
        return Refused(f"{name} is not processed here: it is {order.admission.value}")
    return None


def _outcomes(
    tx: Transaction, order_ids: Sequence[str], owned: dict[str, OwnedOrder]
) -> list[OrderOutcome]:
    return [
        OrderOutcome(
            order_id,
            refusal_of(owned.get(order_id), f"merchants/{tx.owner_id}/orders/{order_id}"),
        )
        for order_id in order_ids
    ]


def _write_history(tx: Transaction, order_ids: Sequence[str], kind: str, reason: str = "") -> None:
    rows = [_event(tx, tx.owner_id, order_id, kind, reason) for order_id in order_ids]
    events.append(tx.db, rows, tx.now_ms)


def _event(tx: Transaction, merchant_id: str, order_id: str, kind: str, reason: str) -> NewEvent:
    subject = f"merchants/{merchant_id}/orders/{order_id}"
    details = {"reason": reason} if reason else {}
    return NewEvent(merchant_id, order_id, kind, tx.actor, subject, details)
