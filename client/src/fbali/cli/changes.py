"""What was one way and is another, and how a watch tells it line by line."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from fbali.cli.document import Column, Table
from fbali.cli.invocation import Invocation
from fbali.cli.terminal_text import neutral
from fbali.cli.times import format_time_exactly
from fbali.cli.views.values import last_part
from fbali.cli.views.words import text_of
from fbali.v1.allocation_pb2 import Allocation, AllocationState
from fbali.v1.package_pb2 import ExceptionReason, Package, PackageState

TITLES = ["time", "subject", "name", "before", "after"]

# State in words, by kind and name of what is in it.
States = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Change:
    """What was one way and is another; `before` is empty for what is new."""

    subject: str
    name: str
    before: str
    after: str


def changes_between(before: States, after: States) -> list[Change]:
    """Compare states; what is gone is no change."""
    return [
        Change(*key, before.get(key, ""), state)
        for key, state in after.items()
        if before.get(key) != state
    ]


def states_of(allocation: Allocation, title: str) -> States:
    """Say the state of an allocation, called `title`, and of its parcels."""
    name = f"{title} {last_part(allocation.name)}".strip()
    found = {("allocation", name): text_of(AllocationState, allocation.state)}
    for package in allocation.packages:
        key = ("parcel", f"{package.tracking_number} {last_part(package.name)}")
        found[key] = _package_state(package)
    return found


def tell(invocation: Invocation, changes: Sequence[Change], *, is_first: bool) -> None:
    """Print changes at once; somebody may be reading them from a pipe."""
    if not changes or invocation.choices.output == "json":
        return
    moment = format_time_exactly(datetime.now(UTC))  # noqa: TID251 - When it was seen here.
    rows = [[moment, one.subject, one.name, one.before, one.after] for one in changes]
    if invocation.choices.output == "jsonl":
        for row in rows:
            invocation.answer(dict(zip(TITLES, row, strict=True)), list)
    elif invocation.choices.output == "csv":
        table = Table([Column(title.upper()) for title in TITLES], rows)
        invocation.answer_rows({}, lambda: [table], is_first=is_first)
    else:
        for one in changes:
            click.echo(neutral(f"{moment}  {one.subject} {one.name}: {_words(one)}"))
    sys.stdout.flush()


def _words(change: Change) -> str:
    return f"{change.before} -> {change.after}" if change.before else change.after


def _package_state(package: Package) -> str:
    state = text_of(PackageState, package.state)
    reason = text_of(ExceptionReason, package.exception_reason)
    return f"{state}: {reason}" if reason else state
