"""Cases, what was proposed and said in them, eligibility, and policies."""

from collections.abc import Iterable
from typing import Any

from fbali.v1.after_sales_policy_pb2 import AfterSalesPolicy as PolicyMessage
from fbali.v1.after_sales_policy_pb2 import EvidenceRule
from fbali.v1.after_sales_policy_pb2 import IssueType as IssueTypeNumber
from fbali.v1.case_pb2 import Case as CaseProto
from fbali.v1.case_pb2 import CaseAction as CaseActionNumber
from fbali.v1.case_pb2 import CaseItem as CaseItemMessage
from fbali.v1.case_pb2 import CaseMessage as SaidMessage
from fbali.v1.case_pb2 import CaseParty as CasePartyNumber
from fbali.v1.case_pb2 import CaseRejectReason as CaseRejectReasonNumber
from fbali.v1.case_pb2 import CaseState as CaseStateNumber
from fbali.v1.case_pb2 import Proposal as ProposalMessage
from fbali.v1.case_pb2 import ResolutionMode as ResolutionModeNumber
from fbali.v1.case_pb2 import ResolutionTerm
from fbali.v1.eligibility_pb2 import ClaimBlocker as ClaimBlockerNumber
from fbali.v1.eligibility_pb2 import TypeEligibility as TypeEligibilityMessage
from fbali.v1.eligibility_pb2 import UnitEligibility as UnitEligibilityMessage
from oms.domain.case_views import CaseItemView, CaseView, MessageView, ProposalView
from oms.domain.cases import FINAL_STATES, TURNS, CaseState, allowed_actions
from oms.domain.claims import AfterSalesPolicy, IssueType, TypeEligibility, UnitEligibility
from oms.domain.errors import InvalidInput
from oms.domain.principals import Principal
from oms.domain.settlements import ResolutionMode, Term
from oms.storage.after_sales_policies import StoredPolicy
from oms.usecases.check_claims import Eligibility
from oms.usecases.draft_cases import WantedItem
from server import names
from server.conversion.basics import instant, money, money_message, money_messages, number, word
from server.conversion.events import event_message

STATE_PREFIX = "CASE_STATE_"
ACTION_PREFIX = "CASE_ACTION_"
PARTY_PREFIX = "CASE_PARTY_"
TYPE_PREFIX = "ISSUE_TYPE_"
MODE_PREFIX = "RESOLUTION_MODE_"
REJECT_PREFIX = "CASE_REJECT_REASON_"
BLOCKER_PREFIX = "CLAIM_BLOCKER_"


def case_message(view: CaseView, caller: Principal) -> CaseProto:
    """Convert a case with all that was read of it, as one of its parties sees it."""
    turn = TURNS.get(view.state)
    is_open = view.state not in FINAL_STATES
    return CaseProto(
        name=names.case(view.merchant_id, view.id),
        order=names.order(view.merchant_id, view.order_id),
        order_number=view.order_number,
        merchant_display_name=view.merchant_display_name,
        vendor=names.vendor(view.vendor_id),
        vendor_display_name=view.vendor_display_name,
        state=number(CaseStateNumber, STATE_PREFIX, view.state),
        waiting_for=number(CasePartyNumber, PARTY_PREFIX, turn),
        deadline_time=instant(view.deadline_at),
        overdue=view.missed_at is not None and is_open,
        allowed_actions=[
            number(CaseActionNumber, ACTION_PREFIX, action.name)
            for action in allowed_actions(view.state, caller.role)
        ],
        description=view.description,
        items=[_item_message(view, item) for item in view.items],
        proposals=[_proposal_message(proposal) for proposal in view.proposals],
        messages=[_said_message(message) for message in view.messages],
        photo_count=view.photo_count,
        linked_cases=[names.case(view.merchant_id, case_id) for case_id in view.linked_ids],
        replacement_allocations=[
            names.allocation(view.vendor_id, allocation_id) for allocation_id in view.allocation_ids
        ],
        policy=policy_message(view.policy),
        reject_reason=number(CaseRejectReasonNumber, REJECT_PREFIX, view.reject_reason),
        history=[event_message(event) for event in view.history],
        create_time=instant(view.created_at),
        submit_time=instant(view.submitted_at),
        update_time=instant(view.updated_at),
        close_time=instant(view.closed_at),
        etag=str(view.version),
    )


def _item_message(view: CaseView, item: CaseItemView) -> CaseItemMessage:
    return CaseItemMessage(
        number=item.number,
        line=names.line(view.merchant_id, view.order_id, item.line_id),
        package=names.package(view.vendor_id, item.allocation_id, item.package_id),
        title=item.title,
        sku=item.sku,
        quantity=item.quantity,
        type=number(IssueTypeNumber, TYPE_PREFIX, item.type),
        agreed_mode=number(ResolutionModeNumber, MODE_PREFIX, item.agreed_mode),
        refunds=money_messages(item.refunds),
        replacement_lines=[
            names.line(view.merchant_id, view.order_id, line_id) for line_id in item.resend_line_ids
        ],
        replacement_quantity=item.resent,
        done=item.is_done,
    )


def _proposal_message(view: ProposalView) -> ProposalMessage:
    return ProposalMessage(
        number=view.number,
        party=number(CasePartyNumber, PARTY_PREFIX, view.role),
        terms=[
            ResolutionTerm(
                item=term.item,
                mode=number(ResolutionModeNumber, MODE_PREFIX, term.mode),
                amount=money_message(term.amount),
                quantity=term.quantity,
                note=term.note,
            )
            for term in view.terms
        ],
        create_time=instant(view.created_at),
    )


def _said_message(view: MessageView) -> SaidMessage:
    return SaidMessage(
        number=view.number,
        author=view.author,
        party=number(CasePartyNumber, PARTY_PREFIX, view.role),
        action=number(CaseActionNumber, ACTION_PREFIX, view.action),
        text=view.text,
        create_time=instant(view.created_at),
    )


def terms(messages: Iterable[Any]) -> tuple[Term, ...]:
    """Read the terms of a proposal."""
    return tuple(
        Term(
            item=message.item,
            mode=ResolutionMode(word(ResolutionModeNumber, MODE_PREFIX, message.mode)),
            amount=money(message, "amount"),
            quantity=message.quantity,
            note=message.note,
        )
        for message in messages
    )


def wanted_items(messages: Iterable[Any]) -> list[WantedItem]:
    """Read what is claimed and asked for."""
    return [
        WantedItem(
            line_id=names.last_id(message.line),
            package_id=names.last_id(message.package),
            quantity=message.quantity,
            type=IssueType(word(IssueTypeNumber, TYPE_PREFIX, message.type)),
            term=Term(
                item=0,
                mode=ResolutionMode(word(ResolutionModeNumber, MODE_PREFIX, message.mode)),
                amount=money(message, "amount"),
                quantity=message.resend_quantity,
                note=message.note,
            ),
        )
        for message in messages
    ]


def case_states(request: Any) -> tuple[CaseState, ...] | None:
    """Read which states a list is to show; none at all (None) if the wishes exclude each other."""
    states = {CaseState(word(CaseStateNumber, STATE_PREFIX, state)) for state in request.states}
    party = word(CasePartyNumber, PARTY_PREFIX, request.waiting_for)
    if not party:
        return tuple(sorted(states))
    awaited = {state for state, role in TURNS.items() if role == party}
    return tuple(sorted(states & awaited if states else awaited)) or None


def eligibility_messages(merchant_id: str, found: Eligibility) -> list[UnitEligibilityMessage]:
    """Convert the verdicts on an order's units."""
    return [_units_message(merchant_id, found, units) for units in found.units]


def _units_message(
    merchant_id: str, found: Eligibility, units: UnitEligibility
) -> UnitEligibilityMessage:
    line = found.lines[units.line_id]
    allocation_id = found.allocation_ids.get(units.package_id, "")
    return UnitEligibilityMessage(
        line=names.line(merchant_id, found.order_id, units.line_id),
        title=line.title,
        sku=line.sku,
        package=(
            names.package(units.vendor_id, allocation_id, units.package_id)
            if units.package_id
            else ""
        ),
        vendor=names.vendor(units.vendor_id) if units.vendor_id else "",
        vendor_display_name=found.vendor_names.get(units.vendor_id, ""),
        quantity=units.quantity,
        blocker=number(ClaimBlockerNumber, BLOCKER_PREFIX, units.blocker),
        cases=[names.case(merchant_id, case_id) for case_id in units.case_ids],
        types=[_type_message(item) for item in units.types],
        replacement=line.is_replacement,
    )


def _type_message(item: TypeEligibility) -> TypeEligibilityMessage:
    return TypeEligibilityMessage(
        type=number(IssueTypeNumber, TYPE_PREFIX, item.type),
        blocker=number(ClaimBlockerNumber, BLOCKER_PREFIX, item.blocker),
        from_time=instant(item.from_at),
        until_time=instant(item.until_at),
        photo_count_min=item.photo_count_min,
    )


def stored_policy_message(stored: StoredPolicy) -> PolicyMessage:
    """Convert the policy of a partnership."""
    message = policy_message(stored.policy)
    message.name = names.after_sales_policy(stored.merchant_id, stored.vendor_id)
    message.etag = str(stored.version)
    return message


def policy_message(policy: AfterSalesPolicy) -> PolicyMessage:
    """Convert a policy without its name."""
    return PolicyMessage(
        claim_days_after_delivery=policy.claim_days_after_delivery,
        claim_days_after_shipment=policy.claim_days_after_shipment,
        delayed_after_days=policy.delayed_after_days,
        answer_hours=policy.answer_hours,
        reply_hours=policy.reply_hours,
        not_received_when_delivered=policy.not_received_when_delivered,
        evidence=[
            EvidenceRule(type=number(IssueTypeNumber, TYPE_PREFIX, kind), photo_count_min=count)
            for kind, count in sorted(policy.photo_count_min.items())
            if count
        ],
    )


def policy(message: Any) -> AfterSalesPolicy:
    """Read a policy; raises InvalidInput when a type has two rules."""
    photos = {
        IssueType(word(IssueTypeNumber, TYPE_PREFIX, rule.type)): rule.photo_count_min
        for rule in message.evidence
    }
    if len(photos) != len(message.evidence):
        raise InvalidInput.of("policy.evidence", "has at most one rule for each type")
    return AfterSalesPolicy(
        claim_days_after_delivery=message.claim_days_after_delivery,
        claim_days_after_shipment=message.claim_days_after_shipment,
        delayed_after_days=message.delayed_after_days,
        answer_hours=message.answer_hours,
        reply_hours=message.reply_hours,
        not_received_when_delivered=message.not_received_when_delivered,
        photo_count_min=photos,
    )
