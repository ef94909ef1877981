"""Take over what a store says of its orders: idempotent, order by order, in one transaction.

An order that cannot be taken is quarantined with its reason and the rest of the page goes on. What
is new and has open units is handed to allocation in the same transaction.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oms.domain.admission import Admission, admission_problem, admit
from oms.domain.ids import IdKind, new_id
from oms.domain.jobs import BATCH_ORDERS_MAX, JobKind
from oms.domain.ledger import LineLedger, restate, store_word
from oms.domain.line_matching import match_lines
from oms.domain.snapshots import LineSnapshot, MalformedOrder, OrderSnapshot
from oms.domain.stores import Store
from oms.storage import (
    allocations,
    catalog,
    events,
    jobs,
    order_words,
    orders,
    sales,
    stores,
)
from oms.storage.catalog import VariantIds, VariantKey
from oms.storage.events import NewEvent
from oms.storage.orders import AppliedLine, AppliedOrder, KnownOrder, LineRecord
from oms.usecases.context import Transaction
from oms.usecases.order_history import STORE_ACTOR, address_history, line_history
from oms.usecases.withdraw_units import settle

_NO_PRODUCT = VariantIds("", "", needs_shipping=False)


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a page came to, in orders."""

    created: int
    changed: int
    unchanged: int
    quarantined: int


def apply_orders(
    tx: Transaction,
    store: Store,
    snapshots: Sequence[OrderSnapshot],
    malformed: Sequence[MalformedOrder],
) -> Applied:
    """Apply a page. Snapshots that are older than what is known, or the same, change nothing."""
    stores.lock(tx.db, store.id)
    newest = {snapshot.external_id: snapshot for snapshot in _oldest_first(snapshots)}
    known = orders.known(tx.db, store.id, list(newest))
    hashes = {key: _content_hash(snapshot) for key, snapshot in newest.items()}
    news = [item for key, item in newest.items() if _is_news(item, hashes[key], known.get(key))]
    refused = [(item, _problem(item, known.get(item.external_id))) for item in news]
    unfit = [
        MalformedOrder(item.external_id, problem, item.raw) for item, problem in refused if problem
    ]
    for bad in (*malformed, *unfit):
        stores.quarantine_order(tx.db, store, bad, tx.now_ms)
    taken = [item for item, problem in refused if not problem]
    created, changed = _write(tx, store, taken, known, hashes)
    _request_allocation(tx, store, [*created, *changed])
    quarantined = len(malformed) + len(unfit)
    return Applied(len(created), len(changed), len(newest) - len(news), quarantined)


def _oldest_first(snapshots: Iterable[OrderSnapshot]) -> list[OrderSnapshot]:
    return sorted(snapshots, key=lambda snapshot: snapshot.updated_at)


def _content_hash(snapshot: OrderSnapshot) -> str:
    return hashlib.blake2b(snapshot.raw, digest_size=16).hexdigest()


def _is_news(snapshot: OrderSnapshot, content_hash: str, known: KnownOrder | None) -> bool:
    if known is None:
        return True
    is_older = snapshot.updated_at * 1000 < known.store_updated_at
    return not is_older and content_hash != known.content_hash


def _problem(snapshot: OrderSnapshot, known: KnownOrder | None) -> str:
    """Say why an order cannot be processed; one that is not to be processed has no problem."""
    was_admitted = known is not None and known.admission == Admission.ADMITTED
    if was_admitted or admit(snapshot) != Admission.ADMITTED:
        return ""
    return admission_problem(snapshot)


def _write(
    tx: Transaction,
    store: Store,
    taken: Sequence[OrderSnapshot],
    known: Mapping[str, KnownOrder],
    hashes: Mapping[str, str],
) -> tuple[list[AppliedOrder], list[AppliedOrder]]:
    ids = catalog.variant_ids(
        tx.db, store, [line for item in taken for line in item.lines], tx.now_ms
    )
    before = orders.lines_of(
        tx.db, [known[item.external_id].id for item in taken if item.external_id in known]
    )
    created: list[AppliedOrder] = []
    changed: list[AppliedOrder] = []
    for item in taken:
        seen = known.get(item.external_id)
        order = _applied(tx, item, hashes[item.external_id], seen, before, ids)
        (created if seen is None else changed).append(order)
    orders.insert(tx.db, store, created, tx.now_ms)
    sales.refresh(tx.db, [order.id for order in created])
    order_words.insert(tx.db, store.merchant_id, created)
    stores.release_quarantined(tx.db, store.id, [item.external_id for item in taken])
    events.append(tx.db, [_history(store, order, None) for order in created], tx.now_ms)
    _write_changes(tx, store, changed, known, before)
    return created, changed


def _write_changes(
    tx: Transaction,
    store: Store,
    changed: Sequence[AppliedOrder],
    known: Mapping[str, KnownOrder],
    before: Mapping[str, list[LineRecord]],
) -> None:
    """Write what changed with its history, and take back what vendors are not to ship any more."""
    ids = [order.id for order in changed]
    addresses = orders.addresses(tx.db, ids)
    history: list[NewEvent] = []
    for order in changed:
        orders.update(tx.db, order)
        _write_ledgers(tx, order, before[order.id])
        history.append(_history(store, order, known[order.snapshot.external_id]))
        history += line_history(store, order, before[order.id])
        if addresses[order.id] != order.snapshot.address:
            allocations.note_address_change(tx.db, order.id, tx.now_ms)
            history.append(address_history(store, order))
    events.append(tx.db, history, tx.now_ms)
    order_words.refresh(tx.db, ids)
    settle(tx, ids)


def _applied(
    tx: Transaction,
    snapshot: OrderSnapshot,
    content_hash: str,
    known: KnownOrder | None,
    before: Mapping[str, list[LineRecord]],
    ids: Mapping[VariantKey, VariantIds],
) -> AppliedOrder:
    was_admitted = known is not None and known.admission == Admission.ADMITTED
    order_id = new_id(IdKind.ORDER, tx.now_ms) if known is None else known.id
    records = match_lines(snapshot.lines, before.get(order_id, ()))
    heard = snapshot
    if known is not None and known.is_completed_by_us:
        # What we completed in the store comes back as the store's word, but says nothing new.
        heard = replace(snapshot, is_fulfilled=False)
    lines = [
        _applied_line(tx, heard, position, line, records.get(line.external_id), ids)
        for position, line in enumerate(snapshot.lines)
    ]
    admission = Admission.ADMITTED if was_admitted else admit(snapshot)
    if admission == Admission.ADMITTED and not was_admitted and not _ships(lines):
        admission = Admission.NOTHING_TO_SHIP
    return AppliedOrder(order_id, snapshot, content_hash, admission, tuple(lines))


def _ships(lines: Sequence[AppliedLine]) -> bool:
    return any(line.ids.needs_shipping for line in lines)


def _applied_line(
    tx: Transaction,
    order: OrderSnapshot,
    position: int,
    line: LineSnapshot,
    record: LineRecord | None,
    ids: Mapping[VariantKey, VariantIds],
) -> AppliedLine:
    found = ids.get((line.product_id, line.variant_id), _NO_PRODUCT)
    if record is not None and (not line.product_id or line.is_by_words):
        # The store deleted the product after the order was taken, or a file names it by its SKU
        # only, which may fit another one by now: what is known of it stays.
        found = VariantIds(record.product_id, record.variant_id, record.needs_shipping)
    heard: dict[str, Any] = {
        "bought": line.quantity,
        "taken_out": line.removed_quantity,
        "is_gone": order.is_cancelled,
        "is_fulfilled": order.is_fulfilled
        or line.is_fulfilled
        or not (line.needs_shipping and found.needs_shipping),
    }
    return AppliedLine(
        id=new_id(IdKind.LINE, tx.now_ms) if record is None else record.id,
        position=position,
        snapshot=line,
        ids=found,
        ledger=restate(LineLedger(0) if record is None else record.ledger, **heard),
        word=store_word(**heard),
        pending_reason="" if record is None else record.pending_reason,
        is_new=record is None,
    )


def _write_ledgers(tx: Transaction, order: AppliedOrder, before: Sequence[LineRecord]) -> None:
    kept = [(line.id, line.ledger) for line in order.lines if not line.is_new]
    shown = {line.id for line in order.lines}
    orders.write_ledgers(tx.db, kept)
    orders.forget_lines(tx.db, [line.id for line in before if line.id not in shown])


def _history(store: Store, order: AppliedOrder, known: KnownOrder | None) -> NewEvent:
    was = None if known is None else known.admission
    details = {"store_status": order.snapshot.store_status, "after": order.admission.value}
    if was is not None:
        details["before"] = was.value
    if order.admission == Admission.ADMITTED != was:
        kind = "order.admitted"
    else:
        kind = "order.seen" if was is None else "order.changed"
    subject = f"merchants/{store.merchant_id}/orders/{order.id}"
    return NewEvent(store.merchant_id, order.id, kind, STORE_ACTOR, subject, details)


def _request_allocation(tx: Transaction, store: Store, applied: Sequence[AppliedOrder]) -> None:
    """Write allocation jobs, also for a manual store: they give its lines their reason."""
    waiting = [order.id for order in applied if order.has_open_units]
    for start in range(0, len(waiting), BATCH_ORDERS_MAX):
        jobs.enqueue(
            tx.db,
            JobKind.ALLOCATE_ORDERS,
            tx.now_ms,
            args={"order_ids": waiting[start : start + BATCH_ORDERS_MAX]},
            merchant_id=store.merchant_id,
        )
