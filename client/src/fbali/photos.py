"""Photos on the wire: sent in pieces that may be repeated, fetched into files that are whole.

Both ways go on where they stopped when the server was away, for as long as there is progress now
and then; and both check that what arrived is what was meant. They are steps, so that both clients
can take them.
"""

import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO

from fbali.errors import DeadlineExceeded, FbaliError, ServerError, Unavailable
from fbali.retries import Pace
from fbali.steps import Ask, Receive, Steps, Tell, Wait
from fbali.v1.after_sales_service_pb2 import (
    CreateUploadRequest,
    DownloadPhotoRequest,
    DownloadPhotoResponse,
    FinalizeUploadRequest,
    GetUploadRequest,
    WriteUploadChunkRequest,
)
from fbali.v1.photo_pb2 import UPLOAD_STATE_RECEIVING, Photo, Upload

CHUNK_BYTES = 512 * 1024  # Takes 16 s at 256 kbit/s.
CALL_SECONDS = 90.0  # For one chunk on a slow line, or for the server to read a large picture.
RESUMES_MAX = 10  # Failures in a row, without one more byte, before it is given up.
RESUME_SECONDS_MIN = 0.25
RESUME_SECONDS_MAX = 8.0
SIZE_UNKNOWN_BYTES_MAX = 64 * 1024 * 1024  # Of what cannot be read twice; the server takes less.

# What may go well when it is tried again from where the server stands.
_PASSING = frozenset({"UPLOAD_GAP", "CHECKSUM_MISMATCH"})

Source = Path | str | BinaryIO


def upload(case: str, source: Source, file_name: str, pace: Pace) -> Steps[Photo]:
    """Send a photo into a case; see `Client.upload_photo`."""
    with _opened(source) as file:
        size, digest = _measured(file)
        request = CreateUploadRequest(
            parent=case,
            file_name=file_name or _name_of(source),
            size_bytes=size,
            sha256=digest,
        )
        begun = (yield from _persist(Ask("CreateUpload", request), pace)).upload
        if begun.state == UPLOAD_STATE_RECEIVING:
            yield from _send(begun, file, size, pace)
    yield Tell(size, size)
    end = FinalizeUploadRequest(name=begun.name, sha256=digest)
    photo: Photo = (yield from _persist(Ask("FinalizeUpload", end, CALL_SECONDS), pace)).photo
    return photo


def _send(begun: Upload, file: BinaryIO, size: int, pace: Pace) -> Steps[None]:
    committed = begun.committed_size_bytes
    step = min(CHUNK_BYTES, begun.chunk_size_bytes_max or CHUNK_BYTES)
    patience = _Patience(pace)
    yield Tell(committed, size)
    while committed < size:
        file.seek(committed)
        data = file.read(step)
        if not data:
            raise ValueError("the file became shorter while it was sent")
        try:
            answer = yield _chunk(begun.name, committed, data)
            committed = answer.committed_size_bytes
            patience.renew()
        except FbaliError as error:
            yield patience.wait_after(error)
            ask = Ask("GetUpload", GetUploadRequest(name=begun.name))
            committed = (yield from _persist(ask, pace)).upload.committed_size_bytes
        else:
            yield Tell(committed, size)


def _chunk(name: str, offset: int, data: bytes) -> Ask:
    crc32 = zlib.crc32(data)
    chunk = WriteUploadChunkRequest(name=name, offset=offset, data=data, crc32=crc32)
    return Ask("WriteUploadChunk", chunk, CALL_SECONDS)


def download(request: DownloadPhotoRequest, target: Path | str, pace: Pace) -> Steps[Path]:
    """Fetch a photo into a file; see `Client.download_photo`."""
    path = Path(target)
    part = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            digest = yield from _receive(request, file, pace)
            file.flush()
            os.fsync(file.fileno())
        found = hashlib.sha256(part.read_bytes()).hexdigest()
        if found != digest:
            raise ServerError(f"{request.name} arrived damaged: its digest is not {digest}")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _receive(request: DownloadPhotoRequest, file: BinaryIO, pace: Pace) -> Steps[str]:
    wanted = DownloadPhotoRequest()
    wanted.CopyFrom(request)
    patience = _Patience(pace)
    last = DownloadPhotoResponse()

    def take(piece: DownloadPhotoResponse) -> tuple[int, int]:
        file.write(piece.data)
        wanted.offset += len(piece.data)
        patience.renew()
        last.sha256, last.size_bytes = piece.sha256, piece.size_bytes
        return wanted.offset, piece.size_bytes

    while True:
        try:
            yield Receive("DownloadPhoto", wanted, CALL_SECONDS, take)
            error: FbaliError = Unavailable(f"{request.name} broke off")
        except FbaliError as failure:
            error = failure
        if last.sha256 and wanted.offset >= last.size_bytes:
            return last.sha256
        yield patience.wait_after(error)


def _persist(ask: Ask, pace: Pace) -> Steps[Any]:
    """Make a call until it succeeds, must not be repeated, or patience is at its end."""
    patience = _Patience(pace)
    while True:
        try:
            return (yield ask)
        except FbaliError as error:
            yield patience.wait_after(error)


class _Patience:
    """Counts failures in a row, and waits longer after each, until there were too many."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._failures = 0

    def renew(self) -> None:
        """Forget the failures: there was progress."""
        self._failures = 0

    def wait_after(self, error: FbaliError) -> Wait:
        """Give the wait before the next try; raises the error when there is to be none."""
        passing = isinstance(error, Unavailable | DeadlineExceeded) or error.reason in _PASSING
        if not passing or self._failures >= RESUMES_MAX:
            raise error
        delay = self._pace.delay(self._failures, RESUME_SECONDS_MIN, RESUME_SECONDS_MAX)
        self._failures += 1
        return Wait(max(delay, error.retry_after_seconds or 0.0))


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            yield file
    elif source.seekable():
        yield source
    else:
        yield io.BytesIO(source.read(SIZE_UNKNOWN_BYTES_MAX))


def _measured(file: BinaryIO) -> tuple[int, str]:
    file.seek(0)
    digest = hashlib.sha256()
    size = 0
    while data := file.read(CHUNK_BYTES):
        digest.update(data)
        size += len(data)
    return size, digest.hexdigest()


def _name_of(source: Source) -> str:
    name = source if isinstance(source, str | Path) else getattr(source, "name", "")
    return Path(name).name[:200] if isinstance(name, str | Path) else ""
