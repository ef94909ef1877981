"""An after-sales case: its states, who may do what to it, and whose turn it is.

A case goes back and forth between the merchant and the vendor until both agree, the operator
decides, one gives in, or time runs out. What was agreed then happens (`domain/settlements.py`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from oms.domain.errors import IllegalTransition
from oms.domain.principals import Role
from oms.domain.transitions import TransitionTable


class CaseState(StrEnum):
    """How far a case has come."""

    DRAFT = "DRAFT"  # The merchant prepares it; it claims nothing yet.
    SUBMITTED = "SUBMITTED"  # The vendor is to answer.
    INFO_REQUESTED = "INFO_REQUESTED"  # The merchant is to answer a question.
    OFFERED = "OFFERED"  # The merchant is to answer an offer.
    COUNTERED = "COUNTERED"  # The vendor is to answer a counter-offer.
    REJECTED = "REJECTED"  # The merchant may escalate until the deadline.
    ESCALATED = "ESCALATED"  # The operator is to decide.
    ACCEPTED = "ACCEPTED"  # It is agreed; not all of it has happened.
    RESOLVED = "RESOLVED"  # All of it has happened. Final.
    DISMISSED = "DISMISSED"  # The vendor's refusal stands. Final.
    WITHDRAWN = "WITHDRAWN"  # The merchant took it back. Final.
    EXPIRED = "EXPIRED"  # The merchant did not answer in time. Final.


class CaseAction(StrEnum):
    """What can be done to it, as it reads in a sentence."""

    UPDATE = "update"
    SUBMIT = "submit"
    ACCEPT = "accept"
    REJECT = "reject"
    OFFER = "offer a resolution of"
    ACCEPT_OFFER = "accept the offer in"
    DECLINE_OFFER = "decline the offer in"
    COUNTER = "counter the offer in"
    REQUEST_INFO = "ask for more about"
    PROVIDE_INFO = "answer the question in"
    ESCALATE = "escalate"
    UPHOLD = "uphold"
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"
    RESOLVE = "resolve"
    RUN_OUT = "end the time of"
    COMPLETE = "complete"
    FAIL = "fail what was agreed in"


_S, _A = CaseState, CaseAction

# An offer on the table cannot be changed: the merchant must get what it reads when it accepts.
CASE_TABLE: Final = TransitionTable(
    "case",
    _S.DRAFT,
    {
        (_S.DRAFT, _A.UPDATE): _S.DRAFT,
        (_S.DRAFT, _A.SUBMIT): _S.SUBMITTED,
        (_S.DRAFT, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.DRAFT, _A.RUN_OUT): _S.EXPIRED,
        (_S.SUBMITTED, _A.ACCEPT): _S.ACCEPTED,
        (_S.SUBMITTED, _A.REJECT): _S.REJECTED,
        (_S.SUBMITTED, _A.OFFER): _S.OFFERED,
        (_S.SUBMITTED, _A.REQUEST_INFO): _S.INFO_REQUESTED,
        (_S.SUBMITTED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.SUBMITTED, _A.RUN_OUT): _S.ESCALATED,
        (_S.INFO_REQUESTED, _A.PROVIDE_INFO): _S.SUBMITTED,
        (_S.INFO_REQUESTED, _A.ACCEPT): _S.ACCEPTED,
        (_S.INFO_REQUESTED, _A.OFFER): _S.OFFERED,
        (_S.INFO_REQUESTED, _A.ESCALATE): _S.ESCALATED,
        (_S.INFO_REQUESTED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.INFO_REQUESTED, _A.RUN_OUT): _S.EXPIRED,
        (_S.OFFERED, _A.ACCEPT_OFFER): _S.ACCEPTED,
        (_S.OFFERED, _A.DECLINE_OFFER): _S.SUBMITTED,
        (_S.OFFERED, _A.COUNTER): _S.COUNTERED,
        (_S.OFFERED, _A.ACCEPT): _S.ACCEPTED,
        (_S.OFFERED, _A.ESCALATE): _S.ESCALATED,
        (_S.OFFERED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.OFFERED, _A.RUN_OUT): _S.EXPIRED,
        (_S.COUNTERED, _A.ACCEPT): _S.ACCEPTED,
        (_S.COUNTERED, _A.REJECT): _S.REJECTED,
        (_S.COUNTERED, _A.OFFER): _S.OFFERED,
        (_S.COUNTERED, _A.REQUEST_INFO): _S.INFO_REQUESTED,
        (_S.COUNTERED, _A.ESCALATE): _S.ESCALATED,
        (_S.COUNTERED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.COUNTERED, _A.RUN_OUT): _S.ESCALATED,
        (_S.REJECTED, _A.ESCALATE): _S.ESCALATED,
        (_S.REJECTED, _A.ACCEPT): _S.ACCEPTED,
        (_S.REJECTED, _A.OFFER): _S.OFFERED,
        (_S.REJECTED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.REJECTED, _A.RUN_OUT): _S.DISMISSED,
        (_S.ESCALATED, _A.UPHOLD): _S.ACCEPTED,
        (_S.ESCALATED, _A.DISMISS): _S.DISMISSED,
        (_S.ESCALATED, _A.ACCEPT): _S.ACCEPTED,
        (_S.ESCALATED, _A.WITHDRAW): _S.WITHDRAWN,
        (_S.ACCEPTED, _A.COMPLETE): _S.RESOLVED,
        (_S.ACCEPTED, _A.RESOLVE): _S.RESOLVED,
        (_S.ACCEPTED, _A.ESCALATE): _S.ESCALATED,
        (_S.ACCEPTED, _A.FAIL): _S.ESCALATED,
    },
)

# Who may do what, wherever the table has an arrow for it; nobody means that the system does it.
ACTORS: Final[Mapping[CaseAction, frozenset[Role]]] = {
    _A.UPDATE: frozenset({Role.MERCHANT}),
    _A.SUBMIT: frozenset({Role.MERCHANT}),
    _A.ACCEPT: frozenset({Role.VENDOR}),
    _A.REJECT: frozenset({Role.VENDOR}),
    _A.OFFER: frozenset({Role.VENDOR}),
    _A.ACCEPT_OFFER: frozenset({Role.MERCHANT}),
    _A.DECLINE_OFFER: frozenset({Role.MERCHANT}),
    _A.COUNTER: frozenset({Role.MERCHANT}),
    _A.REQUEST_INFO: frozenset({Role.VENDOR}),
    _A.PROVIDE_INFO: frozenset({Role.MERCHANT}),
    _A.ESCALATE: frozenset({Role.MERCHANT}),
    _A.UPHOLD: frozenset({Role.OPERATOR}),
    _A.DISMISS: frozenset({Role.OPERATOR}),
    _A.WITHDRAW: frozenset({Role.MERCHANT}),
    _A.RESOLVE: frozenset({Role.MERCHANT, Role.OPERATOR}),
    _A.RUN_OUT: frozenset(),
    _A.COMPLETE: frozenset(),
    _A.FAIL: frozenset(),
}

# Whose turn it is; in the other states nobody's.
TURNS: Final[Mapping[CaseState, Role]] = {
    _S.DRAFT: Role.MERCHANT,
    _S.SUBMITTED: Role.VENDOR,
    _S.INFO_REQUESTED: Role.MERCHANT,
    _S.OFFERED: Role.MERCHANT,
    _S.COUNTERED: Role.VENDOR,
    _S.REJECTED: Role.MERCHANT,
    _S.ESCALATED: Role.OPERATOR,
}

FINAL_STATES: Final = CASE_TABLE.finals()

# States in which a case claims its units: nobody else may claim them.
OPEN_STATES: Final = frozenset(CaseState) - FINAL_STATES - {_S.DRAFT}

# States in which what was agreed has happened or is under way.
AGREED_STATES: Final = frozenset({_S.ACCEPTED, _S.RESOLVED})

DRAFT_DAYS = 30  # How long a draft is kept that nobody touches.


class CaseRejectReason(StrEnum):
    """Why a vendor refuses a case."""

    EVIDENCE_INSUFFICIENT = "EVIDENCE_INSUFFICIENT"
    DELIVERED = "DELIVERED"
    NOT_COVERED = "NOT_COVERED"
    CUSTOMER_FAULT = "CUSTOMER_FAULT"
    AS_DESCRIBED = "AS_DESCRIBED"
    OTHER = "OTHER"


def allowed_actions(state: CaseState, role: Role | None) -> tuple[CaseAction, ...]:
    """List what a role (None is the system) may do to a case, in the order of the table."""
    return tuple(
        action
        for (source, action) in CASE_TABLE.arrows
        if source == state and (role in ACTORS[action] if role else not ACTORS[action])
    )


def advance(subject: str, state: CaseState, action: CaseAction, role: Role | None) -> CaseState:
    """Return the state after an action of a role (None is the system).

    Raises:
        IllegalTransition: the role may not do that in this state; names what it may do.
    """
    allowed = allowed_actions(state, role)
    if action not in allowed:
        raise IllegalTransition(
            subject,
            event=action.value,
            state=state.value,
            allowed=tuple(other.value for other in allowed),
        )
    return CASE_TABLE.arrows[state, action]
