"""Answers that were given to request ids, so that a repeated call gets the same one."""

from oms.domain.errors import InvalidInput
from oms.storage.database import Database


def begin(
    db: Database, *, principal: str, method: str, request_id: str, body_hash: str, now_ms: int
) -> bytes | None:
    """Reserve a request id, first thing in its transaction; return the earlier answer, if any.

    A second call with the same id waits here until the first one has committed.

    Raises:
        InvalidInput: the id was used with another body.
    """
    reserved = db.run(
        "INSERT INTO request (principal, method, request_id, body_hash, answer, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        principal,
        method,
        request_id,
        body_hash,
        b"",
        now_ms,
    )
    if reserved:
        return None
    return find(db, principal=principal, method=method, request_id=request_id, body_hash=body_hash)


def find(
    db: Database, *, principal: str, method: str, request_id: str, body_hash: str
) -> bytes | None:
    """Return the answer that was given to a request id, or None for a new one.

    Raises:
        InvalidInput: the id was used with another body.
    """
    row = db.one(
        "SELECT body_hash, answer FROM request"
        " WHERE principal = ? AND method = ? AND request_id = ?",
        principal,
        method,
        request_id,
    )
    if row is None:
        return None
    if row[0] != body_hash:
        raise InvalidInput.of(
            "request_id",
            f"{request_id} was used for another {method}; make a new one for every intent",
            reason="REQUEST_ID_REUSED",
        )
    return bytes(row[1])


def complete(db: Database, *, principal: str, method: str, request_id: str, answer: bytes) -> None:
    """Keep the answer, last thing in the same transaction."""
    db.run(
        "UPDATE request SET answer = ? WHERE principal = ? AND method = ? AND request_id = ?",
        answer,
        principal,
        method,
        request_id,
    )


def prune(db: Database, older_than_ms: int, limit: int) -> int:
    """Forget answers that were given before an instant; return how many."""
    return db.run(
        "DELETE FROM request WHERE (principal, method, request_id) IN (SELECT principal, method,"
        " request_id FROM request WHERE created_at < ? LIMIT ?)",
        older_than_ms,
        limit,
    )
