"""`fbali partnerships`: vendors see and accept merchants' invitations."""

import click

from fbali.cli import names
from fbali.cli.command import Noun
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options


@click.group(cls=Noun)
def partnerships() -> None:
    """For vendors: see and accept invitations."""


@partnerships.command("list", example="fbali partnerships list")
@paging_options
@click.pass_obj
def list_partnerships(invocation: Invocation, *, paging: Paging) -> None:
    """List the merchants that invited you or that you work for."""
    from fbali.cli.views.partnership_views import merchants_of_vendor
    from fbali.v1.fulfillment_service_pb2 import ListVendorPartnershipsRequest

    request = ListVendorPartnershipsRequest(parent="vendors/-")
    answer_list(
        invocation,
        invocation.client.fulfillment.ListVendorPartnerships,
        request,
        paging,
        lambda found: merchants_of_vendor(found.partnerships),
    )


@partnerships.command("accept", example="fbali partnerships accept m0merchant")
@click.argument("merchant", type=names.MERCHANT)
@click.pass_obj
def accept(invocation: Invocation, *, merchant: str) -> None:
    """Accept a merchant's invitation; from now on you get what is hosted with you."""
    from fbali.cli.views.partnership_views import merchants_of_vendor
    from fbali.v1.admin_service_pb2 import GetServerInfoRequest
    from fbali.v1.fulfillment_service_pb2 import AcceptPartnershipRequest

    caller = invocation.client.admin.GetServerInfo(GetServerInfoRequest()).caller
    if not caller.startswith("vendors/"):
        raise click.ClickException("only vendors accept invitations; see: fbali auth status")
    name = f"{merchant}/partnerships/{names.last_part(caller)}"
    found = invocation.client.fulfillment.AcceptPartnership(AcceptPartnershipRequest(name=name))
    invocation.answer(found, lambda: merchants_of_vendor([found.partnership]))
