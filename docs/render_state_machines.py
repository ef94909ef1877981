"""Render docs/state_machines.md from the tables of the domain; a test compares it with the file."""

from pathlib import Path
from typing import Any

from oms.domain.allocations import ALLOCATION_TABLE
from oms.domain.packages import PACKAGE_TABLE
from oms.domain.partnerships import PARTNERSHIP_TABLE
from oms.domain.transitions import TransitionTable
from oms.domain.write_backs import WRITE_BACK_TABLE

TARGET = Path(__file__).with_name("state_machines.md")

_HEAD = """# State machines

Made from the tables of `oms/domain` by `make docs`; do not edit. A pair that is not listed is
refused: a caller gets FAILED_PRECONDITION with the present state and what it allows, and news of a
carrier that are not listed move nothing.
"""


def render() -> str:
    """Return the whole page."""
    sections = (
        _section("Partnership", PARTNERSHIP_TABLE),
        _section("Allocation", ALLOCATION_TABLE),
        _section("Package (events are news of where it is)", PACKAGE_TABLE),
        _section("Write-back (a store told of a parcel)", WRITE_BACK_TABLE),
    )
    return "\n".join((_HEAD, *sections))


def _section(title: str, table: TransitionTable[Any, Any]) -> str:
    finals = ", ".join(sorted(state.value for state in table.finals())) or "none"
    rows = [
        f"| {state.value} | {event.value} | {after.value} |"
        for (state, event), after in table.arrows.items()
    ]
    lines = (
        f"## {title}",
        "",
        f"Starts as {table.initial.value}; final: {finals}.",
        "",
        "| from | event | to |",
        "|---|---|---|",
        *rows,
        "",
    )
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
