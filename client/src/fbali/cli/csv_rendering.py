"""Renders tables and messages as CSV: the columns of the piped table, or the fields asked for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from google.protobuf.message import Message

from fbali.cli.csv_cells import CsvCell, csv_line, is_number
from fbali.cli.document import Cell, Column, Table
from fbali.cli.field_paths import Path, value_at
from fbali.cli.plain_rendering import exact_text
from fbali.cli.terminal_text import neutral


def table_csv(table: Table, *, with_header: bool) -> str:
    """Write the rows of a table."""
    lines = [csv_line(column.title for column in table.columns)] if with_header else []
    lines += [csv_line(_table_cells(table.columns, row)) for row in table.rows]
    return "".join(lines)


def fields_csv(messages: Sequence[Message], paths: Sequence[Path], *, with_header: bool) -> str:
    """Write one row for each message, with the fields as columns."""
    lines = [csv_line(".".join(path) for path in paths)] if with_header else []
    for message in messages:
        cells = [_value_cell(value_at(message, path)) for path in paths]
        lines += [csv_line(cells)]
    return "".join(lines)


def single_csv(values: Mapping[str, Any]) -> str:
    """Write what is no table as one row; the parts of parts have dotted names."""
    pairs = list(_flat(values, ""))
    if not pairs:
        return ""
    return csv_line(name for name, _ in pairs) + csv_line(_value_cell(one) for _, one in pairs)


def _table_cells(columns: Sequence[Column], row: Sequence[Cell]) -> Iterator[CsvCell]:
    for column, cell in zip(columns, row, strict=True):
        text = exact_text(cell)
        is_amount = isinstance(cell, str) and column.right and is_number(text)
        yield Decimal(text) if is_amount else cell if isinstance(cell, int) else text


def _value_cell(value: Any) -> CsvCell:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return neutral(value)
    if value is None:
        return ""
    return neutral(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
