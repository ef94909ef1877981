"""Renders documents without colour: tab-separated values for programs, aligned text for people."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from fbali.cli.document import Cell, Column, Document, Fields, Heading, Note, Table, Word
from fbali.cli.terminal_text import cell_width, neutral, neutral_lines
from fbali.cli.times import format_time, format_time_exactly

_GAP = "  "


def render_values(table: Table) -> str:
    """Render one table as tab-separated values with a title row; nothing is cut."""
    titles = [column.title for column in table.columns]
    rows = [[exact_text(cell) for cell in row] for row in table.rows]
    return "\n".join("\t".join(row) for row in [titles, *rows])


def render_plain(document: Document) -> str:
    """Render a document as text with aligned columns; parts of parts are indented."""
    lines: list[str] = []
    level = 0
    for block in document:
        indent = _GAP * level
        if isinstance(block, Heading):
            level = block.level
            indent = _GAP * (level - 1)
            lines += [""] if lines else []
        lines += [f"{indent}{line}".rstrip() for line in _block_lines(block)]
    return "\n".join(lines)


def cell_text(cell: Cell) -> str:
    """Write a cell for people, on one line."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return format_time(cell)
    return neutral(cell.text if isinstance(cell, Word) else str(cell))


def exact_text(cell: Cell) -> str:
    """Write a cell for programs, on one line."""
    return format_time_exactly(cell) if isinstance(cell, datetime) else cell_text(cell)


def field_lines(cell: Cell) -> list[str]:
    """Write a field's value for people; line ends of text are kept."""
    return neutral_lines(cell) if isinstance(cell, str) else [cell_text(cell)]


def _block_lines(block: Heading | Fields | Table | Note) -> Iterator[str]:
    match block:
        case Heading():
            aside = f"  {cell_text(block.aside)}" if block.aside.text else ""
            yield f"{neutral(block.text)}{aside}"
        case Fields():
            yield from _fields_lines(block)
        case Table():
            yield from _table_lines(block)
        case Note():
            yield neutral(block.text)


def _fields_lines(fields: Fields) -> Iterator[str]:
    pairs = fields.filled()
    width = max((cell_width(name) for name, _ in pairs), default=0)
    for name, cell in pairs:
        for number, line in enumerate(field_lines(cell)):
            yield f"{(name if number == 0 else '').ljust(width)}{_GAP}{line}"


def _table_lines(table: Table) -> Iterator[str]:
    if not table.rows:
        yield table.empty
        return
    rows = [[column.title for column in table.columns]]
    rows += [[cell_text(cell) for cell in row] for row in table.rows]
    widths = [max(cell_width(row[index]) for row in rows) for index in range(len(table.columns))]
    for row in rows:
        yield _aligned(row, table.columns, widths)


def _aligned(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    cells = []
    for text, column, width in zip(row, columns, widths, strict=True):
        padding = " " * (width - cell_width(text))
        cells.append(padding + text if column.right else text + padding)
    return _GAP.join(cells).rstrip()
