"""What merchant, vendor and operator do to a case that was submitted."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.case_views import CaseView
from oms.domain.cases import OPEN_STATES, TURNS, CaseAction, CaseRejectReason, CaseState, advance
from oms.domain.errors import IllegalTransition, InvalidInput, LimitExceeded
from oms.domain.principals import SYSTEM, Role
from oms.domain.settlements import Term, check_terms
from oms.storage import case_views, cases, events, orders
from oms.storage.cases import CaseMove, CaseRecord, NewMessage
from oms.storage.events import NewEvent
from oms.usecases.context import Transaction, require_version
from oms.usecases.plan_refunds import plan_refunds
from oms.usecases.settle_cases import carry_out, confirm, review_outcomes, take_back

FREE_MESSAGES_MAX = 200  # Of one case; what is said with an action comes on top.
_HOUR_MS = 3_600_000

# Whose proposal an action agrees to.
_AGREED_WITH = {
    CaseAction.ACCEPT: Role.MERCHANT,
    CaseAction.ACCEPT_OFFER: Role.VENDOR,
    CaseAction.UPHOLD: Role.MERCHANT,
}


@dataclass(frozen=True, slots=True)
class MoveCase:
    """An action of the caller; terms go with offers, counter-offers and decisions."""

    name: str
    action: CaseAction
    note: str = ""
    terms: Sequence[Term] = ()
    reject_reason: CaseRejectReason | None = None
    etag: str = ""


def move_case(tx: Transaction, command: MoveCase) -> CaseView:
    """Move a case along its table; what is agreed by that happens in the same transaction.

    Raises:
        NotFound, InvalidInput, IllegalTransition, Conflict
        Refused: REFUND_EXCEEDS_PAID
    """
    assert tx.caller is not None
    case = lock_case(tx, command.name)
    require_version(case.name, command.etag, case.version)
    advance(case.name, case.state, command.action, tx.caller.role)
    if command.action in _SPEAKING and not command.note.strip():
        raise InvalidInput.of("text", "is more than blanks")
    if command.terms:
        quantities = {item.number: item.quantity for item in case.items}
        check_terms(command.terms, quantities, "terms")
        plan_refunds(tx.db, case, command.terms)
        cases.propose(tx.db, case.id, tx.caller.role, command.terms, tx.now_ms)
    after = shift(tx, case, command.action, command.reject_reason)
    _say(tx, case, command.note, command.action.name)
    _follow_up(tx, case, command, after)
    return view_of(tx, case)


_SPEAKING = frozenset({CaseAction.REQUEST_INFO, CaseAction.PROVIDE_INFO})


def _follow_up(tx: Transaction, case: CaseRecord, command: MoveCase, after: CaseState) -> None:
    """Do what the new state asks for."""
    if after == CaseState.ACCEPTED:
        side = _AGREED_WITH[command.action]
        terms = command.terms or cases.last_terms(tx.db, case.id, side)
        carry_out(tx, case, terms, has_vendor_agreed=command.action != CaseAction.UPHOLD)
        if review_outcomes(tx, case.id):
            shift(tx, cases.record(tx.db, case.id), CaseAction.COMPLETE)
    elif after == CaseState.RESOLVED:
        confirm(tx, case)
    elif case.state == CaseState.ACCEPTED:
        take_back(tx, case)


@dataclass(frozen=True, slots=True)
class AddMessage:
    """Something that the caller says."""

    name: str
    text: str


def add_message(tx: Transaction, command: AddMessage) -> CaseView:
    """Say something in an open case; moves nothing.

    Raises:
        NotFound, InvalidInput, IllegalTransition, LimitExceeded
    """
    case = lock_case(tx, command.name)
    if not command.text.strip():
        raise InvalidInput.of("text", "is more than blanks")
    if case.state not in OPEN_STATES:
        raise IllegalTransition(
            case.name, event="add a message to", state=case.state.value, allowed=()
        )
    if cases.free_message_count(tx.db, case.id) >= FREE_MESSAGES_MAX:
        raise LimitExceeded(
            f"{case.name} has {FREE_MESSAGES_MAX} messages, which is all that it takes",
            limit="messages",
        )
    _say(tx, case, command.text, "")
    cases.touch(tx.db, case.id, tx.now_ms)
    return view_of(tx, case)


def shift(
    tx: Transaction,
    case: CaseRecord,
    action: CaseAction,
    reject_reason: CaseRejectReason | None = None,
) -> CaseState:
    """Advance a locked case, set the next deadline and write history; raises IllegalTransition.

    What only the system may do is done in its name, whoever set it off.
    """
    is_system = tx.caller is None or action in _BY_SYSTEM
    role = None if is_system or tx.caller is None else tx.caller.role
    after = advance(case.name, case.state, action, role)
    has_missed = action == CaseAction.RUN_OUT and TURNS.get(case.state) == Role.VENDOR
    reason = None if reject_reason is None else reject_reason.value
    move = CaseMove(after, _deadline(tx, case, after), reason, tx.now_ms if has_missed else None)
    cases.move(tx.db, case.id, move, tx.now_ms)
    details = {"before": case.state.value, "after": after.value, "action": action.name}
    if reason:
        details["reason"] = reason
    actor = SYSTEM if is_system else tx.actor
    kind = f"case.{after.value.lower()}"
    event = NewEvent(case.merchant_id, case.order_id, kind, actor, case.name, details)
    events.append(tx.db, [event], tx.now_ms)
    return after


_BY_SYSTEM = frozenset({CaseAction.RUN_OUT, CaseAction.COMPLETE, CaseAction.FAIL})


def _deadline(tx: Transaction, case: CaseRecord, after: CaseState) -> int | None:
    turn = TURNS.get(after)
    hours = {
        Role.VENDOR: case.policy.answer_hours,
        Role.MERCHANT: case.policy.reply_hours,
    }
    return tx.now_ms + hours[turn] * _HOUR_MS if turn in hours else None


def _say(tx: Transaction, case: CaseRecord, text: str, action: str) -> None:
    assert tx.caller is not None
    if text.strip():
        message = NewMessage(tx.actor, tx.caller.role, action, text)
        cases.say(tx.db, case.id, message, tx.now_ms)


def lock_case(tx: Transaction, name: str) -> CaseRecord:
    """Lock a case that the caller sees by its order, then read it; raises NotFound."""
    assert tx.caller is not None
    case_id, order_id = cases.order_of(tx.db, tx.caller, name)
    orders.lock(tx.db, [order_id])
    return cases.record(tx.db, case_id)


def view_of(tx: Transaction, case: CaseRecord) -> CaseView:
    """Read a case as the caller sees it."""
    assert tx.caller is not None
    return case_views.get(tx.db, tx.caller, case.name)
