"""Note what stores are to be told of parcels, in the transaction that gives cause for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from oms.domain.jobs import JobKind
from oms.domain.write_backs import (
    WRITE_BACK_TABLE,
    Action,
    WriteBack,
    WriteBackEvent,
    WriteBackState,
    decide,
    has_waiting_units,
)
from oms.storage import events, jobs, write_backs
from oms.storage.events import NewEvent
from oms.storage.write_backs import OrderParcels
from oms.usecases.context import Transaction


def tell_stores(tx: Transaction, order_ids: Sequence[str]) -> None:
    """Write what follows for the stores of locked, recounted orders; again, it changes nothing.

    Orders without parcels cost one statement in all.
    """
    with_parcels = write_backs.parcels_of(tx.db, order_ids)
    if not with_parcels:
        return
    ledgers = write_backs.ledgers_of(tx.db, [order.order_id for order in with_parcels])
    for order in with_parcels:
        waits = has_waiting_units(ledgers[order.order_id])
        _carry_out(tx, order, decide(order.mode, order.parcels, has_waiting_units=waits))


def _carry_out(tx: Transaction, order: OrderParcels, actions: Mapping[str, Action]) -> None:
    to_tell = [key for key, action in actions.items() if action == Action.TELL]
    if to_tell:
        write_backs.insert(tx.db, order, to_tell, tx.now_ms)
        request_write_back(tx, order.merchant_id, order.store_id, order.order_id)
    corrected = [key for key, action in actions.items() if action != Action.TELL]
    for found in write_backs.of_packages(tx.db, corrected) if corrected else ():
        if actions[found.package_id] == Action.SUPERSEDE:
            supersede(tx, found)
        else:
            write_backs.update(tx.db, replace(found, is_outdated=True))
            write_history(tx, found, "write_back.outdated")


def request_write_back(tx: Transaction, merchant_id: str, store_id: str, order_id: str) -> None:
    """Write the job that tells the store of an order, unless one waits already."""
    jobs.enqueue(
        tx.db,
        JobKind.WRITE_BACK,
        tx.now_ms,
        args={"order_id": order_id, "store_id": store_id},
        dedupe_key=f"write_back:{order_id}",
        merchant_id=merchant_id,
    )


def supersede(tx: Transaction, found: WriteBack) -> None:
    """End a write-back of which the store was not told; the parcel was voided."""
    move(tx, found, WriteBackEvent.SUPERSEDE, next_attempt_at=None, finished_at=tx.now_ms)
    write_history(tx, found, "write_back.superseded")


def move(tx: Transaction, found: WriteBack, event: WriteBackEvent, **changes: object) -> WriteBack:
    """Advance a write-back of a locked order along its table; raises IllegalTransition."""
    state: WriteBackState = WRITE_BACK_TABLE.advance(write_back_name(found), found.state, event)
    moved = replace(found, state=state, **changes)  # type: ignore[arg-type]
    write_backs.update(tx.db, moved)
    return moved


def write_back_name(found: WriteBack) -> str:
    """Return the resource name of a write-back."""
    return f"merchants/{found.merchant_id}/writeBacks/{found.id}"


def write_history(tx: Transaction, found: WriteBack, kind: str, **details: str) -> None:
    """Write a row of the order's history about a write-back: no words of the store."""
    event = NewEvent(
        found.merchant_id,
        found.order_id,
        kind,
        tx.actor,
        write_back_name(found),
        {"package": found.package_id, **details},
    )
    events.append(tx.db, [event], tx.now_ms)
