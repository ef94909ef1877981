"""Tell a store of the parcels of one order: one after the other, each exactly once.

A write-back is SENT before anything goes out, and whatever goes out carries a mark that is looked
up first. So a worker that dies between the store's answer and our commit leaves a write-back that
is found in the store next time, and nothing is said twice.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oms import crash_points
from oms.domain.errors import GatewayError, InvalidInput
from oms.domain.jobs import ClaimedJob, Cursor
from oms.domain.stores import Store, StoreState
from oms.domain.write_backs import (
    FAILURES_MAX,
    UNFINISHED_STATES,
    ParcelWord,
    WriteBack,
    WriteBackEvent,
    WriteBackMethod,
    WriteBackState,
    is_wholly_shipped,
    pause_ms,
)
from oms.storage import jobs, orders, stores, turns, write_backs
from oms.usecases.context import Oms, Transaction
from oms.usecases.ports import StoreAddress, StoreGateway
from oms.usecases.tell_stores import (
    move,
    request_write_back,
    supersede,
    write_history,
)

METHOD_KEPT_MS = 86_400_000  # A plugin that is installed later is noticed after a day.


@dataclass(frozen=True, slots=True)
class Intent:
    """A write-back that is SENT, with what the store is told.

    `completes` says that carriers now have the whole order. `is_void` says that the parcel was
    voided after sending began: then it is only looked up.
    """

    write_back: WriteBack
    method: WriteBackMethod
    word: ParcelWord
    completes: bool
    is_void: bool


def run_write_back(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Run one step: tell the store of the order's oldest parcel that it is to be told of."""
    with oms.db.session():
        waiting = write_backs.unfinished_of_order(oms.db, job.args["order_id"])
        if not waiting:
            _finish(oms, job)
            return None
        store = stores.get(oms.db, job.merchant_id, waiting[0].store_id)
        address = StoreAddress(store.platform, store.base_url, stores.credentials(oms.db, store.id))
    found = waiting[0]
    try:
        gateway = _open(oms, store, address)
        method = found.method or _method(oms, found, gateway)
        intent = _begin(oms, job, found, method)
        crash_points.reach("write_back.begun")
        external_id = "" if intent is None else _tell(gateway, intent)
    except GatewayError as error:
        return _record_problem(oms, job, found, error)
    cursor = {"told": found.id}
    if intent is not None:
        crash_points.reach("write_back.told")
        _confirm(oms, job, intent, external_id)
        crash_points.reach("write_back.confirmed")
    return cursor


def _finish(oms: Oms, job: ClaimedJob) -> None:
    with oms.db.transaction():
        jobs.finish(oms.db, job, oms.clock.now_ms())


def _open(oms: Oms, store: Store, address: StoreAddress) -> StoreGateway:
    if store.state != StoreState.CONNECTED:
        words = "the store is disconnected: connect it again, then retry"
        raise GatewayError(words, reason="GATEWAY_CREDENTIALS_REFUSED")
    try:
        return oms.stores.open(address)
    except InvalidInput as error:
        raise GatewayError(error.message, reason="GATEWAY_REQUEST_REFUSED") from None


def _method(oms: Oms, found: WriteBack, gateway: StoreGateway) -> WriteBackMethod:
    """Return how the store can be told, asking it when that was not found out lately."""
    with oms.db.session():
        known, known_at = write_backs.method_of(oms.db, found.store_id)
        order_external_id = write_backs.parcel_word(oms.db, found).order_external_id
    now_ms = oms.clock.now_ms()
    if known is not None and now_ms < known_at + METHOD_KEPT_MS:
        return known
    method = gateway.choose_write_back(order_external_id)
    with oms.db.transaction():
        write_backs.remember_method(oms.db, found.store_id, method, now_ms)
    return method


def _begin(oms: Oms, job: ClaimedJob, found: WriteBack, method: WriteBackMethod) -> Intent | None:
    """Write down what is about to be sent; None when the parcel was voided before that."""
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        orders.lock(tx.db, [found.order_id])
        waiting = write_backs.unfinished_of_order(tx.db, found.order_id)
        present = next((item for item in waiting if item.id == found.id), None)
        if present is None:  # The parcel was voided since the step began.
            return None
        is_void = write_backs.is_void(tx.db, present.package_id)
        if is_void and present.state == WriteBackState.PENDING:
            supersede(tx, present)
            return None
        if present.state == WriteBackState.PENDING:
            jobs.advance(tx.db, job, {"sent": present.id}, tx.now_ms)
        sent = move(tx, present, WriteBackEvent.SEND, method=method)
        completes = not is_void and _completes(tx, sent, waiting)
        if completes:
            write_backs.note_completion(tx.db, sent.order_id, tx.now_ms)
        crash_points.reach("write_back.written")
        return Intent(sent, method, write_backs.parcel_word(tx.db, sent), completes, is_void)


def _completes(tx: Transaction, sent: WriteBack, waiting: Sequence[WriteBack]) -> bool:
    """Tell whether the order is complete once the store knows of this parcel."""
    if any(item.id != sent.id for item in waiting):
        return False
    return is_wholly_shipped(write_backs.ledgers_of(tx.db, [sent.order_id])[sent.order_id])


def _tell(gateway: StoreGateway, intent: Intent) -> str:
    """Return the store's id of what it was told; empty when it was only looked up, in vain."""
    if intent.is_void:
        return gateway.find_parcel(intent.word, intent.method) or ""
    external_id = gateway.tell_parcel(intent.word, intent.method)
    if intent.completes:
        crash_points.reach("write_back.half_told")
        gateway.complete_order(intent.word.order_external_id)
    return external_id


def _confirm(oms: Oms, job: ClaimedJob, intent: Intent, external_id: str) -> None:
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        found = intent.write_back
        orders.lock(tx.db, [found.order_id])
        # A void that came while the store was asked has marked it, and that stays.
        found = write_backs.get(tx.db, found.merchant_id, found.id)
        jobs.advance(tx.db, job, {"told": found.id}, tx.now_ms)
        if not external_id:
            supersede(tx, found)
            return
        move(
            tx,
            found,
            WriteBackEvent.CONFIRM,
            external_id=external_id,
            problem_reason="",
            problem_message="",
            next_attempt_at=None,
            finished_at=tx.now_ms,
        )
        write_history(tx, found, "write_back.confirmed", method=intent.method.value)
        if intent.completes:
            write_history(tx, found, "write_back.order_completed")
        crash_points.reach("write_back.noted")


def _record_problem(
    oms: Oms, job: ClaimedJob, found: WriteBack, error: GatewayError
) -> Cursor | None:
    """Say what is wrong; try again later where that makes sense, else give this one up."""
    failures = found.failure_count + 1
    is_final = not error.retryable or failures >= FAILURES_MAX
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        if error.word == "GATEWAY_NOT_FOUND":  # A store is locked before its orders.
            write_backs.remember_method(tx.db, found.store_id, None, 0)
        orders.lock(tx.db, [found.order_id])
        present = write_backs.get(tx.db, found.merchant_id, found.id)
        if present.state not in UNFINISHED_STATES:  # The parcel was voided meanwhile.
            jobs.advance(tx.db, job, {"given_up": found.id}, tx.now_ms)
            return {"given_up": found.id}
        failed = replace(
            present,
            failure_count=failures,
            problem_reason=error.word,
            problem_message=error.message,
        )
        if is_final:
            give_up(tx, failed)
            cursor = {"given_up": found.id}
            jobs.advance(tx.db, job, cursor, tx.now_ms)
            return cursor
        rest_ms = int(error.retry_after_seconds * 1000)
        jitter = random.random()  # noqa: S311 - spreads retries, keeps no secret.
        pause = max(pause_ms(failures, jitter), rest_ms)
        write_backs.update(tx.db, replace(failed, next_attempt_at=tx.now_ms + pause))
        jobs.put_off(tx.db, job, error.message, tx.now_ms + pause, tx.now_ms)
        if rest_ms:
            turns.rest(tx.db, stores.turn_name(found.store_id), tx.now_ms + rest_ms, tx.now_ms)
        return None


def give_up(tx: Transaction, failed: WriteBack) -> None:
    """End a write-back of a locked order with the problem that it carries."""
    move(tx, failed, WriteBackEvent.GIVE_UP, next_attempt_at=None, finished_at=tx.now_ms)
    write_history(
        tx,
        failed,
        "write_back.failed",
        reason=failed.problem_reason,
        failures=str(failed.failure_count),
    )


def fail_write_backs(oms: Oms, job_id: str, args: Mapping[str, Any]) -> None:
    """End what a job that is given up was to tell, in its transaction."""
    tx = Transaction(oms.db, oms.clock.now_ms(), oms)
    orders.lock(tx.db, [args["order_id"]])
    for found in write_backs.unfinished_of_order(tx.db, args["order_id"]):
        words = f"an error of ours: ask the operator for job {job_id}"
        give_up(tx, replace(found, problem_reason="INTERNAL", problem_message=words))


@dataclass(frozen=True, slots=True)
class RetryWriteBack:
    """A failed write-back of the calling merchant that is to be tried again."""

    write_back_id: str


def retry_write_back(tx: Transaction, command: RetryWriteBack) -> WriteBack:
    """Try a failed write-back again now, with its failures forgotten.

    Raises:
        NotFound: no such write-back.
        IllegalTransition: it has not failed.
    """
    found = write_backs.get(tx.db, tx.owner_id, command.write_back_id)
    orders.lock(tx.db, [found.order_id])
    found = write_backs.get(tx.db, tx.owner_id, command.write_back_id)
    # Where the store has no such way to be told any more, another one is looked for.
    is_way_gone = found.problem_reason == "GATEWAY_NOT_FOUND"
    retried = move(
        tx,
        found,
        WriteBackEvent.RETRY,
        method=None if is_way_gone else found.method,
        failure_count=0,
        next_attempt_at=tx.now_ms,
        finished_at=None,
    )
    write_history(tx, found, "write_back.retried")
    request_write_back(tx, found.merchant_id, found.store_id, found.order_id)
    return retried
