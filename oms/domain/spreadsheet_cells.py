"""Cells that spreadsheets open without running them: guarded going out, restored coming in.

A spreadsheet takes a cell for a formula by its first character. Such text gets an apostrophe in
front; text that already looks guarded gets one more, so that restoring is exact. The client follows
the same rule on its own (`fbali.cli.csv_cells`), since neither may import the other; one test walks
both.
"""

import re

# Also the line ends and the full-width forms, which some spreadsheets read as the plain ones.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARD = "'"


def guard(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return _GUARD + text if _FORMULA.match(text) else text


def restore(text: str) -> str:
    """Take away the apostrophe that `guard` has put there, and no other."""
    is_guarded = text.startswith(_GUARD) and _FORMULA.match(text)
    return text[1:] if is_guarded else text
