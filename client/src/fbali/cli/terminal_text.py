"""Makes text of customers, stores and carriers harmless to a terminal, and measures its width."""

import re
import unicodedata

# C0 and C1 controls (which begin every escape sequence), DEL, line and paragraph separators, the
# byte order mark, and the marks that make text run in another direction than it is written.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def neutral(text: str) -> str:
    """Show unsafe characters as escapes; the result is one line."""
    return _UNSAFE.sub(_escape, text)


def neutral_lines(text: str) -> list[str]:
    """Split text at its line ends and make each line harmless."""
    return [neutral(line) for line in text.replace("\r\n", "\n").split("\n")]


def cell_width(text: str) -> int:
    """Count the terminal cells of harmless text: wide characters take two, accents none."""
    return sum(_character_width(character) for character in text)


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - One byte.


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Cf", "Me", "Mn"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
