"""`fbali write-backs`: what your stores are told of parcels."""

import click

from fbali.cli import names
from fbali.cli.command import Noun
from fbali.cli.invocation import Invocation
from fbali.cli.listing import Paging, answer_list, paging_options

STATES = ["pending", "sent", "confirmed", "failed", "superseded"]


@click.group("write-backs", cls=Noun)
def write_backs() -> None:
    """See what stores are told, try what failed."""


@write_backs.command("list", example="fbali write-backs list --state failed")
@click.option("--state", type=click.Choice(STATES), help="Only write-backs in this state.")
@click.option("--order", type=names.ORDER, help="Only those of this order.")
@paging_options
@click.pass_obj
def list_write_backs(
    invocation: Invocation, *, state: str | None, order: str | None, paging: Paging
) -> None:
    """List write-backs, newest first, with the store's words where it refused."""
    from fbali.cli.views.write_back_views import write_back_list
    from fbali.v1.order_service_pb2 import ListWriteBacksRequest
    from fbali.v1.write_back_pb2 import WriteBackState

    wanted = WriteBackState.Value(f"WRITE_BACK_STATE_{(state or 'unspecified').upper()}")
    request = ListWriteBacksRequest(parent="merchants/-", state=wanted, order=order or "")
    answer_list(
        invocation,
        invocation.client.orders.ListWriteBacks,
        request,
        paging,
        lambda found: write_back_list(found.write_backs),
    )


@write_backs.command("retry", example="fbali write-backs retry b0writeback")
@click.argument("write_back", type=names.WRITE_BACK)
@click.pass_obj
def retry(invocation: Invocation, *, write_back: str) -> None:
    """Try a failed write-back again now; the store is never told twice."""
    from fbali.cli.views.write_back_views import write_back_list
    from fbali.v1.order_service_pb2 import RetryWriteBackRequest

    request = RetryWriteBackRequest(name=write_back)
    found = invocation.client.orders.RetryWriteBack(request)
    invocation.answer(found, lambda: write_back_list([found.write_back]))
