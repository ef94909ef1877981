"""Let happen what was agreed in a case: refunds, resends, and units that are out of the game.

Refunds are entries of the vendor's cost ledger and never touch the store. A resend is a line of the
order that costs the customer nothing, allocated to the vendor that sent the units first.
"""

from collections.abc import Mapping, Sequence

from oms.domain.allocations import AllocationEvent
from oms.domain.costs import Cost, CostKind, CostSource
from oms.domain.ids import IdKind, new_id
from oms.domain.money import Money
from oms.domain.planning import HostingRule, PlannedLine
from oms.domain.settlements import REFUNDS, RESENDS, ResolutionMode, Term, settles_units
from oms.storage import allocations, cases, events, recounting, resends
from oms.storage.allocations import NewAllocation
from oms.storage.cases import CaseRecord, ItemOutcome, ItemRecord
from oms.storage.events import NewEvent
from oms.storage.resends import NewResend, ResendRecord
from oms.usecases.allocate_orders import accept_deadline, submitted_event
from oms.usecases.answer_allocation import advance_case, move_allocation
from oms.usecases.context import Transaction
from oms.usecases.plan_refunds import plan_refunds
from oms.usecases.withdraw_units import withdraw_excess


def carry_out(
    tx: Transaction, case: CaseRecord, terms: Sequence[Term], *, has_vendor_agreed: bool
) -> None:
    """Write refunds, allocate resends, and settle the units; the order is recounted.

    Raises:
        Refused: REFUND_EXCEEDS_PAID, when less is left than was when the terms were proposed.
    """
    items = {item.number: item for item in case.items}
    _refund(tx, case, plan_refunds(tx.db, case, terms))
    again = [term.item for term in terms if term.mode in RESENDS]
    resends.owe_what_is_held(tx.db, case.id, again)
    _resend(tx, case, _resends(tx, case, terms), has_vendor_agreed=has_vendor_agreed)
    cases.write_outcomes(
        tx.db,
        case.id,
        [
            ItemOutcome(
                number=term.item,
                mode=term.mode,
                is_done=term.mode in REFUNDS,
                is_settled=_is_settled(items[term.item], term.mode),
            )
            for term in terms
        ],
    )
    recounting.refresh(tx.db, [case.order_id])
    withdraw_excess(tx, [case.order_id])
    _wake_others(tx, case)


def _is_settled(item: ItemRecord, mode: ResolutionMode) -> bool:
    """What is settled by hand is settled when that is confirmed."""
    return mode != ResolutionMode.OTHER and settles_units(item.type, mode)


def _refund(tx: Transaction, case: CaseRecord, refunds: Mapping[int, Sequence[Money]]) -> None:
    history = []
    for item in case.items:
        for amount in refunds.get(item.number, ()):
            cost = Cost(CostKind.REFUND, CostSource.SETTLEMENT, amount.times(-1), case.name)
            entry = (item.paid_allocation_id, case.order_id, cost)
            allocations.insert_costs(tx.db, [entry], tx.now_ms)
            allocations.touch(tx.db, item.paid_allocation_id)
            cases.add_refund(tx.db, case.id, item.number, amount)
            details = {
                "item": str(item.number),
                "amount_minor": str(amount.amount_minor),
                "currency": amount.currency,
            }
            history.append(_event(tx, case, "case.refunded", details))
    events.append(tx.db, history, tx.now_ms)


def _resends(tx: Transaction, case: CaseRecord, terms: Sequence[Term]) -> list[NewResend]:
    """Owe the units of the terms, but never more of an item in all than it has units."""
    items = {item.number: item for item in case.items}
    made = []
    for term in terms:
        item = items[term.item]
        asked = term.quantity if term.mode == ResolutionMode.RESEND_PARTS else item.quantity
        count = min(asked, item.quantity - item.resent)
        if term.mode in RESENDS and count > 0:
            line_id = new_id(IdKind.LINE, tx.now_ms)
            made.append(NewResend(line_id, case.id, item.number, item.paid_line_id, count))
    return made


def _resend(
    tx: Transaction, case: CaseRecord, made: Sequence[NewResend], *, has_vendor_agreed: bool
) -> None:
    if not made:
        return
    resends.insert(tx.db, case.order_id, made)
    deadline_at = accept_deadline(tx, case.merchant_id, case.vendor_id)
    part = NewAllocation(
        id=new_id(IdKind.ALLOCATION, tx.now_ms),
        merchant_id=case.merchant_id,
        order_id=case.order_id,
        vendor_id=case.vendor_id,
        accept_deadline_at=None if has_vendor_agreed else deadline_at,
        lines=tuple(_planned(tx, case, resend) for resend in made),
        costs=(),
        case_id=case.id,
    )
    allocations.insert(tx.db, [part], tx.now_ms)
    details = {
        "allocation": part.id,
        "units": str(sum(resend.quantity for resend in made)),
        "lines": ",".join(resend.line_id for resend in made),
    }
    history = [_event(tx, case, "case.resent", details), submitted_event(tx, part)]
    events.append(tx.db, history, tx.now_ms)
    if has_vendor_agreed:
        move_allocation(tx, allocations.record(tx.db, part.id), AllocationEvent.ACCEPT)


def _planned(tx: Transaction, case: CaseRecord, resend: NewResend) -> PlannedLine:
    """Repeat what the vendor was told of the goods; what they cost is its own affair this time."""
    item = next(item for item in case.items if item.number == resend.number)
    goods = resends.goods_of(tx.db, item.paid_allocation_id, item.paid_line_id)
    rule = HostingRule(
        id=goods.hosting_id,
        product_id=goods.product_id,
        variant_id=goods.variant_id,
        vendor_id=case.vendor_id,
        countries=frozenset(),
        priority=0,
        is_active=True,
        is_vendor_active=True,
        vendor_sku=goods.vendor_sku,
        purchase_url=goods.purchase_url,
    )
    return PlannedLine(resend.line_id, resend.quantity, rule)


def review_outcomes(tx: Transaction, case_id: str) -> bool:
    """Note which resends of an agreed case have arrived; tell whether all that was agreed has."""
    case = cases.record(tx.db, case_id)
    modes = cases.agreed_modes(tx.db, case_id)
    by_item = _by_item(tx, case_id)
    arrived = [
        ItemOutcome(
            item.number,
            modes[item.number],
            is_done=True,
            is_settled=_is_settled(item, modes[item.number]),
        )
        for item in case.items
        if modes[item.number] in RESENDS
        and not item.is_done
        and all(resend.ended >= resend.owed for resend in by_item.get(item.number, ()))
    ]
    cases.write_outcomes(tx.db, case_id, arrived)
    done = {outcome.number for outcome in arrived}
    return all(item.is_done or item.number in done for item in case.items)


def drop_open_resends(tx: Transaction, case: CaseRecord) -> None:
    """Owe nothing more of what a vendor gave back after its case had gone on without it."""
    resends.owe_what_is_held(tx.db, case.id, [item.number for item in case.items])
    recounting.refresh(tx.db, [case.order_id])


def has_failed(tx: Transaction, case_id: str) -> bool:
    """Tell whether the vendor gave back units that it owed to an agreed case."""
    return any(resend.open for resend in resends.of_case(tx.db, case_id))


def _by_item(tx: Transaction, case_id: str) -> dict[int, list[ResendRecord]]:
    found: dict[int, list[ResendRecord]] = {}
    for resend in resends.of_case(tx.db, case_id):
        found.setdefault(resend.number, []).append(resend)
    return found


def confirm(tx: Transaction, case: CaseRecord) -> None:
    """Take the word that all that was agreed has happened; the order is recounted."""
    modes = cases.agreed_modes(tx.db, case.id)
    cases.write_outcomes(
        tx.db,
        case.id,
        [
            ItemOutcome(
                number=item.number,
                mode=modes[item.number],
                is_done=True,
                is_settled=settles_units(item.type, modes[item.number]),
            )
            for item in case.items
        ],
    )
    recounting.refresh(tx.db, [case.order_id])
    _wake_others(tx, case)


def take_back(tx: Transaction, case: CaseRecord) -> None:
    """Undo what was agreed and has not happened: units that are not packed are not owed any more.

    Refunds stay; what is agreed or decided next comes on top of them, within the same bounds. An
    item of which anything was packed again stays settled, so that nobody claims it anew.
    """
    sent = {resend.number for resend in resends.of_case(tx.db, case.id) if resend.packed}
    undone = [item.number for item in case.items if not item.is_done and item.number not in sent]
    cases.write_outcomes(
        tx.db,
        case.id,
        [ItemOutcome(number, None, is_done=False, is_settled=False) for number in undone],
    )
    resends.take_back(tx.db, case.id)
    recounting.refresh(tx.db, [case.order_id])
    withdraw_excess(tx, [case.order_id])


def _wake_others(tx: Transaction, case: CaseRecord) -> None:
    """Settling units that another case sent again may bring that one to its end."""
    for case_id in resends.cases_behind(tx.db, case.id):
        advance_case(tx, case_id, case.merchant_id)


def _event(tx: Transaction, case: CaseRecord, kind: str, details: dict[str, str]) -> NewEvent:
    return NewEvent(case.merchant_id, case.order_id, kind, tx.actor, case.name, details)
