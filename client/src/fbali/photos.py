"""Photos on the wire: sent in pieces that may be repeated, fetched into files that are whole.

Both ways go on where they stopped when the server was away, for as long as there is progress now
and then; and both check that what arrived is what was meant.
"""

import hashlib
import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, TypeVar

from fbali.calls import CallPolicy
from fbali.errors import DeadlineExceeded, FbaliError, ServerError, Unavailable
from fbali.v1.after_sales_service_pb2 import (
    CreateUploadRequest,
    DownloadPhotoRequest,
    FinalizeUploadRequest,
    GetUploadRequest,
    WriteUploadChunkRequest,
)
from fbali.v1.after_sales_service_pb2_grpc import AfterSalesServiceStub
from fbali.v1.photo_pb2 import UPLOAD_STATE_RECEIVING, Photo, Upload

CHUNK_BYTES = 512 * 1024  # Takes 16 s at 256 kbit/s.
CALL_SECONDS = 90.0  # For one chunk on a slow line, or for the server to read a large picture.
RESUMES_MAX = 10  # Failures in a row, without one more byte, before it is given up.
RESUME_SECONDS_MAX = 8.0
SIZE_UNKNOWN_BYTES_MAX = 64 * 1024 * 1024  # Of what cannot be read twice; the server takes less.

Progress = Callable[[int, int], None]
T = TypeVar("T")

# What may go well when it is tried again from where the server stands.
_PASSING = frozenset({"UPLOAD_GAP", "CHECKSUM_MISMATCH"})


@dataclass(frozen=True, slots=True)
class Photos:
    """Sends and fetches photos over one connection."""

    stub: AfterSalesServiceStub
    policy: CallPolicy

    def upload(
        self,
        case: str,
        source: "Path | str | BinaryIO",
        file_name: str = "",
        progress: Progress = lambda _sent, _size: None,
    ) -> Photo:
        """Send a photo into a case; see `Client.upload_photo`."""
        with _opened(source) as file:
            size, digest = _measured(file)
            request = CreateUploadRequest(
                parent=case,
                file_name=file_name or _name_of(source),
                size_bytes=size,
                sha256=digest,
            )
            upload = self._persist(lambda: self.stub.CreateUpload(request)).upload
            if upload.state == UPLOAD_STATE_RECEIVING:
                self._send(upload, file, size, progress)
        progress(size, size)
        end = FinalizeUploadRequest(name=upload.name, sha256=digest)
        return self._persist(lambda: self.stub.FinalizeUpload(end, timeout=CALL_SECONDS)).photo

    def _send(self, upload: Upload, file: BinaryIO, size: int, progress: Progress) -> None:
        committed = upload.committed_size_bytes
        step = min(CHUNK_BYTES, upload.chunk_size_bytes_max or CHUNK_BYTES)
        progress(committed, size)
        for pause in self._patience():
            try:
                while committed < size:
                    file.seek(committed)
                    data = file.read(step)
                    if not data:
                        raise ValueError("the file became shorter while it was sent")
                    committed = self._write(upload.name, committed, data)
                    pause.forget()
                    progress(committed, size)
            except FbaliError as error:
                pause.after(error)
                committed = self._persist(
                    lambda: self.stub.GetUpload(GetUploadRequest(name=upload.name))
                ).upload.committed_size_bytes
            else:
                return

    def _write(self, name: str, offset: int, data: bytes) -> int:
        chunk = WriteUploadChunkRequest(name=name, offset=offset, data=data, crc32=zlib.crc32(data))
        answer = self.stub.WriteUploadChunk(chunk, timeout=CALL_SECONDS)
        return answer.committed_size_bytes

    def download(
        self,
        request: DownloadPhotoRequest,
        target: "Path | str",
        progress: Progress = lambda _received, _size: None,
    ) -> Path:
        """Fetch a photo into a file; see `Client.download_photo`."""
        path = Path(target)
        part = path.with_name(f".{path.name}.{token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                digest = self._receive(request, file, progress)
                file.flush()
                os.fsync(file.fileno())
            found = hashlib.sha256(part.read_bytes()).hexdigest()
            if found != digest:
                raise ServerError(f"{request.name} arrived damaged: its digest is not {digest}")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def _receive(self, request: DownloadPhotoRequest, file: BinaryIO, progress: Progress) -> str:
        wanted = DownloadPhotoRequest()
        wanted.CopyFrom(request)
        for pause in self._patience():
            try:
                for piece in self.stub.DownloadPhoto(wanted, timeout=CALL_SECONDS):
                    file.write(piece.data)
                    wanted.offset += len(piece.data)
                    pause.forget()
                    progress(wanted.offset, piece.size_bytes)
                    digest, size = piece.sha256, piece.size_bytes
                    if wanted.offset >= size:
                        return digest
                raise Unavailable(f"{request.name} broke off")
            except FbaliError as error:
                pause.after(error)
        raise AssertionError("patience ends with an error")

    def _persist(self, call: Callable[[], T]) -> T:
        """Make a call until it succeeds, must not be repeated, or patience is at its end."""
        for pause in self._patience():
            try:
                return call()
            except FbaliError as error:
                pause.after(error)
        raise AssertionError("patience ends with an error")

    def _patience(self) -> "Iterator[_Pause]":
        pause = _Pause(self.policy)
        while True:
            yield pause


class _Pause:
    """Waits between tries, longer each time, until there were too many without progress."""

    def __init__(self, policy: CallPolicy) -> None:
        self._policy = policy
        self._failures = 0

    def forget(self) -> None:
        self._failures = 0

    def after(self, error: FbaliError) -> None:
        """Wait before the next try; raises the error when there is to be none."""
        passing = isinstance(error, Unavailable | DeadlineExceeded) or error.reason in _PASSING
        if not passing or self._failures >= RESUMES_MAX:
            raise error
        bound = min(0.25 * 2**self._failures, RESUME_SECONDS_MAX)
        wait = bound * (0.5 + self._policy.jitter() / 2)
        self._failures += 1
        self._policy.sleep(max(wait, error.retry_after_seconds or 0.0))


@contextmanager
def _opened(source: "Path | str | BinaryIO") -> Iterator[BinaryIO]:
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


def _name_of(source: "Path | str | BinaryIO") -> str:
    name = source if isinstance(source, str | Path) else getattr(source, "name", "")
    return Path(name).name[:200] if isinstance(name, str | Path) else ""
