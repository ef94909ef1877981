"""`fbali aftersales policy`: what a vendor promises a merchant when something goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from fbali.cli import names
from fbali.cli.case_terms import TYPES
from fbali.cli.command import Noun, fields_option, options_as
from fbali.cli.invocation import Invocation

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.after_sales_policy_pb2 import AfterSalesPolicy

partner_argument = click.argument("partner", type=names.POLICY)


@dataclass(frozen=True, slots=True)
class Promise:
    """What is to change; None leaves it. Named as the fields of the contract, but for evidence."""

    claim_days_after_delivery: int | None
    claim_days_after_shipment: int | None
    delayed_after_days: int | None
    answer_hours: int | None
    reply_hours: int | None
    not_received_when_delivered: bool | None
    evidence: tuple[str, ...]


def _number(flag: str, field: str, bounds: tuple[int, int], text: str) -> Callable[[Any], Any]:
    return click.option(flag, field, type=click.IntRange(*bounds), help=text)


promise_options = options_as(
    Promise,
    "promise",
    _number(
        "--days-after-delivery",
        "claim_days_after_delivery",
        (1, 365),
        "Until when a case may be submitted.",
    ),
    _number(
        "--days-after-shipment",
        "claim_days_after_shipment",
        (1, 730),
        "The same, for what did not arrive.",
    ),
    _number("--late-after", "delayed_after_days", (0, 365), "Days until a parcel is delayed."),
    _number("--answer-within", "answer_hours", (1, 720), "Hours you have to answer."),
    _number("--reply-within", "reply_hours", (1, 2160), "Hours the merchant has to reply."),
    click.option(
        "--trust-tracking/--trust-customer",
        "not_received_when_delivered",
        default=None,
        callback=lambda _context, _option, trusts: None if trusts is None else not trusts,
        help="Whether delivered settles that it was received.",
    ),
    click.option(
        "--evidence",
        multiple=True,
        metavar="TYPE=PHOTOS",
        help="Photos that a type of issue needs, 0 to 10; repeat.",
    ),
)


@click.group("policy", cls=Noun)
def policy() -> None:
    """Show or set what a vendor promises."""


@policy.command("show", example="fbali aftersales policy show v0vendor")
@partner_argument
@fields_option
@click.pass_obj
def show(invocation: Invocation, *, partner: str) -> None:
    """Show until when, with which photos and how fast cases with a partner are settled.

    PARTNER is a vendor's id for merchants, a merchant's id for vendors.
    """
    from fbali.cli.views.policy_views import policy_document
    from fbali.v1.after_sales_service_pb2 import GetAfterSalesPolicyRequest

    request = GetAfterSalesPolicyRequest(name=partner)
    found = invocation.client.after_sales.GetAfterSalesPolicy(request)
    invocation.answer(found, lambda: policy_document(found.policy))


@policy.command("set", example="fbali aftersales policy set m0merchant --answer-within 48")
@partner_argument
@promise_options
@click.pass_obj
def set_policy(invocation: Invocation, *, partner: str, promise: Promise) -> None:
    """For vendors: change the policy for cases that are opened from now on.

    What is not named stays.
    """
    from fbali.cli.views.policy_views import policy_document
    from fbali.v1.after_sales_service_pb2 import (
        GetAfterSalesPolicyRequest,
        SetAfterSalesPolicyRequest,
    )

    stub = invocation.client.after_sales
    changed = stub.GetAfterSalesPolicy(GetAfterSalesPolicyRequest(name=partner)).policy
    if not _apply(promise, changed):
        raise click.UsageError("nothing is to change; see: fbali aftersales policy set --help")
    found = stub.SetAfterSalesPolicy(SetAfterSalesPolicyRequest(name=partner, policy=changed))
    invocation.answer(found, lambda: policy_document(found.policy))


def _apply(promise: Promise, known: "AfterSalesPolicy") -> bool:
    """Write what is to change into a policy that was read; tell whether anything is."""
    named = {
        one.name: value
        for one in fields(Promise)
        if one.name != "evidence" and (value := getattr(promise, one.name)) is not None
    }
    for field, value in named.items():
        setattr(known, field, value)
    for text in promise.evidence:
        _need_photos(known, text)
    return bool(named or promise.evidence)


def _need_photos(known: "AfterSalesPolicy", text: str) -> None:
    from fbali.cli.contract_values import value_of
    from fbali.v1.after_sales_policy_pb2 import EvidenceRule, IssueType

    kind, _, count = text.partition("=")
    if kind not in TYPES or not (count.isascii() and count.isdigit()):
        raise click.UsageError(
            f"{text!r} says no type and number of photos; write damaged=2, or another of"
            f" {', '.join(TYPES)}"
        )
    number = value_of(IssueType, "ISSUE_TYPE", kind)
    others = [rule for rule in known.evidence if rule.type != number]
    del known.evidence[:]
    known.evidence.extend([*others, EvidenceRule(type=number, photo_count_min=int(count))])
