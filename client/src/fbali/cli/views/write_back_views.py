"""Shows what stores are told of parcels."""

from collections.abc import Iterable, Iterator

from fbali.cli.document import Block, Cell, Column, Heading, Note, Table, without_zero_columns
from fbali.cli.views.values import last_part, moment
from fbali.cli.views.words import text_of, word
from fbali.v1.order_pb2 import Order
from fbali.v1.write_back_pb2 import WriteBack, WriteBackMethod, WriteBackState

_COLUMNS = [
    Column("ORDER"),
    Column("PARCEL"),
    Column("STATE"),
    Column("AS", spare=1),
    Column("FAILED", right=True, spare=2),
    Column("NEXT TRY", spare=3),
    Column("PROBLEM", flexible=True, width_min=24),
    Column("ID"),
]
_SHOWN_WHEN_USED = {"FAILED", "NEXT TRY", "PROBLEM"}


def write_back_list(write_backs: Iterable[WriteBack]) -> Iterator[Block]:
    """Show write-backs."""
    rows = [[one.order_number, *_row(one)] for one in write_backs]
    table = Table(_COLUMNS, rows, "No write-backs.")
    yield without_zero_columns(table, _SHOWN_WHEN_USED)


def told_blocks(order: Order) -> Iterator[Block]:
    """Show what the store of one order is told; an order without parcels says nothing of it."""
    if not order.write_backs:
        return
    yield Heading("Told to the store")
    table = Table(_COLUMNS[1:], [_row(one) for one in order.write_backs])
    yield without_zero_columns(table, _SHOWN_WHEN_USED)
    for one in order.write_backs:
        if one.state == WriteBackState.WRITE_BACK_STATE_FAILED:
            yield Note(f"Try it again with: fbali write-backs retry {last_part(one.name)}")


def _row(one: WriteBack) -> list[Cell]:
    outdated = "the parcel was voided since: correct the store by hand" if one.outdated else ""
    return [
        one.tracking_number,
        word(WriteBackState, one.state),
        text_of(WriteBackMethod, one.method),
        one.failure_count,
        moment(one, "next_attempt_time"),
        "; ".join(filter(None, (one.problem_message, outdated))),
        last_part(one.name),
    ]
