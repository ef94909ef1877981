"""What the refunds of a case come to, within what was paid and not given back yet."""

from collections.abc import Sequence

from oms.domain.errors import Refused
from oms.domain.money import Money
from oms.domain.settlements import PaidPart, ResolutionMode, Term
from oms.storage import claims
from oms.storage.cases import CaseRecord, ItemRecord
from oms.storage.database import Database


def plan_refunds(
    db: Database, case: CaseRecord, terms: Sequence[Term]
) -> dict[int, tuple[Money, ...]]:
    """Return the amounts by item; a full refund is what is left, which may be nothing.

    What the same case gave back for an item before is taken off the amount that is agreed for it.

    The order of the case is locked, so that what is left stays so until the refund is written.

    Raises:
        Refused: REFUND_EXCEEDS_PAID
    """
    items = {item.number: item for item in case.items}
    before = claims.refunded_before(db, case.id)
    given = claims.refunded_by(db, case.id)
    parts: dict[str, PaidPart] = {}
    planned: dict[int, tuple[Money, ...]] = {}
    for term in terms:
        if term.mode not in (ResolutionMode.FULL_REFUND, ResolutionMode.PARTIAL_REFUND):
            continue
        item = items[term.item]
        part = parts.get(item.paid_allocation_id)
        if part is None:
            part = parts[item.paid_allocation_id] = claims.paid_part(db, item.paid_allocation_id)
        left = part.left(item.paid_line_id, item.quantity, before.get(item.number, {}))
        due = _due(term, given.get(item.number, {}))
        planned[item.number] = _amounts(case, item, due, left)
        for amount in planned[item.number]:
            part.refund(item.paid_line_id, amount)
    return planned


def _due(term: Term, given: dict[str, int]) -> Money | None:
    """Return what is still to be given back; None is all that is left."""
    if term.amount is None:
        return None
    currency = term.amount.currency
    return Money(currency, max(0, term.amount.amount_minor - given.get(currency, 0)))


def _amounts(
    case: CaseRecord, item: ItemRecord, due: Money | None, left: dict[str, int]
) -> tuple[Money, ...]:
    if due is None:
        return tuple(Money(currency, amount) for currency, amount in left.items() if amount)
    available = Money(due.currency, left.get(due.currency, 0))
    if due.amount_minor > available.amount_minor:
        raise Refused(
            f"cannot give back {due} for item {item.number} of {case.name}: of what was"
            f" paid for it, {available} is left",
            reason="REFUND_EXCEEDS_PAID",
            line=item.line_id,
            currency=available.currency,
            asked=due.amount_minor,
            available=available.amount_minor,
        )
    return (due,) if due.amount_minor else ()
