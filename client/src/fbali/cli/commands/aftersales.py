"""`fbali aftersales`: a customer's problem becomes a settled case."""

from dataclasses import dataclass

import click

from fbali.cli import names
from fbali.cli.command import Noun, fields_option, options_as
from fbali.cli.commands.case_answers import ANSWERS
from fbali.cli.commands.case_opening import open_case, submit
from fbali.cli.commands.case_photos import attach, photos
from fbali.cli.commands.case_policies import policy
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options

STATES = [
    "draft",
    "submitted",
    "info-requested",
    "offered",
    "countered",
    "rejected",
    "escalated",
    "accepted",
    "resolved",
    "dismissed",
    "withdrawn",
    "expired",
]


@click.group(cls=Noun)
def aftersales() -> None:
    """Settle what went wrong after shipping."""


@aftersales.command("eligible", example="fbali aftersales eligible o0order")
@click.argument("order", type=names.ORDER)
@fields_option
@click.pass_obj
def eligible(invocation: Invocation, *, order: str) -> None:
    """Show which units can be claimed, for what, until when, and with how many photos."""
    from fbali.cli.views.eligibility_views import eligibility_document
    from fbali.v1.after_sales_service_pb2 import CheckEligibilityRequest

    request = CheckEligibilityRequest(order=order)
    found = invocation.client.after_sales.CheckEligibility(request)
    invocation.answer(found, lambda: eligibility_document(found.units))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases."""

    states: tuple[str, ...]
    order: str | None
    vendor: str | None
    overdue: bool
    waiting_for: str | None


selection_options = options_as(
    Selection,
    "selection",
    click.option(
        "--state", "states", type=click.Choice(STATES), multiple=True, help="Only; repeat."
    ),
    click.option("--order", type=names.ORDER, help="Only of this order."),
    click.option("--vendor", type=names.VENDOR, help="Only with this vendor."),
    click.option("--overdue", is_flag=True, help="Only those whose vendor is late."),
    click.option(
        "--waiting-for",
        type=click.Choice(["merchant", "vendor", "operator"]),
        help="Only those that this side is to answer.",
    ),
)


@aftersales.command("list", example="fbali aftersales list --state submitted")
@selection_options
@paging_options
@click.pass_obj
def list_cases(invocation: Invocation, *, selection: Selection, paging: Paging) -> None:
    """List cases, newest first."""
    from fbali.cli.contract_values import value_of
    from fbali.cli.views.case_views import case_list
    from fbali.v1.after_sales_service_pb2 import ListCasesRequest
    from fbali.v1.case_pb2 import CaseParty, CaseState

    request = ListCasesRequest(
        states=[value_of(CaseState, "CASE_STATE", one) for one in selection.states],
        order=selection.order or "",
        vendor=selection.vendor or "",
        overdue_only=selection.overdue,
        waiting_for=value_of(CaseParty, "CASE_PARTY", selection.waiting_for),
    )
    answer_list(
        invocation,
        invocation.client.after_sales.ListCases,
        request,
        paging,
        lambda found: case_list(found.cases),
    )


@aftersales.command("show", example="fbali aftersales show k0case")
@click.argument("case", type=names.CASE)
@fields_option
@click.pass_obj
def show(invocation: Invocation, *, case: str) -> None:
    """Show a case: units, what was proposed and said, its photos, and what may be done now."""
    from fbali.cli.views.case_views import case_document
    from fbali.v1.after_sales_service_pb2 import GetCaseRequest

    found = invocation.client.after_sales.GetCase(GetCaseRequest(name=case))
    invocation.answer(found, lambda: case_document(found.case))


for command in (open_case, submit, attach, photos, *ANSWERS, policy):
    aftersales.add_command(command)
