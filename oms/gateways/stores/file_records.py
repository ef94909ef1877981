"""Bytes of a file, cut into records as they come; one record is all that is ever held."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

RECORD_BYTES_MAX: Final = 1024 * 1024  # An order of a thousand lines takes a third of it.
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
PROBLEM_TOO_LONG: Final = (
    f"is longer than {RECORD_BYTES_MAX} bytes; a quote that is not closed would do that"
)


@dataclass(frozen=True, slots=True)
class Record:
    """A record and the line on which it begins, from 1; `content` is None when it is too long."""

    line_number: int
    content: bytes | None


class Records:
    """Cuts at line ends, and not at those within quotes where `quoted` says that they count."""

    def __init__(self, *, quoted: bool) -> None:
        """Begin with the first byte of a file."""
        self.line_count = 0
        self._quoted = quoted
        self._held = bytearray()
        self._quotes = 0
        self._begins_at = 1
        self._is_too_long = False

    def feed(self, chunk: bytes) -> Iterator[Record]:
        """Give the records that are complete with these bytes; line ends are left out."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._hold(line)
            self.line_count += 1
            if self._is_too_long or not self._quotes % 2:
                yield self._record()
            else:
                self._held += b"\n"
        self._hold(rest)

    def end(self) -> Iterator[Record]:
        """Give the last record, if its line has no end."""
        if self._held or self._is_too_long:
            self.line_count += 1
            yield self._record()

    def _hold(self, piece: bytes) -> None:
        if self._is_too_long:
            return
        if len(self._held) + len(piece) > RECORD_BYTES_MAX:
            self._is_too_long = True
            self._held.clear()
            return
        self._held += piece
        if self._quoted:
            self._quotes += piece.count(b'"')

    def _record(self) -> Record:
        content = bytes(self._held).removesuffix(b"\r")
        if self._begins_at == 1:
            content = content.removeprefix(BYTE_ORDER_MARK)
        record = Record(self._begins_at, None if self._is_too_long else content)
        self._held.clear()
        self._quotes = 0
        self._is_too_long = False
        self._begins_at = self.line_count + 1
        return record
