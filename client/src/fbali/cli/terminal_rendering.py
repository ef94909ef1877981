"""Renders documents on a terminal with rich: colour, wrapping, and columns that fit the width."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from fbali.cli.document import Cell, Column, Document, Fields, Heading, Note, Table, Word
from fbali.cli.plain_rendering import cell_text, field_lines
from fbali.cli.terminal_text import cell_width, neutral
from fbali.cli.times import common_zone, format_time_without_zone

_INDENT = 2
_GAP = 2


def print_document(document: Document) -> None:
    """Print to the terminal that standard output is; honours NO_COLOR and TERM=dumb."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    indent = 0
    for number, block in enumerate(document):
        if isinstance(block, Heading):
            if number:
                console.print()
            console.print(Padding(_heading_text(block), (0, 0, 0, _INDENT * (block.level - 1))))
            indent = _INDENT * block.level
        else:
            content = _content(block, console.width - indent)
            console.print(Padding(content, (0, 0, 0, indent), expand=False))


def _heading_text(heading: Heading) -> Text:
    text = Text(neutral(heading.text), style="bold" if heading.level == 1 else "bold cyan")
    if heading.aside.text:
        style = f"not bold {heading.aside.tone or 'default'}"
        text.append("  ").append(neutral(heading.aside.text), style=style)
    return text


def _content(block: Fields | Table | Note, width: int) -> RichTable | Text:
    if isinstance(block, Fields):
        return _fields_grid(block)
    if isinstance(block, Note):
        return Text(neutral(block.text), style="bright_black")
    return _rich_table(block, width) if block.rows else Text(block.empty, style="bright_black")


def _fields_grid(fields: Fields) -> RichTable:
    grid = RichTable.grid(padding=(0, _GAP))
    grid.add_column(no_wrap=True, style="bright_black")
    grid.add_column(overflow="fold")
    for name, cell in fields.filled():
        value = Text("\n").join(Text(line) for line in field_lines(cell))
        if isinstance(cell, Word):
            value.stylize(cell.tone)
        grid.add_row(Text(name), value)
    return grid


def _rich_table(table: Table, width: int) -> RichTable:
    titles, cells = _texts(table)
    kept = _fitting_columns(table.columns, titles, cells, width)
    rendered = RichTable(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for index in kept:
        column = table.columns[index]
        rendered.add_column(
            Text(titles[index]),
            justify="right" if column.right else "left",
            no_wrap=not column.flexible,
            overflow="fold",
        )
    for row, source in zip(cells, table.rows, strict=True):
        rendered.add_row(*(_toned(row[index], source[index]) for index in kept))
    return rendered


def _texts(table: Table) -> tuple[list[str], list[list[str]]]:
    """Write all cells; a zone that all times of a column share goes into its title."""
    titles = [column.title for column in table.columns]
    shared = [False] * len(titles)
    for index in range(len(titles)):
        zone = common_zone(row[index] for row in table.rows if isinstance(row[index], datetime))  # type: ignore[misc]
        if zone:
            titles[index] += f" ({zone})"
            shared[index] = True
    cells = [
        [_short(cell, without_zone=shared[index]) for index, cell in enumerate(row)]
        for row in table.rows
    ]
    return titles, cells


def _short(cell: Cell, *, without_zone: bool) -> str:
    if isinstance(cell, datetime) and without_zone:
        return format_time_without_zone(cell)
    return cell_text(cell)


def _toned(text: str, cell: Cell) -> Text:
    return Text(text, style=cell.tone if isinstance(cell, Word) else "")


def _fitting_columns(
    columns: Sequence[Column], titles: Sequence[str], cells: Sequence[Sequence[str]], width: int
) -> list[int]:
    """Choose the columns that fit, leaving out the most spare ones first."""
    needed = [
        _needed_width(columns[index], [titles[index], *(row[index] for row in cells)])
        for index in range(len(columns))
    ]
    kept = list(range(len(columns)))
    for index in sorted(kept, key=lambda one: -columns[one].spare):
        if sum(needed[one] + _GAP for one in kept) - _GAP <= width or not columns[index].spare:
            break
        kept.remove(index)
    return kept


def _needed_width(column: Column, texts: Sequence[str]) -> int:
    natural = max(cell_width(text) for text in texts)
    return min(natural, column.width_min) if column.flexible else natural
