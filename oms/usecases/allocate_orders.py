"""Hand every vendor its part of orders, by the hosting rules.

`allocate` decides and writes for a batch in the caller's transaction. The job runs a batch in one
transaction; when a worker died over it or it failed, the orders are taken one by one, so that the
one that is to blame is found out and set aside, and the others proceed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from oms import crash_points
from oms.domain.costs import QuotedUnits, quoted_costs
from oms.domain.ids import IdKind, new_id
from oms.domain.jobs import CRASHES_MAX, FAILURES_MAX, ClaimedJob
from oms.domain.ledger import PendingReason
from oms.domain.planning import HostingRule, Plan, plan
from oms.domain.stores import Processing
from oms.storage import allocations, events, hostings, jobs, orders, recounting
from oms.storage.allocations import NewAllocation, WaitingOrder
from oms.storage.events import NewEvent
from oms.usecases.context import Oms, Transaction
from oms.usecases.note_waiting import note_waiting

_HOUR_MS = 3_600_000


def allocate(tx: Transaction, order_ids: Sequence[str]) -> int:
    """Allocate the open units of orders, all of one merchant; return how many parts were made.

    Idempotent: only open units are allocated. Orders of stores that process manually, and lines
    that no hosting fits, are left with their reason.
    """
    waiting = allocations.waiting_orders(tx.db, order_ids)
    if not waiting:
        return 0
    merchant_id = waiting[0].merchant_id
    products = sorted({line.product_id for order in waiting for line in order.lines})
    rules = hostings.rules(tx.db, merchant_id, products)
    plans = [(order, _plan(order, rules)) for order in waiting]
    parts = write_parts(tx, merchant_id, [(order.id, made) for order, made in plans])
    note_waiting(tx, merchant_id, {order.id: made.waiting for order, made in plans})
    recounting.refresh(tx.db, sorted({part.order_id for part in parts}))
    return len(parts)


def write_parts(
    tx: Transaction, merchant_id: str, plans: Sequence[tuple[str, Plan]]
) -> list[NewAllocation]:
    """Write the parts that plans give to vendors, by order id; the caller recounts the orders."""
    parts = _new_allocations(tx, merchant_id, plans)
    allocations.insert(tx.db, parts, tx.now_ms)
    events.append(tx.db, [submitted_event(tx, part) for part in parts], tx.now_ms)
    return parts


def _plan(order: WaitingOrder, rules: Mapping[str, Sequence[HostingRule]]) -> Plan:
    if order.is_held:
        return Plan({}, {line.line_id: PendingReason.HELD for line in order.lines})
    if order.processing == Processing.MANUAL:
        return Plan({}, {line.line_id: PendingReason.MANUAL for line in order.lines})
    return plan(order.lines, rules, order.country)


def _new_allocations(
    tx: Transaction, merchant_id: str, plans: Sequence[tuple[str, Plan]]
) -> list[NewAllocation]:
    vendors = sorted({vendor_id for _, made in plans for vendor_id in made.parts})
    hours = allocations.acceptance_hours(tx.db, merchant_id, vendors)
    return [
        NewAllocation(
            id=new_id(IdKind.ALLOCATION, tx.now_ms),
            merchant_id=merchant_id,
            order_id=order_id,
            vendor_id=vendor_id,
            accept_deadline_at=(
                tx.now_ms + hours[vendor_id] * _HOUR_MS if vendor_id in hours else None
            ),
            lines=part,
            costs=quoted_costs(
                QuotedUnits(line.quantity, line.rule.unit_cost, line.rule.shipping_cost)
                for line in part
            ),
        )
        for order_id, made in plans
        for vendor_id, part in made.parts.items()
    ]


def accept_deadline(tx: Transaction, merchant_id: str, vendor_id: str) -> int | None:
    """Return until when a vendor must accept a part, None where it need not."""
    hours = allocations.acceptance_hours(tx.db, merchant_id, [vendor_id])
    return tx.now_ms + hours[vendor_id] * _HOUR_MS if vendor_id in hours else None


def submitted_event(tx: Transaction, part: NewAllocation) -> NewEvent:
    """Tell of a new part, for history."""
    return NewEvent(
        part.merchant_id,
        part.order_id,
        "allocation.submitted",
        tx.actor,
        f"vendors/{part.vendor_id}/allocations/{part.id}",
        {
            "after": "SUBMITTED",
            "units": str(sum(line.quantity for line in part.lines)),
            "hostings": ",".join(sorted({line.rule.id for line in part.lines})),
        },
    )


def run_allocate_orders(oms: Oms, job: ClaimedJob) -> dict[str, Any] | None:
    """Run one step of a job whose `order_ids` are of one merchant; return the next cursor.

    The cursor holds the position of the order that is next, once they are taken one by one.
    """
    order_ids: list[str] = job.args["order_ids"]
    if not job.cursor and len(order_ids) > 1:
        if is_suspicious(job):
            return go_on(oms, job, {"position": 0})
        return _step(oms, job, order_ids, None)
    position: int = job.cursor.get("position", 0)
    is_last = position + 1 >= len(order_ids)
    return _step(oms, job, [order_ids[position]], None if is_last else {"position": position + 1})


def _step(
    oms: Oms, job: ClaimedJob, batch: list[str], cursor: dict[str, Any] | None
) -> dict[str, Any] | None:
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        allocate_unless_deadly(tx, job, batch)
        jobs.step(oms.db, job, cursor, tx.now_ms)
        crash_points.reach("allocate.written")
    crash_points.reach("allocate.committed")
    return cursor


def is_suspicious(job: ClaimedJob) -> bool:
    """Tell whether one of the orders may be the one that kills workers or fails."""
    return job.crashes > 0 or job.failures > 0


def go_on(oms: Oms, job: ClaimedJob, cursor: dict[str, Any]) -> dict[str, Any]:
    """Save a cursor that says how to go on after a crash or failure; their count begins anew."""
    with oms.db.transaction():
        jobs.advance(oms.db, job, cursor, oms.clock.now_ms())
    return cursor


def allocate_unless_deadly(tx: Transaction, job: ClaimedJob, batch: Sequence[str]) -> None:
    """Allocate a batch, or set it aside: a single order that killed its workers or always fails."""
    if job.crashes < CRASHES_MAX and job.failures < FAILURES_MAX - 1:
        allocate(tx, batch)
        return
    orders.lock(tx.db, batch)
    set_aside = {
        order_id: {line.id: PendingReason.QUARANTINED for line in lines if line.ledger.open}
        for order_id, lines in orders.lines_of(tx.db, batch).items()
    }
    note_waiting(tx, job.merchant_id, set_aside)
