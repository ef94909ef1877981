"""Small bars of text, to compare the numbers of a column by eye."""

from dataclasses import dataclass
from typing import TextIO

_BLOCKS = " ▏▎▍▌▋▊▉█"
_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Bars:
    """How bars are written: with blocks of an eighth of a character, or with plain signs."""

    is_unicode: bool
    width: int = _WIDTH

    @classmethod
    def of(cls, stream: TextIO) -> "Bars":
        """Use blocks where the stream's encoding has them."""
        try:
            _BLOCKS.encode(stream.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return cls(is_unicode=False)
        return cls(is_unicode=True)

    def bar(self, value: int, greatest: int) -> str:
        """Write a bar as long as the value's share of the greatest one; none below zero."""
        if value <= 0 or greatest <= 0:
            return ""
        if not self.is_unicode:
            return "#" * max(1, value * self.width // greatest)
        eighths = max(1, value * self.width * 8 // greatest)
        return "█" * (eighths // 8) + _BLOCKS[eighths % 8].strip()
