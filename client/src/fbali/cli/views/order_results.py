"""Shows what became of each order in a call on many."""

from collections.abc import Iterable, Iterator

from fbali.cli.document import Block, Cell, Column, Table, Tone, Word
from fbali.cli.views.values import last_part
from fbali.v1.hold_pb2 import OrderResult

_COLUMNS = [Column("ID"), Column("RESULT", flexible=True, width_min=24)]


def result_list(results: Iterable[OrderResult], done: str) -> Iterator[Block]:
    """Show each order as `done`, or as refused with the reason."""
    rows: list[list[Cell]] = [[last_part(one.order), _result(one, done)] for one in results]
    yield Table(_COLUMNS, rows, "No orders.")


def refusal(reason: str, message: str) -> Word:
    """Say why an order was left untouched."""
    return Word(f"refused: {message or reason.lower().replace('_', ' ')}", Tone.BAD)


def _result(result: OrderResult, done: str) -> Word:
    if result.refusal_reason:
        return refusal(result.refusal_reason, result.refusal_message)
    return Word(done, Tone.GOOD)
