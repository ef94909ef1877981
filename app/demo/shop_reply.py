"""What the pretend shop answers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

API_PATH: Final = "/wp-json/wc/v3"


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, further headers and the JSON document of one answer."""

    status: int
    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusalError(Exception):
    """The request is refused with this answer."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        """Take what the error document says (error-*.json of the recordings)."""
        super().__init__(message)
        document = {"code": code, "message": message, "data": {"status": status, **data}}
        self.reply = Reply(status, document)
