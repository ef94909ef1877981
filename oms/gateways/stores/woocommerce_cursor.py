"""Where the reading of one window stands, as text that another process can continue."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Self

from oms.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Cursor:
    """A window [`after`, `before`) of UTC epoch seconds, and what of it is still to be read.

    `status` is the listing that is being read (`any`, then `trash` for orders). `rows_left` counts
    the rows from the window's start that are still unread. `rows_total` is the window's size when
    it was opened. `pending` holds the ids of orders that were listed already and whose refunds are
    still to be read, parted by commas. `currency` is the store's own, which products need.
    """

    after: int
    before: int
    status: str
    rows_left: int
    rows_total: int
    pending: str = ""
    currency: str = ""

    def to_text(self) -> str:
        """Write the cursor."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a cursor that `to_text` wrote.

        Raises:
            InvalidInput: it is none, or one of another version of this program.
        """
        try:
            document = json.loads(text)
            values = {item.name: document.pop(item.name) for item in fields(cls)}
        except (ValueError, KeyError, TypeError, AttributeError):
            values, document = {}, None
        expected = {item.name: item.type for item in fields(cls)}
        if document != {} or any(type(values[name]) is not expected[name] for name in values):
            raise InvalidInput.of("cursor", "it was not written by this program: begin anew")
        return cls(**values)
