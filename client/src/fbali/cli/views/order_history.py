"""Says the history of an order in words, with names in place of ids."""

from collections.abc import Mapping

from fbali.cli.document import Cell, Column, Table
from fbali.cli.views.values import last_part, moment
from fbali.v1.event_pb2 import Event
from fbali.v1.order_pb2 import Order

_COLUMNS = [
    Column("WHEN"),
    Column("WHAT", flexible=True, width_min=24),
    Column("OF", flexible=True),
    Column("BY", flexible=True, spare=1),
]
_NOT_FOR_PEOPLE = {"before", "after", "package", "hostings"}


def history_table(order: Order) -> Table:
    """List what happened, oldest first."""
    names = _names(order)
    rows = [_row(event, names) for event in order.history]
    return Table(_COLUMNS, rows, "No history.")


def _names(order: Order) -> dict[str, str]:
    """Name the order's vendors, allocations and packages as people do, by resource name or id."""
    names = {order.name: "", "/".join(order.name.split("/")[:2]): "merchant"}
    for allocation in order.allocations:
        vendor = allocation.vendor_display_name
        names |= {allocation.name: vendor, "/".join(allocation.name.split("/")[:2]): vendor}
        for package in allocation.packages:
            names |= {package.name: package.tracking_number}
            names |= {last_part(package.name): package.tracking_number}
    return names


def _row(event: Event, names: Mapping[str, str]) -> list[Cell]:
    subject = event.details.get("package", event.subject)
    return [
        moment(event, "occur_time"),
        _happening(event),
        names.get(subject, last_part(subject)),
        names.get(event.actor, event.actor.replace("/", " ")),
    ]


def _happening(event: Event) -> str:
    """Say what happened, then what it was before and the numbers that it is about."""
    words = _words(event.kind.replace(".", " "))
    before, after = event.details.get("before", ""), event.details.get("after", "")
    facts = [f"was {_words(before)}"] if before and before != after else []
    facts += [
        f"{_words(key)} {_words(value)}"
        for key, value in sorted(event.details.items())
        if key not in _NOT_FOR_PEOPLE
    ]
    return f"{words} ({', '.join(facts)})" if facts else words


def _words(name: str) -> str:
    return name.replace("_", " ").lower()
