"""Photos of cases: who may see them, and which file each is kept in."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.cases import CaseState
from oms.domain.errors import NotFound
from oms.domain.photos import Photo, PhotoFile
from oms.domain.principals import Principal
from oms.storage import cases
from oms.storage.database import Database, Row, marks


@dataclass(frozen=True, slots=True)
class EvidenceCase:
    """What photos need to know of their case."""

    id: str
    merchant_id: str
    order_id: str
    state: CaseState


def visible_case(db: Database, caller: Principal, merchant_id: str, case_id: str) -> EvidenceCase:
    """Read a case that the caller may see.

    Raises:
        NotFound: it is absent, or for the caller it is as good as that.
    """
    condition, parameters = cases.scope(caller)
    row = db.one(
        "SELECT c.id, c.merchant_id, c.order_id, c.state FROM after_sales_case c"
        f" WHERE c.id = ? AND (? = '-' OR c.merchant_id = ?) AND {condition}",
        case_id,
        merchant_id,
        merchant_id,
        *parameters,
    )
    if row is None:
        raise NotFound.of(f"merchants/{merchant_id}/cases/{case_id}")
    return EvidenceCase(row[0], row[1], row[2], CaseState(row[3]))


# --- Photos -----------------------------------------------------------------------------------

_PHOTO = (
    "SELECT p.id, p.merchant_id, p.case_id, p.uploader, p.file_name, p.source_sha256, p.created_at,"
    " f.id, f.size, f.width, f.height, t.id, t.size, t.width, t.height FROM photo p"
    " JOIN photo_file f ON f.id = p.file_id LEFT JOIN photo_file t ON t.id = f.thumbnail_id"
)


def insert(db: Database, photo: Photo) -> None:
    """Write a photo, whose file is in use."""
    db.run(
        "INSERT INTO photo (id, merchant_id, case_id, file_id, uploader, file_name,"
        " source_sha256, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        photo.id,
        photo.merchant_id,
        photo.case_id,
        photo.file.key,
        photo.uploader,
        photo.file_name,
        photo.source_sha256,
        photo.created_at,
    )


def of_case(db: Database, case_id: str) -> list[Photo]:
    """Return the photos of a case, oldest first."""
    return [_photo(row) for row in db.all(f"{_PHOTO} WHERE p.case_id = ? ORDER BY p.id", case_id)]


def of_name(db: Database, case_id: str, photo_id: str) -> Photo | None:
    """Return one photo of a case."""
    row = db.one(f"{_PHOTO} WHERE p.case_id = ? AND p.id = ?", case_id, photo_id)
    return None if row is None else _photo(row)


def delete(db: Database, photo: Photo, now_ms: int) -> None:
    """Delete a photo; its file waits to be removed when no other photo is kept in it."""
    db.run("DELETE FROM photo WHERE id = ?", photo.id)
    db.run(
        "UPDATE photo_file SET unused_since_at = ? WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM photo WHERE photo.file_id = photo_file.id)",
        now_ms,
        photo.file.key,
    )


def recount(db: Database, case_id: str, now_ms: int) -> int:
    """Count the photos of a case, whose order is locked, into it; return how many there are."""
    db.run(
        "UPDATE after_sales_case SET version = version + 1, updated_at = ?, photo_count ="
        " (SELECT COUNT(*) FROM photo WHERE photo.case_id = after_sales_case.id) WHERE id = ?",
        now_ms,
        case_id,
    )
    row = db.one("SELECT photo_count FROM after_sales_case WHERE id = ?", case_id)
    assert row is not None
    return int(row[0])


def _photo(row: Row) -> Photo:
    return Photo(
        id=row[0],
        merchant_id=row[1],
        case_id=row[2],
        uploader=row[3],
        file_name=row[4],
        source_sha256=row[5],
        created_at=row[6],
        file=PhotoFile(*row[7:11]),
        thumbnail=None if row[11] is None else PhotoFile(*row[11:15]),
    )


# --- Files ------------------------------------------------------------------------------------
#
# The row of a file is written before its bytes and removed after them, both under the lock of the
# row, and a photo refers to it only after its bytes were seen under that lock. So there are never
# bytes that no row knows of, and never a photo without bytes.


def expect_file(db: Database, file: PhotoFile, now_ms: int) -> None:
    """Announce bytes that are about to be put; one transaction before they are."""
    db.run(
        "INSERT INTO photo_file (id, size, width, height, unused_since_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET size = excluded.size, width = excluded.width,"
        " height = excluded.height, unused_since_at = CASE"
        " WHEN photo_file.unused_since_at IS NULL THEN NULL ELSE excluded.unused_since_at END",
        file.key,
        file.size,
        file.width,
        file.height,
        now_ms,
    )


def use_file(db: Database, key: str) -> bool:
    """Lock a file and mark it as used by what this transaction writes; False when it is unknown."""
    return bool(db.run("UPDATE photo_file SET unused_since_at = NULL WHERE id = ?", key))


def thumbnail_of(db: Database, key: str) -> str | None:
    """Return the thumbnail of a file, empty when it has none yet; None for an unknown file."""
    row = db.one("SELECT thumbnail_id FROM photo_file WHERE id = ?", key)
    return None if row is None else row[0] or ""


def set_thumbnail(db: Database, key: str, thumbnail_key: str) -> bool:
    """Give a file its thumbnail, which is in use; False when the file is gone."""
    return bool(db.run("UPDATE photo_file SET thumbnail_id = ? WHERE id = ?", thumbnail_key, key))


def unused_files(db: Database, before_ms: int, limit: int) -> list[str]:
    """Return files that nothing has referred to since an instant."""
    rows = db.all(
        "SELECT id FROM photo_file WHERE unused_since_at < ? ORDER BY unused_since_at, id LIMIT ?",
        before_ms,
        limit,
    )
    return [row[0] for row in rows]


def delete_file(db: Database, key: str, before_ms: int, now_ms: int) -> bool:
    """Delete the row of a file if it is still unused; its bytes go before this commits."""
    thumbnail = thumbnail_of(db, key)
    deleted = db.run(
        "DELETE FROM photo_file WHERE id = ? AND unused_since_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM photo WHERE photo.file_id = photo_file.id)"
        " AND NOT EXISTS (SELECT 1 FROM photo_file o WHERE o.thumbnail_id = photo_file.id)",
        key,
        before_ms,
    )
    if deleted and thumbnail:
        db.run(
            "UPDATE photo_file SET unused_since_at = ? WHERE id = ?"
            " AND NOT EXISTS (SELECT 1 FROM photo_file o WHERE o.thumbnail_id = photo_file.id)"
            " AND NOT EXISTS (SELECT 1 FROM photo WHERE photo.file_id = photo_file.id)",
            now_ms,
            thumbnail,
        )
    return bool(deleted)


def keep_file(db: Database, key: str) -> None:
    """Take a file that is in use off the list of those that wait to be removed."""
    db.run(
        "UPDATE photo_file SET unused_since_at = NULL WHERE id = ?"
        " AND (EXISTS (SELECT 1 FROM photo WHERE photo.file_id = photo_file.id)"
        " OR EXISTS (SELECT 1 FROM photo_file o WHERE o.thumbnail_id = photo_file.id))",
        key,
    )


def adopt_files(db: Database, keys: Sequence[str], now_ms: int) -> int:
    """Write rows for files that have none, as after a restore; they go when nothing claims them."""
    found = db.all(f"SELECT id FROM photo_file WHERE id IN ({marks(keys)})", *keys)
    strays = sorted(set(keys) - {row[0] for row in found})
    db.many(
        "INSERT INTO photo_file (id, size, width, height, unused_since_at)"
        " VALUES (?, 0, 0, 0, ?) ON CONFLICT (id) DO NOTHING",
        [(key, now_ms) for key in strays],
    )
    return len(strays)
