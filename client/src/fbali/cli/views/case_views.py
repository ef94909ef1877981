"""Shows after-sales cases: lists, and one with all that was proposed and said."""

from collections.abc import Iterable, Iterator, Sequence

from fbali.cli.document import (
    Block,
    Cell,
    Column,
    Fields,
    Heading,
    Note,
    Table,
    without_zero_columns,
)
from fbali.cli.views.values import amount, amounts, last_part, moment
from fbali.cli.views.words import text_of, word
from fbali.v1.after_sales_policy_pb2 import IssueType
from fbali.v1.case_pb2 import (
    Case,
    CaseAction,
    CaseMessage,
    CaseParty,
    CaseRejectReason,
    CaseState,
    Proposal,
    ResolutionMode,
    ResolutionTerm,
)

_LIST_COLUMNS = [
    Column("ORDER"),
    Column("STATE", flexible=True),
    Column("ANSWERS"),
    Column("BEFORE"),
    Column("VENDOR", flexible=True, spare=2),
    Column("MERCHANT", flexible=True, spare=3),
    Column("UNITS", right=True, spare=1),
    Column("OPENED", spare=4),
    Column("ID"),
]
_ITEM_COLUMNS = [
    Column("ITEM", right=True),
    Column("UNITS", right=True),
    Column("PRODUCT", flexible=True),
    Column("SKU", spare=1),
    Column("PROBLEM", flexible=True),
    Column("AGREED", flexible=True),
    Column("REFUND", right=True),
    Column("RESENT", right=True),
    Column("DONE"),
]
_SHOWN_WHEN_USED = {"SKU", "AGREED", "REFUND", "RESENT", "DONE"}
_PROPOSAL_COLUMNS = [Column("WHEN"), Column("BY"), Column("PROPOSAL", flexible=True, width_min=24)]
_MESSAGE_COLUMNS = [
    Column("WHEN"),
    Column("BY"),
    Column("WITH", spare=1),
    Column("WORDS", flexible=True, width_min=24),
]
# Actions that are told otherwise than by a command of their own name.
_NO_COMMAND = {CaseAction.CASE_ACTION_UPDATE}


def case_list(cases: Iterable[Case]) -> Iterator[Block]:
    """Show cases, a line each."""
    rows: list[list[Cell]] = [
        [
            one.order_number,
            word(CaseState, one.state),
            text_of(CaseParty, one.waiting_for),
            moment(one, "deadline_time"),
            one.vendor_display_name,
            one.merchant_display_name,
            sum(item.quantity for item in one.items),
            moment(one, "create_time"),
            last_part(one.name),
        ]
        for one in cases
    ]
    yield Table(_LIST_COLUMNS, rows, "No cases.")


def drafted_document(cases: Sequence[Case]) -> Iterator[Block]:
    """Show what was opened, and how to go on."""
    yield from case_list(cases)
    drafts = [last_part(one.name) for one in cases if one.state == CaseState.CASE_STATE_DRAFT]
    for name in drafts:
        yield Note(f"Send it to the vendor with: fbali aftersales submit {name}")


def case_document(case: Case) -> Iterator[Block]:
    """Show one case."""
    yield Heading(f"Case of order {case.order_number}", word(CaseState, case.state))
    yield Fields(
        [
            ("Case", last_part(case.name)),
            ("Order", last_part(case.order)),
            ("Merchant", case.merchant_display_name),
            ("Vendor", case.vendor_display_name),
            ("Is to answer", text_of(CaseParty, case.waiting_for)),
            ("Before", moment(case, "deadline_time")),
            ("Late", "the vendor is" if case.overdue else ""),
            ("Refused because", text_of(CaseRejectReason, case.reject_reason)),
            ("Linked cases", ", ".join(map(last_part, case.linked_cases))),
            ("Sent again in", ", ".join(map(last_part, case.replacement_allocations))),
            ("Photos", case.photo_count),
            ("Opened", moment(case, "create_time")),
            ("Submitted", moment(case, "submit_time")),
            ("Closed", moment(case, "close_time")),
            ("What happened", case.description),
        ]
    )
    yield Heading("Units", level=2)
    yield _items(case)
    yield Heading("Proposals", level=2)
    yield _proposals(case)
    yield Heading("Messages", level=2)
    yield _messages(case.messages)
    yield from _next_steps(case)


def proposal_text(proposal: Proposal) -> str:
    """Say what is proposed for every item."""
    return "\n".join(f"item {term.item}: {_term_text(term)}" for term in proposal.terms)


def _items(case: Case) -> Table:
    rows: list[list[Cell]] = [
        [
            item.number,
            item.quantity,
            item.title,
            item.sku,
            text_of(IssueType, item.type),
            text_of(ResolutionMode, item.agreed_mode),
            amounts(item.refunds),
            item.replacement_quantity,
            "yes" if item.done else "",
        ]
        for item in case.items
    ]
    return without_zero_columns(Table(_ITEM_COLUMNS, rows, "No units."), _SHOWN_WHEN_USED)


def _proposals(case: Case) -> Table:
    rows: list[list[Cell]] = [
        [moment(one, "create_time"), text_of(CaseParty, one.party), proposal_text(one)]
        for one in case.proposals
    ]
    return Table(_PROPOSAL_COLUMNS, rows, "Nothing was proposed yet.")


def _term_text(term: ResolutionTerm) -> str:
    words = [text_of(ResolutionMode, term.mode)]
    if term.HasField("amount"):
        words.append(f"of {amount(term.amount)}")
    if term.quantity:
        words.append(f"of {term.quantity} units")
    if term.note:
        words.append(f"({term.note})")
    return " ".join(words)


def _messages(messages: Iterable[CaseMessage]) -> Table:
    rows: list[list[Cell]] = [
        [
            moment(one, "create_time"),
            text_of(CaseParty, one.party),
            text_of(CaseAction, one.action),
            one.text,
        ]
        for one in messages
    ]
    return without_zero_columns(Table(_MESSAGE_COLUMNS, rows, "Nothing was said yet."), {"WITH"})


def _next_steps(case: Case) -> Iterator[Note]:
    """Say what the caller may do, as commands."""
    name = last_part(case.name)
    verbs = [_verb(action) for action in case.allowed_actions if action not in _NO_COMMAND]
    if verbs:
        yield Note(f"You may: fbali aftersales {' | '.join(verbs)} {name}")


def _verb(action: int) -> str:
    return text_of(CaseAction, action)
