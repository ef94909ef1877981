"""The part of `fbali allocations` that is about parcels: ship, void, report."""

from dataclasses import dataclass
from datetime import datetime

import click

from fbali.cli import names
from fbali.cli.command import Verb, options_as
from fbali.cli.exit_codes import ExitCode
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
class Packing:
    """What is in a parcel and who carries it."""

    carrier: str = ""
    lines: tuple[str, ...] = ()
    handed_over: bool = False


packing_options = options_as(
    Packing,
    "packing",
    click.option("--carrier", default="", help="The carrier's key; usually it is detected."),
    click.option(
        "--line",
        "lines",
        multiple=True,
        metavar="SKU=UNITS",
        help="What is in it; otherwise the rest.",
    ),
    click.option("--handed-over", is_flag=True, help="The carrier has it already."),
)


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
@click.argument("allocation", type=names.ALLOCATION, required=False)
@click.argument("tracking_number", required=False)
@packing_options
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False, exists=True, allow_dash=True),
    metavar="FILE",
    help="Announce the parcels of this file; - is standard input.",
)
@click.option("--dry-run", is_flag=True, help="With --csv: only show what would be sent.")
@click.pass_obj
def ship(
    invocation: Invocation,
    *,
    allocation: str | None,
    tracking_number: str | None,
    packing: Packing,
    csv_file: str | None,
    dry_run: bool,
) -> int:
    """Announce a parcel; the first one accepts the allocation, the last unit closes it.

    A line is named by its SKU, yours or the store's, or by its id.

    A file has the columns allocation and tracking_number and, if wanted, carrier_code, line or sku,
    and quantity: see fbali allocations export. Rows with the same allocation and number are one
    parcel, rows without a number are left out. Every row is answered, one that fails does not stop
    the others (exit code 7), and sending a file again changes nothing. For example:
    fbali allocations ship --csv tracking.csv --dry-run
    """
    if csv_file:
        if allocation or packing != Packing():
            raise click.UsageError("with --csv the file alone says what is shipped")
        from fbali.cli.commands.parcel_files import ship_file

        return ship_file(invocation, csv_file, dry_run=dry_run)
    if dry_run:
        raise click.UsageError("--dry-run needs --csv")
    if not (allocation and tracking_number):
        raise click.UsageError("name an ALLOCATION and a TRACKING_NUMBER, or a file with --csv")
    _ship_one(invocation, allocation, tracking_number=tracking_number, packing=packing)
    return ExitCode.OK


def _ship_one(
    invocation: Invocation, allocation: str, *, tracking_number: str, packing: Packing
) -> None:
    from fbali.cli.parcel_choice import package_lines
    from fbali.cli.views.allocation_blocks import allocation_document
    from fbali.v1.fulfillment_service_pb2 import CreatePackageRequest, GetAllocationRequest

    request = CreatePackageRequest(
        parent=allocation,
        tracking_number=tracking_number,
        carrier_code=packing.carrier,
        handed_over=packing.handed_over,
    )
    fulfillment = invocation.client.fulfillment
    if packing.lines:
        known = fulfillment.GetAllocation(GetAllocationRequest(name=allocation)).allocation
        request.lines.extend(package_lines(known, packing.lines))
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
