"""Resume tokens: opaque words for how far a reader of a log of events has come.

They carry no authority: a token is bound by a checksum to whose log it is of and to its filter, and
whoever shows it is asked for its own right to read that log. Nothing in it is a secret, so that
every server of an installation reads the tokens of all.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from oms.domain.errors import InvalidInput
from oms.usecases.follow_events import Log

INSTANT_MAX_MS = 253_402_300_799_999  # The end of the year 9999.
_CHECKSUM_BYTES = 8
StateKey = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has come: it knows all that has a number up to `position`.

    `state_key` is the last thing that it was sent of an initial state that is not complete; empty
    before the first one, None when there is none left to send.
    """

    position: int
    state_key: StateKey | None = None


class ResumeTokens:
    """Writes and reads the tokens of one log."""

    def __init__(self, log: Log) -> None:
        """Bind tokens to whose log it is and to its filter."""
        bound = "\n".join(("resume_token", log.role, log.owner_id, *sorted(log.ids)))
        key = hashlib.blake2b(bound.encode(), digest_size=32).digest()
        self._checksum = hashlib.blake2b(digest_size=_CHECKSUM_BYTES, key=key)

    def write(self, cursor: Cursor, now_ms: int) -> str:
        """Write a token, which is young from now on."""
        content: list[object] = [cursor.position, now_ms]
        if cursor.state_key is not None:
            content += cursor.state_key
            content.append("")  # Tells an empty key from none.
        body = json.dumps(content, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sum(body) + body).decode().rstrip("=")

    def read(self, token: str, field: str) -> tuple[Cursor, int]:
        """Return the cursor, and when the token was written; `field` is where it came from.

        Raises:
            InvalidInput: it is not a token of this log.
        """
        try:
            raw = base64.urlsafe_b64decode(token + "==")
            checksum, body = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
            if checksum != self._sum(body):
                raise invalid_token(field)
            position, written_ms, *key = json.loads(body)
        except (ValueError, TypeError, binascii.Error):
            raise invalid_token(field) from None
        if not (isinstance(position, int) and isinstance(written_ms, int)):
            raise invalid_token(field)  # The checksum keeps mistakes out, not whoever makes one.
        return Cursor(position, tuple(key[:-1]) if key else None), written_ms

    def _sum(self, body: bytes) -> bytes:
        checksum = self._checksum.copy()
        checksum.update(body)
        return checksum.digest()


def invalid_token(field: str) -> InvalidInput:
    """Refuse a token that is none of the log that is asked for."""
    return InvalidInput.of(
        field,
        "is a token that this log gave you, with the same other fields",
        reason="RESUME_TOKEN_INVALID",
    )
