"""The part of `fbali allocations` that answers a merchant who asks units back."""

import click

from fbali.cli import names
from fbali.cli.command import Verb
from fbali.cli.invocation import Invocation


@click.command(
    "answer-cancellation",
    cls=Verb,
    example="fbali allocations answer-cancellation a0allocation --refuse --note 'sent to print'",
)
@click.argument("allocation", type=names.ALLOCATION)
@click.option(
    "--agree/--refuse", "agreed", default=None, help="Give back what is not packed, or keep it."
)
@click.option("--note", default="", help="In your words.")
@click.pass_obj
def answer_cancellation(
    invocation: Invocation, *, allocation: str, agreed: bool | None, note: str
) -> None:
    """Answer a cancellation request. Unanswered until its deadline, it counts as refused."""
    from fbali.cli.views.allocation_blocks import allocation_document
    from fbali.v1.fulfillment_service_pb2 import AnswerCancellationRequest

    if agreed is None:
        raise click.UsageError("say --agree or --refuse")
    request = AnswerCancellationRequest(name=allocation, agreed=agreed, note=note)
    found = invocation.client.fulfillment.AnswerCancellation(request)
    invocation.answer(found, lambda: allocation_document(found.allocation))
