"""Photos on their way into a case: chunk by chunk, until they are whole, judged and kept.

Bytes are written and pictures are read outside of transactions, which hold the database for a
moment only. Any number of processes may serve one upload: how far it has come is moved on by
compare-and-set, and what it becomes is decided under the lock of its row.
"""

import hashlib
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from oms.domain.errors import (
    FbaliError,
    InvalidInput,
    LimitExceeded,
    NotFound,
    Refused,
    Unavailable,
)
from oms.domain.ids import IdKind, new_id
from oms.domain.jobs import JobKind
from oms.domain.photos import (
    PHOTO_BYTES_MAX,
    UPLOAD_TABLE,
    UPLOADS_PER_CASE_MAX,
    Photo,
    PhotoFile,
    PhotoProblem,
    Upload,
    UploadEvent,
    UploadState,
    photo_refusal,
)
from oms.domain.principals import Principal
from oms.storage import jobs, photos, uploads
from oms.usecases.case_photos import add_photo, lock_case, require_may_add, require_place
from oms.usecases.context import Call, Oms, Transaction, earlier_answer, mutate


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """A photo that is about to be sent. `size` is 0 and `sha256` empty when not known yet."""

    merchant_id: str
    case_id: str
    file_name: str = ""
    size: int = 0
    sha256: str = ""


def create_upload(tx: Transaction, command: CreateUpload) -> Upload:
    """Begin an upload, or find the one by which the caller sends the same bytes already.

    Raises:
        LimitExceeded: the photo is too large, the case has all photos or uploads that it may have,
            or there is no room on the disk.
    """
    assert tx.caller is not None
    case = lock_case(tx, command.merchant_id, command.case_id)
    require_may_add(tx.caller, case)
    if command.size > PHOTO_BYTES_MAX:
        raise _too_large(command.size)
    if command.sha256:
        same = uploads.of_content(tx.db, case.id, tx.actor, command.sha256, command.size)
        if same is not None:
            return same
    _require_places(tx, case.id)
    tx.oms.photos.require_room()
    upload = Upload(
        id=new_id(IdKind.UPLOAD, tx.now_ms),
        merchant_id=case.merchant_id,
        case_id=case.id,
        uploader=tx.actor,
        state=UploadState.RECEIVING,
        file_name=command.file_name,
        size=command.size,
        sha256=command.sha256,
        committed=0,
        problem=None,
        photo_id="",
        created_at=tx.now_ms,
    )
    uploads.insert(tx.db, upload)
    return upload


def _require_places(tx: Transaction, case_id: str) -> None:
    require_place(len(photos.of_case(tx.db, case_id)))
    count = uploads.count_open(tx.db, case_id, tx.actor)
    if count >= UPLOADS_PER_CASE_MAX:
        raise LimitExceeded(
            f"{count} uploads to this case are open, {UPLOADS_PER_CASE_MAX} are allowed at once;"
            " finalize them, or wait until they expire",
            limit="uploads_per_case",
        )


def _too_large(size: int) -> LimitExceeded:
    return LimitExceeded(
        f"a photo of {size} bytes was sent, and {PHOTO_BYTES_MAX} are allowed",
        limit="photo_bytes",
    )


@dataclass(frozen=True, slots=True)
class UploadRef:
    """An upload as its name tells it."""

    merchant_id: str
    case_id: str
    upload_id: str


def find_upload(oms: Oms, caller: Principal, ref: UploadRef) -> Upload:
    """Return an upload of the caller's own into a case that it still sees. Raises NotFound."""
    photos.visible_case(oms.db, caller, ref.merchant_id, ref.case_id)
    found = uploads.find(oms.db, ref.upload_id)
    if found is None or (found.case_id, found.uploader) != (ref.case_id, caller.actor):
        raise NotFound.of(
            f"merchants/{ref.merchant_id}/cases/{ref.case_id}/uploads/{ref.upload_id}"
        )
    return found


@dataclass(frozen=True, slots=True)
class UploadChunk:
    """Bytes at an offset, with their CRC-32 (that of zlib, gzip and PNG)."""

    offset: int
    data: bytes
    crc32: int


def write_upload_chunk(oms: Oms, caller: Principal, ref: UploadRef, chunk: UploadChunk) -> Upload:
    """Take bytes; return how far the upload has come. What has come already is passed over.

    Raises:
        InvalidInput: the bytes are not those that were sent.
        Refused: they would leave a gap behind what has come.
        LimitExceeded: they would make the upload too large, or the disk is full.
    """
    if zlib.crc32(chunk.data) != chunk.crc32:
        raise InvalidInput.of(
            "crc32",
            f"is {chunk.crc32}, but that of the bytes that came is {zlib.crc32(chunk.data)};"
            " send them again",
            reason="CHECKSUM_MISMATCH",
        )
    upload = find_upload(oms, caller, ref)
    end = chunk.offset + len(chunk.data)
    if upload.state == UploadState.FINISHED and end <= upload.committed:
        return upload
    UPLOAD_TABLE.advance(f"upload {upload.id}", upload.state, UploadEvent.WRITE)
    _require_no_gap(upload, chunk.offset)
    _require_fits(upload, end)
    if end > upload.committed:
        # Not created before the first byte, so that nothing is left of an upload without any.
        oms.photos.write(upload.id, upload.committed, chunk.data[upload.committed - chunk.offset :])
        with oms.db.transaction():
            uploads.commit(oms.db, upload.id, upload.committed, end)
    return find_upload(oms, caller, ref)


def _require_no_gap(upload: Upload, offset: int) -> None:
    if offset > upload.committed:
        raise Refused(
            f"bytes from {offset} on were sent, but {upload.committed} have come: go on there",
            reason="UPLOAD_GAP",
            committed_size=upload.committed,
        )


def _require_fits(upload: Upload, end: int) -> None:
    if end > PHOTO_BYTES_MAX:
        raise _too_large(end)
    if upload.size and end > upload.size:
        raise InvalidInput.of("data", f"ends at {end}, but {upload.size} bytes were announced")


@dataclass(frozen=True, slots=True)
class FinalizeUpload:
    """The end of an upload; `sha256` is the hex digest of all its bytes."""

    ref: UploadRef
    sha256: str


@dataclass(frozen=True, slots=True)
class _Judged:
    """An upload whose bytes were judged, and the file that they became; None: it was one before."""

    command: FinalizeUpload
    upload: Upload
    file: PhotoFile | None


def finalize_upload(
    oms: Oms, call: Call, command: FinalizeUpload, encode: Callable[[Photo], bytes]
) -> bytes:
    """Judge a complete upload, and add what it became to its case; twice, it is the same photo.

    Raises:
        InvalidInput: its digest is another one, or its content is no photo that we take; the
            latter ends the upload and removes its bytes.
        Refused: it is not complete.
        LimitExceeded: the case has all photos that it may have, or the disk is full.
        Unavailable: all decoders are busy.
    """
    earlier = earlier_answer(oms, call)
    if earlier is not None:
        return earlier
    upload = find_upload(oms, call.caller, command.ref)
    file = None
    if upload.state == UploadState.RECEIVING:
        case = photos.visible_case(oms.db, call.caller, upload.merchant_id, upload.case_id)
        require_may_add(call.caller, case)
        file = _judge(oms, upload, command)
    answer = mutate(oms, call, _finish, _Judged(command, upload, file), encode)
    _forget_bytes(oms, upload)
    return answer


def _judge(oms: Oms, upload: Upload, command: FinalizeUpload) -> PhotoFile | None:
    if upload.size and upload.committed < upload.size:
        raise Refused(
            f"{upload.committed} of {upload.size} bytes have come: send the rest first",
            reason="UPLOAD_GAP",
            committed_size=upload.committed,
        )
    # From here on these bytes are meant, whatever happens to the file.
    data = oms.photos.received(upload.id, upload.committed)
    digest = hashlib.sha256(data).hexdigest()
    if digest != command.sha256:
        if _is_finished(oms, upload):  # By another process, which removed the bytes.
            return None
        raise InvalidInput.of(
            "sha256",
            f"is {command.sha256}, but that of the {len(data)} bytes that came is {digest}",
            reason="CHECKSUM_MISMATCH",
        )
    try:
        picture = oms.decoder.clean(data)
    except InvalidInput as refusal:
        _refuse(oms, upload, PhotoProblem(refusal.word))
        raise
    file = PhotoFile.of(picture)
    with oms.db.transaction():
        photos.expect_file(oms.db, file, oms.clock.now_ms())
    oms.photos.put(picture.data)
    return file


def _is_finished(oms: Oms, upload: Upload) -> bool:
    found = uploads.find(oms.db, upload.id)
    return found is not None and found.state == UploadState.FINISHED


def _refuse(oms: Oms, upload: Upload, problem: PhotoProblem) -> None:
    with oms.db.transaction():
        uploads.refuse(oms.db, upload.id, problem)
    _forget_bytes(oms, upload)


def _forget_bytes(oms: Oms, upload: Upload) -> None:
    with suppress(FbaliError):  # The hourly job does it too.
        oms.photos.drop(upload.id)


def _finish(tx: Transaction, judged: _Judged) -> Photo:
    assert tx.caller is not None
    ref = judged.command.ref
    case = lock_case(tx, ref.merchant_id, ref.case_id)
    upload = uploads.find(tx.db, ref.upload_id, lock=True)
    if upload is None:
        raise NotFound.of(f"upload {ref.upload_id}")
    if upload.problem is not None:
        raise photo_refusal(upload.problem)
    if upload.state == UploadState.FINISHED:
        return _photo_of(tx, upload, judged.command.sha256)
    require_may_add(tx.caller, case)
    require_place(len(photos.of_case(tx.db, case.id)))
    if judged.file is None or upload.committed != judged.upload.committed:
        raise Unavailable("the upload went on while it was finalized; try again")
    photo = Photo(
        id=new_id(IdKind.PHOTO, tx.now_ms),
        merchant_id=case.merchant_id,
        case_id=case.id,
        uploader=tx.actor,
        file_name=upload.file_name,
        source_sha256=judged.command.sha256,
        file=judged.file,
        thumbnail=None,
        created_at=tx.now_ms,
    )
    uploads.finish(tx.db, upload.id, photo.id)
    added = add_photo(tx, case, photo)
    if added.thumbnail is None:
        args = {"file": photo.file.key}
        key = f"make_thumbnail:{photo.file.key}"
        jobs.enqueue(tx.db, JobKind.MAKE_THUMBNAIL, tx.now_ms, args=args, dedupe_key=key)
    return added


def _photo_of(tx: Transaction, upload: Upload, sha256: str) -> Photo:
    photo = photos.of_name(tx.db, upload.case_id, upload.photo_id)
    if photo is None:
        raise NotFound.of(f"photo {upload.photo_id}")
    if photo.source_sha256 != sha256:
        raise InvalidInput.of(
            "sha256", "is not that of the photo that this became", reason="CHECKSUM_MISMATCH"
        )
    return photo
