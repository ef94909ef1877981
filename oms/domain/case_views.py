"""Cases as they are read: complete, ready to be shown, never changed. Instants are epoch ms."""

from dataclasses import dataclass

from oms.domain.cases import CaseState
from oms.domain.claims import AfterSalesPolicy, IssueType
from oms.domain.money import Money
from oms.domain.principals import Role
from oms.domain.settlements import ResolutionMode, Term
from oms.domain.views import EventView


@dataclass(slots=True)
class CaseItemView:
    """Units of one line in one parcel."""

    number: int
    line_id: str
    package_id: str
    allocation_id: str
    title: str
    sku: str
    quantity: int
    type: IssueType
    agreed_mode: ResolutionMode | None
    is_done: bool
    refunds: tuple[Money, ...] = ()
    resend_line_ids: tuple[str, ...] = ()
    resent: int = 0


@dataclass(slots=True)
class ProposalView:
    """What one side proposed at one time."""

    number: int
    role: Role
    created_at: int
    terms: tuple[Term, ...]


@dataclass(slots=True)
class MessageView:
    """Something that was said; `action` is the name of a CaseAction, or empty."""

    number: int
    author: str
    role: Role
    action: str
    text: str
    created_at: int


@dataclass(slots=True)
class CaseView:
    """One case; lists leave the tuples after `items` empty."""

    id: str
    merchant_id: str
    order_id: str
    order_number: str
    vendor_id: str
    merchant_display_name: str
    vendor_display_name: str
    state: CaseState
    description: str
    policy: AfterSalesPolicy
    deadline_at: int | None
    missed_at: int | None
    reject_reason: str
    photo_count: int
    version: int
    created_at: int
    submitted_at: int | None
    updated_at: int
    closed_at: int | None
    items: tuple[CaseItemView, ...] = ()
    proposals: tuple[ProposalView, ...] = ()
    messages: tuple[MessageView, ...] = ()
    linked_ids: tuple[str, ...] = ()
    allocation_ids: tuple[str, ...] = ()
    history: tuple[EventView, ...] = ()
