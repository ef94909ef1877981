"""Uploads of photos: how far each has come. Their bytes are in the photo storage."""

from collections.abc import Sequence

from oms.domain.photos import PhotoProblem, Upload, UploadState
from oms.storage.database import Database, Row, marks

_COLUMNS = (
    "id, merchant_id, case_id, uploader, state, file_name, size, sha256, committed, problem,"
    " photo_id, created_at"
)


def insert(db: Database, upload: Upload) -> None:
    """Write a new upload."""
    db.run(
        f"INSERT INTO photo_upload ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)",
        upload.id,
        upload.merchant_id,
        upload.case_id,
        upload.uploader,
        upload.state.value,
        upload.file_name,
        upload.size,
        upload.sha256,
        upload.committed,
        upload.photo_id,
        upload.created_at,
    )


def find(db: Database, upload_id: str, *, lock: bool = False) -> Upload | None:
    """Read an upload."""
    row = db.one(
        f"SELECT {_COLUMNS} FROM photo_upload WHERE id = ?{db.lock_rows if lock else ''}",
        upload_id,
    )
    return None if row is None else _upload(row)


def of_content(db: Database, case_id: str, uploader: str, sha256: str, size: int) -> Upload | None:
    """Find the newest upload of the same bytes by the same uploader that came to something."""
    row = db.one(
        f"SELECT {_COLUMNS} FROM photo_upload WHERE case_id = ? AND uploader = ? AND sha256 = ?"
        " AND size = ? AND (state = 'RECEIVING' OR photo_id IN (SELECT id FROM photo WHERE"
        " photo.case_id = photo_upload.case_id)) ORDER BY id DESC LIMIT 1",
        case_id,
        uploader,
        sha256,
        size,
    )
    return None if row is None else _upload(row)


def count_open(db: Database, case_id: str, uploader: str) -> int:
    """Count what one party has begun and not ended in a case."""
    row = db.one(
        "SELECT COUNT(*) FROM photo_upload WHERE case_id = ? AND uploader = ?"
        " AND state = 'RECEIVING'",
        case_id,
        uploader,
    )
    assert row is not None
    return int(row[0])


def commit(db: Database, upload_id: str, start: int, end: int) -> bool:
    """Count bytes that were written as received; False when it went on without them."""
    return bool(
        db.run(
            "UPDATE photo_upload SET committed = ? WHERE id = ? AND committed = ?"
            " AND state = 'RECEIVING'",
            end,
            upload_id,
            start,
        )
    )


def finish(db: Database, upload_id: str, photo_id: str) -> None:
    """Note which photo a locked upload became."""
    _end(db, upload_id, UploadState.FINISHED, photo_id, None)


def refuse(db: Database, upload_id: str, problem: PhotoProblem) -> None:
    """Note why an upload became none, unless it has ended otherwise."""
    _end(db, upload_id, UploadState.REFUSED, "", problem)


def _end(
    db: Database, upload_id: str, state: UploadState, photo_id: str, problem: PhotoProblem | None
) -> None:
    db.run(
        "UPDATE photo_upload SET state = ?, photo_id = ?, problem = ?"
        " WHERE id = ? AND state = 'RECEIVING'",
        state.value,
        photo_id,
        problem and problem.value,
        upload_id,
    )


def older_than(db: Database, instant_ms: int, limit: int) -> list[str]:
    """Return uploads that were begun before an instant, oldest first."""
    rows = db.all(
        "SELECT id FROM photo_upload WHERE created_at < ? ORDER BY created_at, id LIMIT ?",
        instant_ms,
        limit,
    )
    return [row[0] for row in rows]


def delete(db: Database, upload_ids: Sequence[str]) -> None:
    """Forget uploads."""
    db.run(f"DELETE FROM photo_upload WHERE id IN ({marks(upload_ids)})", *upload_ids)


def unended(db: Database, upload_ids: Sequence[str]) -> set[str]:
    """Return those of some uploads whose bytes are still needed."""
    rows = db.all(
        f"SELECT id FROM photo_upload WHERE id IN ({marks(upload_ids)}) AND state = 'RECEIVING'",
        *upload_ids,
    )
    return {row[0] for row in rows}


def _upload(row: Row) -> Upload:
    return Upload(
        id=row[0],
        merchant_id=row[1],
        case_id=row[2],
        uploader=row[3],
        state=UploadState(row[4]),
        file_name=row[5],
        size=row[6],
        sha256=row[7],
        committed=row[8],
        problem=None if row[9] is None else PhotoProblem(row[9]),
        photo_id=row[10],
        created_at=row[11],
    )
