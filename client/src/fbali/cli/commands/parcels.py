"""The part of `fbali allocations` that is about parcels: ship, void, report."""

from dataclasses import dataclass
from datetime import datetime

import click

from fbali.cli import names
from fbali.cli.command import Verb, options_as
from fbali.cli.invocation import Invocation
from fbali.cli.parameters import MOMENT

STATES = [
    "handed-over",
    "in-transit",
    "out-for-delivery",
    "pickup-ready",
    "delivered",
    "exception",
    "returning",
    "returned",
]
EXCEPTIONS = [
    "attempt-failed",
    "address",
    "customs",
    "held",
    "delayed",
    "damaged",
    "lost",
    "refused",
    "cancelled",
    "unknown",
]
parcel_argument = click.argument("parcel", required=False)


@dataclass(frozen=True, slots=True)
class Happening:
    """What a vendor knows of a parcel."""

    state: str
    reason: str | None
    at: datetime | None
    where: str
    note: str


happening_options = options_as(
    Happening,
    "happening",
    click.option("--state", type=click.Choice(STATES), required=True, help="What happened."),
    click.option("--reason", type=click.Choice(EXCEPTIONS), help="Why, for an exception."),
    click.option("--at", type=MOMENT, metavar="TIME", help="When (local time); otherwise now."),
    click.option("--where", default="", help="Where, in your words."),
    click.option("--note", default="", help="What, in your words."),
)


@click.command("ship", cls=Verb, example="fbali allocations ship a0allocation RX123456789DE")
@click.argument("allocation", type=names.ALLOCATION)
@click.argument("tracking_number")
@click.option("--carrier", default="", help="The carrier's key; usually it is detected.")
@click.option(
    "--line", "lines", multiple=True, metavar="SKU=UNITS", help="What is in it; otherwise the rest."
)
@click.option("--handed-over", is_flag=True, help="The carrier has it already.")
@click.pass_obj
def ship(
    invocation: Invocation,
    *,
    allocation: str,
    tracking_number: str,
    carrier: str,
    lines: tuple[str, ...],
    handed_over: bool,
) -> None:
    """Announce a parcel; the first one accepts the allocation, the last unit closes it.

    A line is named by its SKU, yours or the store's, or by its id.
    """
    from fbali.cli.parcel_choice import package_lines
    from fbali.cli.views.allocation_blocks import allocation_document
    from fbali.v1.fulfillment_service_pb2 import CreatePackageRequest, GetAllocationRequest

    request = CreatePackageRequest(
        parent=allocation,
        tracking_number=tracking_number,
        carrier_code=carrier,
        handed_over=handed_over,
    )
    fulfillment = invocation.client.fulfillment
    if lines:
        known = fulfillment.GetAllocation(GetAllocationRequest(name=allocation)).allocation
        request.lines.extend(package_lines(known, lines))
    found = fulfillment.CreatePackage(request)
    invocation.answer(found, lambda: allocation_document(found.allocation))


@click.command("void", cls=Verb, example="fbali allocations void a0allocation --yes")
@click.argument("allocation", type=names.ALLOCATION)
@parcel_argument
@click.option("--note", default="", help="In your words.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def void(
    invocation: Invocation, *, allocation: str, parcel: str | None, note: str, yes: bool
) -> None:
    """Take back a parcel that no carrier has scanned; its units are to be packed again.

    PARCEL is its tracking number or id; it may be left out when there is one parcel.
    """
    from fbali.cli.parcel_choice import choose_parcel
    from fbali.cli.views.allocation_blocks import allocation_document
    from fbali.v1.fulfillment_service_pb2 import GetAllocationRequest, VoidPackageRequest

    fulfillment = invocation.client.fulfillment
    known = fulfillment.GetAllocation(GetAllocationRequest(name=allocation)).allocation
    chosen = choose_parcel(known, parcel)
    invocation.confirm(f"Void the parcel {chosen.tracking_number}?", yes=yes)
    request = VoidPackageRequest(name=chosen.name, note=note, etag=chosen.etag)
    found = fulfillment.VoidPackage(request)
    invocation.answer(found, lambda: allocation_document(found.allocation))


@click.command(
    "report",
    cls=Verb,
    example="fbali allocations report a0allocation --state handed-over --where Shenzhen",
)
@click.argument("allocation", type=names.ALLOCATION)
@parcel_argument
@happening_options
@click.pass_obj
def report(
    invocation: Invocation, *, allocation: str, parcel: str | None, happening: Happening
) -> None:
    """Report what you know of a parcel; it joins what the tracking service says.

    PARCEL is its tracking number or id; it may be left out when there is one parcel.
    """
    from fbali.cli.contract_values import timestamp
    from fbali.cli.parcel_choice import choose_parcel
    from fbali.cli.views.allocation_blocks import allocation_document
    from fbali.v1.fulfillment_service_pb2 import GetAllocationRequest, ReportPackageEventRequest
    from fbali.v1.package_pb2 import ExceptionReason, PackageState

    fulfillment = invocation.client.fulfillment
    known = fulfillment.GetAllocation(GetAllocationRequest(name=allocation)).allocation
    request = ReportPackageEventRequest(
        name=choose_parcel(known, parcel).name,
        state=PackageState.Value(f"PACKAGE_STATE_{_value_word(happening.state)}"),
        exception_reason=ExceptionReason.Value(
            f"EXCEPTION_REASON_{_value_word(happening.reason or 'unspecified')}"
        ),
        occur_time=timestamp(happening.at),
        location=happening.where,
        description=happening.note,
    )
    found = fulfillment.ReportPackageEvent(request)
    invocation.answer(found, lambda: allocation_document(found.allocation))


def _value_word(choice: str) -> str:
    return choice.upper().replace("-", "_")
