"""CSV that spreadsheets open without running it: guards cells on the way out, restores them back.

A spreadsheet takes a cell for a formula by its first character. Such text gets an apostrophe in
front. Text that already looks guarded gets one more, so that restoring is exact.
"""

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal

CsvCell = str | int | float | Decimal

# Also the line ends and the full-width forms, which some spreadsheets read as the plain ones.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARD = "'"
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def guard(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return _GUARD + text if _FORMULA.match(text) else text


def restore(text: str) -> str:
    """Take away the apostrophe that `guard` has put there, and no other."""
    is_guarded = text.startswith(_GUARD) and _FORMULA.match(text)
    return text[1:] if is_guarded else text


def is_number(text: str) -> bool:
    """Tell whether text is nothing but a number, which no spreadsheet can misunderstand."""
    return _NUMBER.fullmatch(text) is not None


def csv_line(cells: Iterable[CsvCell]) -> str:
    """Write one record as RFC 4180 says, with its line end; numbers stay numbers."""
    record = io.StringIO()
    csv.writer(record).writerow([guard(one) if isinstance(one, str) else one for one in cells])
    return record.getvalue()
