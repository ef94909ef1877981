"""`fbali allocations`: vendors answer, ship and charge their parts of orders."""

from dataclasses import dataclass

import click

from fbali.cli import names
from fbali.cli.command import Noun, fields_option, options_as
from fbali.cli.commands.allocation_watch import watch
from fbali.cli.commands.cancellation_answer import answer_cancellation
from fbali.cli.commands.parcel_files import export
from fbali.cli.commands.parcels import report, ship, void
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options
from fbali.cli.parameters import MONEY

STATES = [
    "submitted",
    "accepted",
    "cancellation-requested",
    "closed",
    "rejected",
    "expired",
    "cancelled",
]
REASONS = [
    "out-of-stock",
    "discontinued",
    "cannot-ship-to-address",
    "bad-address",
    "price-changed",
    "other",
]
reason_option = click.option(
    "--reason", type=click.Choice(REASONS), required=True, help="Why you do not fulfil it."
)
note_option = click.option("--note", default="", help="In your words.")


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is charged, by kind; each may be given several times."""

    product: tuple[str, ...]
    shipping: tuple[str, ...]
    service_fee: tuple[str, ...]
    tax: tuple[str, ...]
    adjustment: tuple[str, ...]


amount_options = options_as(
    Amounts,
    "amounts",
    click.option("--product", type=MONEY, multiple=True, help="Buying the goods: '12.50 USD'."),
    click.option("--shipping", type=MONEY, multiple=True, help="Bringing them to the customer."),
    click.option("--fee", "service_fee", type=MONEY, multiple=True, help="Your service."),
    click.option("--tax", type=MONEY, multiple=True, help="Taxes and duties."),
    click.option("--adjustment", type=MONEY, multiple=True, help="A correction, up or down."),
)


@click.group(cls=Noun)
def allocations() -> None:
    """For vendors: answer, ship and charge orders."""


@allocations.command("list", example="fbali allocations list --state submitted")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only; repeat.")
@click.option("--merchant", type=names.MERCHANT, help="Only of this merchant.")
@paging_options
@click.pass_obj
def list_allocations(
    invocation: Invocation, *, states: tuple[str, ...], merchant: str | None, paging: Paging
) -> None:
    """List your parts of orders, newest first."""
    from fbali.cli.views.partnership_views import allocation_list
    from fbali.v1.allocation_pb2 import AllocationState
    from fbali.v1.fulfillment_service_pb2 import ListAllocationsRequest

    values = [
        AllocationState.Value(f"ALLOCATION_STATE_{one.upper().replace('-', '_')}") for one in states
    ]
    request = ListAllocationsRequest(parent="vendors/-", states=values, merchant=merchant or "")
    answer_list(
        invocation,
        invocation.client.fulfillment.ListAllocations,
        request,
        paging,
        lambda found: allocation_list(found.allocations),
    )


@allocations.command("show", example="fbali allocations show a0allocation")
@click.argument("allocation", type=names.ALLOCATION)
@fields_option
@click.pass_obj
def show(invocation: Invocation, *, allocation: str) -> None:
    """Show a part of an order: address, units, costs, parcels with their tracking."""
    from fbali.cli.views.allocation_blocks import allocation_document
    from fbali.v1.fulfillment_service_pb2 import GetAllocationRequest

    found = invocation.client.fulfillment.GetAllocation(GetAllocationRequest(name=allocation))
    invocation.answer(found, lambda: allocation_document(found.allocation))


@allocations.command("accept", example="fbali allocations accept a0allocation")
@click.argument("allocation", type=names.ALLOCATION)
@click.pass_obj
def accept(invocation: Invocation, *, allocation: str) -> None:
    """Promise to fulfil it."""
    from fbali.cli.views.partnership_views import allocation_list
    from fbali.v1.fulfillment_service_pb2 import AcceptAllocationRequest

    request = AcceptAllocationRequest(name=allocation)
    found = invocation.client.fulfillment.AcceptAllocation(request)
    invocation.answer(found, lambda: allocation_list([found.allocation]))


@allocations.command(
    "reject", example="fbali allocations reject a0allocation --reason out-of-stock"
)
@click.argument("allocation", type=names.ALLOCATION)
@reason_option
@note_option
@click.pass_obj
def reject(invocation: Invocation, *, allocation: str, reason: str, note: str) -> None:
    """Refuse one that you have not accepted; its units go to somebody else."""
    from fbali.cli.views.partnership_views import allocation_list
    from fbali.v1.allocation_pb2 import RejectReason
    from fbali.v1.fulfillment_service_pb2 import RejectAllocationRequest

    value = RejectReason.Value(f"REJECT_REASON_{reason.upper().replace('-', '_')}")
    request = RejectAllocationRequest(name=allocation, reject_reason=value, note=note)
    found = invocation.client.fulfillment.RejectAllocation(request)
    invocation.answer(found, lambda: allocation_list([found.allocation]))


@allocations.command("close", example="fbali allocations close a0allocation --reason discontinued")
@click.argument("allocation", type=names.ALLOCATION)
@reason_option
@note_option
@click.pass_obj
def close(invocation: Invocation, *, allocation: str, reason: str, note: str) -> None:
    """Give back the units of an accepted one that are not packed."""
    from fbali.cli.views.partnership_views import allocation_list
    from fbali.v1.allocation_pb2 import RejectReason
    from fbali.v1.fulfillment_service_pb2 import CloseAllocationRequest

    value = RejectReason.Value(f"REJECT_REASON_{reason.upper().replace('-', '_')}")
    request = CloseAllocationRequest(name=allocation, reject_reason=value, note=note)
    found = invocation.client.fulfillment.CloseAllocation(request)
    invocation.answer(found, lambda: allocation_list([found.allocation]))


@allocations.command(
    "costs", example="fbali allocations costs a0allocation --product '12.50 USD' --shipping '3 USD'"
)
@click.argument("allocation", type=names.ALLOCATION)
@amount_options
@note_option
@click.pass_obj
def costs(invocation: Invocation, *, allocation: str, amounts: Amounts, note: str) -> None:
    """Record what it cost. A wrong entry is corrected by an adjustment, such as '-1.50 USD'."""
    from fbali.cli.contract_values import money
    from fbali.cli.views.allocation_blocks import allocation_document
    from fbali.v1.cost_entry_pb2 import CostKind
    from fbali.v1.fulfillment_service_pb2 import RecordCostsRequest, RecordedCost

    entries = [
        RecordedCost(
            kind=CostKind.Value(f"COST_KIND_{kind.upper()}"), amount=money(text), note=note
        )
        for kind in Amounts.__dataclass_fields__
        for text in getattr(amounts, kind)
    ]
    if not entries:
        raise click.UsageError("say what it cost, for example --product '12.50 USD'")
    request = RecordCostsRequest(name=allocation, costs=entries)
    found = invocation.client.fulfillment.RecordCosts(request)
    invocation.answer(found, lambda: allocation_document(found.allocation))


for command in (watch, answer_cancellation, export, ship, void, report):
    allocations.add_command(command)
