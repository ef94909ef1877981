"""The part of `fbali aftersales` that moves a case on: each side's answers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.invocation import Invocation

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.case_pb2 import Case

REJECT_REASONS = [
    "evidence-insufficient",
    "delivered",
    "not-covered",
    "customer-fault",
    "as-described",
    "other",
]
case_argument = click.argument("case", type=names.CASE)
note_option = click.option("--note", default="", help="In your words.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
terms_option = click.option(
    "--term",
    "terms",
    multiple=True,
    metavar="[ITEM=]MODE[,VALUE]",
    help="How an item is settled: full-refund, partial-refund,'5 USD', resend-all,"
    " resend-parts,UNITS or other,WORDS. Without ITEM= it is for all items; repeat.",
)


@click.command("accept", cls=Verb, example="fbali aftersales accept k0case --yes")
@case_argument
@note_option
@yes_option
@click.pass_obj
def accept(invocation: Invocation, *, case: str, note: str, yes: bool) -> None:
    """Agree to what the other side last proposed; what is agreed happens at once."""
    from fbali.v1.after_sales_service_pb2 import AcceptCaseRequest, AcceptOfferRequest
    from fbali.v1.case_pb2 import CaseAction

    known = _read(invocation, case)
    is_offer = CaseAction.CASE_ACTION_ACCEPT_OFFER in known.allowed_actions
    invocation.confirm(f"Agree to {_last_proposal(known)}?", yes=yes)
    stub = invocation.client.after_sales
    if is_offer:
        offer = AcceptOfferRequest(name=known.name, note=note, etag=known.etag)
        return _answer(invocation, stub.AcceptOffer(offer))
    request = AcceptCaseRequest(name=known.name, note=note, etag=known.etag)
    return _answer(invocation, stub.AcceptCase(request))


@click.command("reject", cls=Verb, example="fbali aftersales reject k0case --reason delivered")
@case_argument
@click.option("--reason", type=click.Choice(REJECT_REASONS), required=True, help="Why.")
@note_option
@click.pass_obj
def reject(invocation: Invocation, *, case: str, reason: str, note: str) -> None:
    """For vendors: refuse a case. The merchant may escalate it."""
    from fbali.cli.contract_values import value_of
    from fbali.v1.after_sales_service_pb2 import RejectCaseRequest
    from fbali.v1.case_pb2 import CaseRejectReason

    value = value_of(CaseRejectReason, "CASE_REJECT_REASON", reason)
    request = RejectCaseRequest(name=case, reject_reason=value, note=note)
    _answer(invocation, invocation.client.after_sales.RejectCase(request))


@click.command(
    "offer", cls=Verb, example="fbali aftersales offer k0case --term partial-refund,'5.00 USD'"
)
@case_argument
@terms_option
@note_option
@click.pass_obj
def offer(invocation: Invocation, *, case: str, terms: Sequence[str], note: str) -> None:
    """For vendors: offer to settle a case otherwise than was asked."""
    from fbali.cli.case_terms import terms_of
    from fbali.v1.after_sales_service_pb2 import OfferResolutionRequest

    known = _read(invocation, case)
    request = OfferResolutionRequest(
        name=known.name, terms=terms_of(known, terms), note=note, etag=known.etag
    )
    _answer(invocation, invocation.client.after_sales.OfferResolution(request))


@click.command("counter", cls=Verb, example="fbali aftersales counter k0case --term resend-all")
@case_argument
@terms_option
@note_option
@click.pass_obj
def counter(invocation: Invocation, *, case: str, terms: Sequence[str], note: str) -> None:
    """Answer an offer with another proposal."""
    from fbali.cli.case_terms import terms_of
    from fbali.v1.after_sales_service_pb2 import CounterOfferRequest

    known = _read(invocation, case)
    request = CounterOfferRequest(
        name=known.name, terms=terms_of(known, terms), note=note, etag=known.etag
    )
    _answer(invocation, invocation.client.after_sales.CounterOffer(request))


@click.command("decline", cls=Verb, example="fbali aftersales decline k0case --note 'too little'")
@case_argument
@note_option
@click.pass_obj
def decline(invocation: Invocation, *, case: str, note: str) -> None:
    """Decline an offer: the vendor is to answer what you asked for before."""
    from fbali.v1.after_sales_service_pb2 import DeclineOfferRequest

    request = DeclineOfferRequest(name=case, note=note)
    _answer(invocation, invocation.client.after_sales.DeclineOffer(request))


@click.command("ask", cls=Verb, example="fbali aftersales ask k0case 'Which side is cracked?'")
@case_argument
@click.argument("text")
@click.pass_obj
def ask(invocation: Invocation, *, case: str, text: str) -> None:
    """For vendors: ask the merchant for more information."""
    from fbali.v1.after_sales_service_pb2 import RequestInfoRequest

    request = RequestInfoRequest(name=case, text=text)
    _answer(invocation, invocation.client.after_sales.RequestInfo(request))


@click.command("answer", cls=Verb, example="fbali aftersales answer k0case 'The left one'")
@case_argument
@click.argument("text")
@click.pass_obj
def answer(invocation: Invocation, *, case: str, text: str) -> None:
    """Answer the vendor's question."""
    from fbali.v1.after_sales_service_pb2 import ProvideInfoRequest

    request = ProvideInfoRequest(name=case, text=text)
    _answer(invocation, invocation.client.after_sales.ProvideInfo(request))


@click.command("say", cls=Verb, example="fbali aftersales say k0case 'The customer is waiting'")
@case_argument
@click.argument("text")
@click.pass_obj
def say(invocation: Invocation, *, case: str, text: str) -> None:
    """Say something in a case; moves nothing."""
    from fbali.v1.after_sales_service_pb2 import AddMessageRequest

    request = AddMessageRequest(name=case, text=text)
    _answer(invocation, invocation.client.after_sales.AddMessage(request))


@click.command("escalate", cls=Verb, example="fbali aftersales escalate k0case --note 'no answer'")
@case_argument
@note_option
@click.pass_obj
def escalate(invocation: Invocation, *, case: str, note: str) -> None:
    """Let the operator decide."""
    from fbali.v1.after_sales_service_pb2 import EscalateCaseRequest

    request = EscalateCaseRequest(name=case, note=note)
    _answer(invocation, invocation.client.after_sales.EscalateCase(request))


@click.command(
    "decide", cls=Verb, example="fbali aftersales decide k0case --uphold --term full-refund --yes"
)
@case_argument
@click.option("--uphold/--dismiss", "upheld", default=None, help="For the merchant or the vendor.")
@terms_option
@note_option
@yes_option
@click.pass_obj
def decide(
    invocation: Invocation,
    *,
    case: str,
    upheld: bool | None,
    terms: Sequence[str],
    note: str,
    yes: bool,
) -> None:
    """For operators: decide an escalated case, on these terms or as the merchant asked last."""
    from fbali.cli.case_terms import terms_of
    from fbali.v1.after_sales_service_pb2 import DecideCaseRequest

    if upheld is None:
        raise click.UsageError("say --uphold or --dismiss")
    if terms and not upheld:
        raise click.UsageError("--dismiss takes no terms")
    known = _read(invocation, case)
    decided = terms_of(known, terms) if terms else []
    invocation.confirm(f"{'Uphold' if upheld else 'Dismiss'} the case for good?", yes=yes)
    request = DecideCaseRequest(
        name=known.name, upheld=upheld, terms=decided, note=note, etag=known.etag
    )
    _answer(invocation, invocation.client.after_sales.DecideCase(request))


@click.command("withdraw", cls=Verb, example="fbali aftersales withdraw k0case --yes")
@case_argument
@note_option
@yes_option
@click.pass_obj
def withdraw(invocation: Invocation, *, case: str, note: str, yes: bool) -> None:
    """Take a case back; its units may be claimed again."""
    from fbali.v1.after_sales_service_pb2 import WithdrawCaseRequest

    invocation.confirm("Take the case back for good?", yes=yes)
    request = WithdrawCaseRequest(name=case, note=note)
    _answer(invocation, invocation.client.after_sales.WithdrawCase(request))


@click.command("resolve", cls=Verb, example="fbali aftersales resolve k0case --yes")
@case_argument
@note_option
@yes_option
@click.pass_obj
def resolve(invocation: Invocation, *, case: str, note: str, yes: bool) -> None:
    """Confirm that all that was agreed has happened, where no parcel or ledger can tell."""
    from fbali.v1.after_sales_service_pb2 import ResolveCaseRequest

    invocation.confirm("Has all that was agreed happened?", yes=yes)
    request = ResolveCaseRequest(name=case, note=note)
    _answer(invocation, invocation.client.after_sales.ResolveCase(request))


ANSWERS = (
    accept,
    reject,
    offer,
    counter,
    decline,
    ask,
    answer,
    say,
    escalate,
    decide,
    withdraw,
    resolve,
)


def _read(invocation: Invocation, case: str) -> "Case":
    from fbali.v1.after_sales_service_pb2 import GetCaseRequest

    return invocation.client.after_sales.GetCase(GetCaseRequest(name=case)).case


def _last_proposal(case: "Case") -> str:
    from fbali.cli.views.case_views import proposal_text

    if not case.proposals:
        return "what was asked for"
    return proposal_text(case.proposals[-1])


def _answer(invocation: Invocation, found: Any) -> None:
    from fbali.cli.views.case_views import case_document

    invocation.answer(found, lambda: case_document(found.case))
