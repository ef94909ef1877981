"""The part of `fbali aftersales` that begins a case: open, submit."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.commands.case_photos import READABLE_FILE, send_photos
from fbali.cli.invocation import Invocation

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.cli.case_terms import Claim
    from fbali.v1.after_sales_service_pb2 import (
        CheckEligibilityResponse,
        CreateCaseResponse,
        NewCaseItem,
    )
    from fbali.v1.case_pb2 import Case
    from fbali.v1.order_pb2 import Order


@click.command(
    "open",
    cls=Verb,
    example="fbali aftersales open o0order --item MUG-BL=1,damaged,full-refund"
    " --description 'Arrived in pieces' --photo broken-box.jpg",
)
@click.argument("order", type=names.ORDER)
@click.option(
    "--item",
    "typed_items",
    multiple=True,
    metavar="LINE[@PARCEL]=UNITS,TYPE,MODE[,VALUE]",
    help="What is wrong with how many units, and how it is to be settled; repeat.",
)
@click.option("--description", default="", help="What happened, in your words.")
@click.option(
    "--photo",
    "photos",
    type=READABLE_FILE,
    multiple=True,
    metavar="FILE",
    help="Proves it, to every vendor of the case; repeat.",
)
@click.option("--submit", "at_once", is_flag=True, help="Send it to the vendors at once.")
@click.pass_obj
def open_case(
    invocation: Invocation,
    *,
    order: str,
    typed_items: Sequence[str],
    description: str,
    photos: Sequence[Path],
    at_once: bool,
) -> None:
    """Draft a case, one per vendor that sent the units; on a terminal you are guided.

    LINE is a SKU or a line's id, PARCEL a tracking number, needed only if the units came in
    several. TYPE is not-received, delayed, lost, damaged, defective, wrong-item, missing-item,
    wrong-variant, not-as-described, returned-to-sender, customs, customer-cancelled or other. MODE
    is full-refund, partial-refund,AMOUNT, resend-all, resend-parts,UNITS or other,WORDS.

    A draft is sent with: fbali aftersales submit CASE
    """
    from fbali.cli.case_terms import read_claim
    from fbali.cli.views.case_views import drafted_document
    from fbali.v1.after_sales_service_pb2 import CreateCaseRequest

    claims = [read_claim(text) for text in typed_items]
    if not (claims and description) and not invocation.is_interactive:
        raise click.UsageError("nobody can be asked; say --item and --description")
    items = _items(invocation, order, claims)
    if not items:
        raise click.ClickException("nothing is claimed; no case was opened")
    request = CreateCaseRequest(
        order=order, items=items, description=description or _ask_description()
    )
    found = invocation.client.after_sales.CreateCase(request)
    if photos:
        _replace(found, _prove(invocation, found.cases, photos))
    if at_once:
        _replace(found, [_submit(invocation, case) for case in found.cases])
    invocation.answer(found, lambda: drafted_document(found.cases))


@click.command("submit", cls=Verb, example="fbali aftersales submit k0case")
@click.argument("case", type=names.CASE)
@click.pass_obj
def submit(invocation: Invocation, *, case: str) -> None:
    """Send a draft to the vendor, who then has until the deadline to answer."""
    from fbali.cli.views.case_views import case_document
    from fbali.v1.after_sales_service_pb2 import SubmitCaseRequest

    found = invocation.client.after_sales.SubmitCase(SubmitCaseRequest(name=case))
    invocation.answer(found, lambda: case_document(found.case))


def _items(
    invocation: Invocation, order_name: str, claims: "Sequence[Claim]"
) -> "list[NewCaseItem]":
    """Write the claims with full names, or ask for them."""
    from fbali.cli.claimed_units import claimed_item, tracking_numbers

    order, eligibility = _read(invocation, order_name)
    if claims:
        return [claimed_item(claim, order, eligibility.units) for claim in claims]
    from fbali.cli.case_dialogue import ask_items

    return list(ask_items(eligibility.units, tracking_numbers(order)))


def _read(invocation: Invocation, name: str) -> "tuple[Order, CheckEligibilityResponse]":
    from fbali.v1.after_sales_service_pb2 import CheckEligibilityRequest
    from fbali.v1.order_service_pb2 import GetOrderRequest

    order = invocation.client.orders.GetOrder(GetOrderRequest(name=name)).order
    request = CheckEligibilityRequest(order=name)
    return order, invocation.client.after_sales.CheckEligibility(request)


def _ask_description() -> str:
    from fbali.cli.case_dialogue import ask_description

    return ask_description()


def _prove(invocation: Invocation, drafts: "Sequence[Case]", files: Sequence[Path]) -> "list[Case]":
    """Send photos into the first draft, show them to the other vendors too, read the drafts again.

    When one is refused the drafts stay, and the user is told how to go on.
    """
    from fbali.errors import FbaliError
    from fbali.v1.after_sales_service_pb2 import AttachPhotoRequest, GetCaseRequest

    stub = invocation.client.after_sales
    try:
        sent = send_photos(invocation, drafts[0].name, files)
        for draft in drafts[1:]:
            for photo in sent:
                stub.AttachPhoto(AttachPhotoRequest(parent=draft.name, photo=photo.name))
    except FbaliError:
        ids = ", ".join(names.last_part(draft.name) for draft in drafts)
        invocation.say(f"drafted all the same: {ids}; attach what is missing, then submit")
        raise
    return [stub.GetCase(GetCaseRequest(name=draft.name)).case for draft in drafts]


def _replace(found: "CreateCaseResponse", cases: "Sequence[Case]") -> None:
    del found.cases[:]
    found.cases.extend(cases)


def _submit(invocation: Invocation, case: "Case") -> "Case":
    from fbali.v1.after_sales_service_pb2 import SubmitCaseRequest

    request = SubmitCaseRequest(name=case.name, etag=case.etag)
    return invocation.client.after_sales.SubmitCase(request).case
