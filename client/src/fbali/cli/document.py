"""What a command shows, before it is decided how: blocks of headings, fields, tables and notes.

Text is kept as it came; the renderers make it harmless, so no command can forget to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Tone(StrEnum):
    """How a word feels to the reader; decides its colour where there is colour."""

    PLAIN = ""
    GOOD = "green"
    BUSY = "cyan"
    WAITING = "yellow"
    BAD = "red"
    QUIET = "bright_black"


@dataclass(frozen=True, slots=True)
class Word:
    """Text with a tone, for example a status."""

    text: str
    tone: Tone = Tone.PLAIN


Cell = str | int | datetime | Word | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    `right` aligns numbers; `flexible` cells may be wrapped on a terminal, down to `width_min`.
    Where the terminal is too narrow, the columns with the highest `spare` are left out first,
    those with 0 never.
    """

    title: str
    right: bool = False
    flexible: bool = False
    spare: int = 0
    width_min: int = 12


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under column titles; `empty` is said instead when there are no rows."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str = "Nothing to show."


@dataclass(frozen=True, slots=True)
class Heading:
    """The begin of a part; `aside` is a status or an id beside it."""

    text: str
    aside: Word = field(default_factory=lambda: Word(""))
    level: int = 1


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and values; empty values are left out. Line ends within a value are kept."""

    pairs: Sequence[tuple[str, Cell]]

    def filled(self) -> list[tuple[str, Cell]]:
        """Give the pairs that have a value."""
        return [(name, cell) for name, cell in self.pairs if cell not in {None, ""}]


@dataclass(frozen=True, slots=True)
class Note:
    """A remark of ours, not data: goes to standard error where standard output is data alone."""

    text: str


Block = Heading | Fields | Table | Note
Document = Iterable[Block]


def without_zero_columns(table: Table, optional: set[str]) -> Table:
    """Leave out those of the optional columns that hold nothing but zeros or nothing."""
    kept = [
        index
        for index, column in enumerate(table.columns)
        if column.title not in optional or any(row[index] for row in table.rows)
    ]
    return Table(
        [table.columns[index] for index in kept],
        [[row[index] for index in kept] for row in table.rows],
        table.empty,
    )
