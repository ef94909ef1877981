"""`fbali merchants`: operators create and list merchants."""

import click

from fbali.cli.command import Noun
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options


@click.group(cls=Noun)
def merchants() -> None:
    """For operators: create and list merchants."""


@merchants.command("create", example="fbali merchants create 'Mugs and more'")
@click.argument("name")
@click.pass_obj
def create(invocation: Invocation, *, name: str) -> None:
    """Create a merchant."""
    from fbali.cli.views.operator_views import account_list
    from fbali.v1.admin_service_pb2 import CreateMerchantRequest

    found = invocation.client.admin.CreateMerchant(CreateMerchantRequest(display_name=name))
    invocation.answer(found, lambda: account_list([found.merchant], "merchant"))
    invocation.say("Issue its first token with: fbali tokens issue LABEL --merchant ID")


@merchants.command("list", example="fbali merchants list")
@paging_options
@click.pass_obj
def list_merchants(invocation: Invocation, *, paging: Paging) -> None:
    """List merchants, oldest first."""
    from fbali.cli.views.operator_views import account_list
    from fbali.v1.admin_service_pb2 import ListMerchantsRequest

    answer_list(
        invocation,
        invocation.client.admin.ListMerchants,
        ListMerchantsRequest(),
        paging,
        lambda found: account_list(found.merchants, "merchant"),
    )
