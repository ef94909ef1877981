"""`fbali vendors`: invite, suspend and resume vendors; operators create them."""

import click

from fbali.cli import names
from fbali.cli.command import Noun
from fbali.cli.commands.vendor_scorecard import scorecard
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options


@click.group(cls=Noun)
def vendors() -> None:
    """Invite, suspend and resume vendors."""


vendors.add_command(scorecard)


@vendors.command("list", example="fbali vendors list")
@paging_options
@click.pass_obj
def list_vendors(invocation: Invocation, *, paging: Paging) -> None:
    """List the vendors that you work with."""
    from fbali.cli.views.partnership_views import vendors_of_merchant
    from fbali.v1.hosting_service_pb2 import ListPartnershipsRequest

    request = ListPartnershipsRequest(parent="merchants/-")
    answer_list(
        invocation,
        invocation.client.hosting.ListPartnerships,
        request,
        paging,
        lambda found: vendors_of_merchant(found.partnerships),
    )


@vendors.command("invite", example="fbali vendors invite v0vendor --accept-within 48")
@click.argument("vendor", type=names.VENDOR)
@click.option(
    "--accept-within",
    type=click.IntRange(1, 720),
    metavar="HOURS",
    help="It must accept every order by word in this time; otherwise its first parcel does.",
)
@click.pass_obj
def invite(invocation: Invocation, *, vendor: str, accept_within: int | None) -> None:
    """Invite a vendor to work for you. The vendor tells you its id."""
    from fbali.cli.views.partnership_views import vendors_of_merchant
    from fbali.v1.hosting_service_pb2 import InviteVendorRequest

    request = InviteVendorRequest(
        parent="merchants/-",
        vendor=vendor,
        acceptance_required=accept_within is not None,
        acceptance_hours=accept_within or 0,
    )
    found = invocation.client.hosting.InviteVendor(request)
    invocation.answer(found, lambda: vendors_of_merchant([found.partnership]))
    invocation.say("You may host products with it now; it gets orders as soon as it accepts.")


@vendors.command("suspend", example="fbali vendors suspend v0vendor")
@click.argument("partnership", metavar="VENDOR", type=names.PARTNERSHIP)
@click.pass_obj
def suspend(invocation: Invocation, *, partnership: str) -> None:
    """Give a vendor no new orders; what it has goes on."""
    from fbali.cli.views.partnership_views import vendors_of_merchant
    from fbali.v1.hosting_service_pb2 import SuspendPartnershipRequest

    request = SuspendPartnershipRequest(name=partnership)
    found = invocation.client.hosting.SuspendPartnership(request)
    invocation.answer(found, lambda: vendors_of_merchant([found.partnership]))


@vendors.command("resume", example="fbali vendors resume v0vendor")
@click.argument("partnership", metavar="VENDOR", type=names.PARTNERSHIP)
@click.pass_obj
def resume(invocation: Invocation, *, partnership: str) -> None:
    """Give a suspended vendor orders again, those that waited for it first."""
    from fbali.cli.views.partnership_views import vendors_of_merchant
    from fbali.v1.hosting_service_pb2 import ResumePartnershipRequest

    request = ResumePartnershipRequest(name=partnership)
    found = invocation.client.hosting.ResumePartnership(request)
    invocation.answer(found, lambda: vendors_of_merchant([found.partnership]))


@vendors.command("create", example="fbali vendors create 'Shenzhen Source'")
@click.argument("name")
@click.pass_obj
def create(invocation: Invocation, *, name: str) -> None:
    """For operators: create a vendor."""
    from fbali.cli.views.operator_views import account_list
    from fbali.v1.admin_service_pb2 import CreateVendorRequest

    found = invocation.client.admin.CreateVendor(CreateVendorRequest(display_name=name))
    invocation.answer(found, lambda: account_list([found.vendor], "vendor"))


@vendors.command("all", example="fbali vendors all")
@paging_options
@click.pass_obj
def list_all(invocation: Invocation, *, paging: Paging) -> None:
    """For operators: list every vendor of the server, oldest first."""
    from fbali.cli.views.operator_views import account_list
    from fbali.v1.admin_service_pb2 import ListVendorsRequest

    answer_list(
        invocation,
        invocation.client.admin.ListVendors,
        ListVendorsRequest(),
        paging,
        lambda found: account_list(found.vendors, "vendor"),
    )
