"""`fbali tokens`: operators and vendors issue and revoke tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from fbali.cli import names
from fbali.cli.command import Noun, options_as
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options
from fbali.cli.parameters import MOMENT

if TYPE_CHECKING:  # Loading it here would cost every help the start of protobuf.
    from fbali.v1.token_pb2 import Role


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token is for; nobody named is the caller itself."""

    merchant: str | None
    vendor: str | None
    operator: bool


holder_options = options_as(
    Holder,
    "holder",
    click.option("--merchant", type=names.MERCHANT, help="For this merchant's staff."),
    click.option("--vendor", type=names.VENDOR, help="For this vendor's staff or program."),
    click.option("--operator", is_flag=True, help="For an operator of the server."),
)


@click.group(cls=Noun)
def tokens() -> None:
    """For operators and vendors: issue and revoke tokens."""


@tokens.command("issue", example="fbali tokens issue 'Ann, packing' --vendor v0vendor")
@click.argument("label")
@holder_options
@click.option("--expires", type=MOMENT, metavar="DATE", help="It stops working then (local time).")
@click.pass_obj
def issue(invocation: Invocation, *, label: str, holder: Holder, expires: datetime | None) -> None:
    """Issue a token and print its secret, this once.

    LABEL says what it is for. A vendor that names nobody issues it for itself.
    """
    from fbali.cli.contract_values import timestamp
    from fbali.cli.document import Note
    from fbali.v1.admin_service_pb2 import IssueTokenRequest

    role, principal = _role_and_principal(invocation, holder)
    request = IssueTokenRequest(
        role=role, principal=principal, display_name=label, expire_time=timestamp(expires)
    )
    found = invocation.client.admin.IssueToken(request)
    invocation.say("The secret is shown this once; keep it safe:")
    invocation.answer(found, lambda: [Note(found.secret)])


@tokens.command("list", example="fbali tokens list")
@paging_options
@click.pass_obj
def list_tokens(invocation: Invocation, *, paging: Paging) -> None:
    """List tokens, newest first, without their secrets."""
    from fbali.cli.views.operator_views import token_list
    from fbali.v1.admin_service_pb2 import ListTokensRequest

    answer_list(
        invocation,
        invocation.client.admin.ListTokens,
        ListTokensRequest(),
        paging,
        lambda found: token_list(found.tokens),
    )


@tokens.command("revoke", example="fbali tokens revoke t0token --yes")
@click.argument("token", type=names.TOKEN)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def revoke(invocation: Invocation, *, token: str, yes: bool) -> None:
    """Revoke a token at once and for ever."""
    from fbali.cli.views.operator_views import token_list
    from fbali.v1.admin_service_pb2 import RevokeTokenRequest

    invocation.confirm(f"Revoke {token}? Who uses it is locked out.", yes=yes)
    found = invocation.client.admin.RevokeToken(RevokeTokenRequest(name=token))
    invocation.answer(found, lambda: token_list([found.token]))


def _role_and_principal(invocation: Invocation, holder: Holder) -> "tuple[Role.ValueType, str]":
    from fbali.v1.admin_service_pb2 import GetServerInfoRequest
    from fbali.v1.token_pb2 import Role

    if sum(map(bool, (holder.merchant, holder.vendor, holder.operator))) > 1:
        raise click.UsageError("name one of --merchant, --vendor and --operator")
    if holder.merchant:
        return Role.ROLE_MERCHANT, holder.merchant
    if holder.vendor:
        return Role.ROLE_VENDOR, holder.vendor
    if holder.operator:
        return Role.ROLE_OPERATOR, ""
    caller = invocation.client.admin.GetServerInfo(GetServerInfoRequest())
    if not caller.caller:
        raise click.UsageError("say whom it is for: --merchant, --vendor or --operator")
    return caller.caller_role, caller.caller
