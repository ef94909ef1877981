"""What happens to photos by itself: thumbnails are drawn, and what nobody needs is removed."""

from oms.domain.jobs import ClaimedJob, Cursor
from oms.domain.photos import FILE_GRACE_MS, PHOTO_BYTES_MAX, UPLOAD_KEPT_MS, PhotoFile
from oms.storage import jobs, photos, uploads
from oms.usecases.context import Oms

DECODER_PATIENCE_SECONDS = 30.0  # Photos that people wait for go first.
BATCH_MAX = 100  # Files of one short transaction.
_FOLDERS = 256


def run_make_thumbnail(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Draw the thumbnail of a file; once it has one, or is gone, there is nothing to do."""
    key: str = job.args["file"]
    with oms.db.session():
        present = photos.thumbnail_of(oms.db, key)
    thumbnail = _drawn(oms, key) if present == "" else None
    with oms.db.transaction():
        if thumbnail is not None and photos.use_file(oms.db, thumbnail.key):
            if not oms.photos.has(thumbnail.key):
                raise FileNotFoundError(thumbnail.key)
            photos.set_thumbnail(oms.db, key, thumbnail.key)
        jobs.finish(oms.db, job, oms.clock.now_ms())
    return None


def _drawn(oms: Oms, key: str) -> PhotoFile:
    """Draw a thumbnail and put it where it stays; its row is there before it is."""
    data = oms.photos.read(key, 0, PHOTO_BYTES_MAX)
    picture = oms.decoder.shrink(data, DECODER_PATIENCE_SECONDS)
    file = PhotoFile.of(picture)
    with oms.db.transaction():
        photos.expect_file(oms.db, file, oms.clock.now_ms())
    oms.photos.put(picture.data)
    return file


def run_purge_photos(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Remove old uploads, files that nothing refers to, and then what a crash left on the disk."""
    stage = job.cursor.get("stage", "uploads")
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        cursor = _STAGES[stage](oms, job.cursor, now_ms)
        jobs.step(oms.db, job, cursor, now_ms)
    return cursor


def _purge_uploads(oms: Oms, _cursor: Cursor, now_ms: int) -> Cursor:
    old = uploads.older_than(oms.db, now_ms - UPLOAD_KEPT_MS, BATCH_MAX)
    for upload_id in old:
        oms.photos.drop(upload_id)
    uploads.delete(oms.db, old)
    return {"stage": "uploads" if old else "files", "batch": len(old)}


def _purge_files(oms: Oms, _cursor: Cursor, now_ms: int) -> Cursor:
    before_ms = now_ms - FILE_GRACE_MS
    unused = photos.unused_files(oms.db, before_ms, BATCH_MAX)
    for key in unused:
        if photos.delete_file(oms.db, key, before_ms, now_ms):
            # Under the lock of the row that is gone: whoever wants this file waits, then puts it.
            oms.photos.remove(key)
        else:
            photos.keep_file(oms.db, key)
    return {"stage": "files"} if len(unused) == BATCH_MAX else {"stage": "partial", "after": ""}


def _sweep_partial(oms: Oms, cursor: Cursor, _now_ms: int) -> Cursor:
    """Drop the bytes of uploads that ended or are forgotten."""
    names = oms.photos.uploads(cursor["after"])
    needed = uploads.unended(oms.db, names)
    for name in names:
        if name not in needed:
            oms.photos.drop(name)
    if names:
        return {"stage": "partial", "after": names[-1]}
    oms.photos.tidy()
    return {"stage": "strays", "folder": 0}


def _sweep_strays(oms: Oms, cursor: Cursor, now_ms: int) -> Cursor | None:
    """Adopt files of the next folder with any that no row knows of."""
    for folder in range(cursor["folder"], _FOLDERS):
        keys = oms.photos.keys(f"{folder:02x}")
        for start in range(0, len(keys), BATCH_MAX):
            photos.adopt_files(oms.db, keys[start : start + BATCH_MAX], now_ms)
        if keys:
            return {"stage": "strays", "folder": folder + 1}
    return None


_STAGES = {
    "uploads": _purge_uploads,
    "files": _purge_files,
    "partial": _sweep_partial,
    "strays": _sweep_strays,
}
