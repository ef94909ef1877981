"""Calls that take many orders at once: the argument, batches of them, and how they end."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from fbali.cli import names
from fbali.cli.exit_codes import ExitCode
from fbali.cli.failures import failure_of, report
from fbali.cli.invocation import Invocation
from fbali.errors import FbaliError

BATCH_SIZE_MAX = 500  # The contract takes no more orders in one call.

Answer = TypeVar("Answer", bound=Any)

orders_argument = click.argument(
    "order_names", metavar="ORDER...", type=names.ORDER, nargs=-1, required=True
)


def batches(order_names: Sequence[str]) -> Iterator[list[str]]:
    """Split orders into batches in their order; an order that is named twice counts once."""
    once = list({names.last_part(name): name for name in order_names}.values())
    for start in range(0, len(once), BATCH_SIZE_MAX):
        yield once[start : start + BATCH_SIZE_MAX]


def call_in_batches(
    call: Callable[[list[str]], Answer], order_names: Sequence[str]
) -> tuple[Answer, FbaliError | None]:
    """Join the answers of all batches; an error after the first batch is given beside them.

    Raises:
        FbaliError: The first batch failed, so nothing was done.
    """
    first, *others = batches(order_names)
    answer = call(first)
    for batch in others:
        try:
            answer.MergeFrom(call(batch))
        except FbaliError as error:
            return answer, error
    return answer, None


def exit_code_of_batches(
    invocation: Invocation, refusal_count: int, error: FbaliError | None
) -> ExitCode:
    """Report the error that stopped the batches, and say whether all was done."""
    if error is not None:
        report(failure_of(error), as_json=invocation.is_json)
    return ExitCode.PARTLY_DONE if refusal_count or error is not None else ExitCode.OK
