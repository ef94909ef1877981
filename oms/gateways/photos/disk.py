"""Photos in a folder: what is complete under its SHA-256, what is on its way under its upload.

    <root>/uploads/<upload id>    grows as chunks come
    <root>/files/<2 digits>/<64>  complete; written beside and renamed, so never half there
    <root>/new/                   what is being written

Any number of processes may use one folder. Folders and files are their owner's alone. What is said
to be written is on the disk, not only in the memory of the system.
"""

import errno
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from oms.domain.errors import LimitExceeded, NotFound, Unavailable
from oms.domain.photos import KEY_PATTERN

log = logging.getLogger(__name__)

# Below this nothing is taken: a database on the same disk must not run dry because of photos.
FREE_BYTES_MIN = 256 * 1024 * 1024
NEW_KEPT_SECONDS = 3_600  # Whoever wrote it that long ago is dead.
LIST_MAX = 1_000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskPhotoStore:
    """Photos below one folder."""

    def __init__(self, root: Path, *, free_bytes_min: int = FREE_BYTES_MIN) -> None:
        """Use a folder, which is made when it is first needed."""
        self._uploads = root / "uploads"
        self._files = root / "files"
        self._new = root / "new"
        self._root = root
        self._free_bytes_min = free_bytes_min

    def require_room(self) -> None:
        """Refuse when the disk is nearly full; raises LimitExceeded."""
        with _told():
            self._make(self._root)
            if shutil.disk_usage(self._root).free < self._free_bytes_min:
                raise _full()

    def write(self, upload_id: str, offset: int, data: bytes) -> None:
        """Put bytes into an upload at an offset, durably.

        Raises:
            LimitExceeded: the disk is full; what was there before is untouched.
        """
        with _told():
            self._make(self._uploads)
            _write_durably(self._uploads / upload_id, data, offset)
            if not offset:
                _sync(self._uploads)

    def received(self, upload_id: str, size: int) -> bytes:
        """Read the first `size` bytes of an upload, or fewer if there are no more."""
        with _told():
            try:
                with (self._uploads / upload_id).open("rb") as file:
                    return file.read(size)
            except FileNotFoundError:
                return b""

    def drop(self, upload_id: str) -> None:
        """Forget the bytes of an upload; harmless when there are none."""
        with _told():
            (self._uploads / upload_id).unlink(missing_ok=True)

    def uploads(self, after: str) -> Sequence[str]:
        """List uploads that have bytes, LIST_MAX at most, in order and after one."""
        with _told():
            return sorted(name for name in _names(self._uploads) if name > after)[:LIST_MAX]

    def put(self, data: bytes) -> str:
        """Keep a complete file; return its key. A second time it is written again, harmlessly.

        Raises:
            LimitExceeded: the disk is full; nothing is left behind.
        """
        key = hashlib.sha256(data).hexdigest()
        path = self._path(key)
        new = self._new / f"{key}.{token_hex(8)}"
        with _told():
            self._make(self._new)
            self._make(path.parent)
            try:
                _write_durably(new, data, 0)
                new.rename(path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
            _sync(path.parent)
        return key

    def has(self, key: str) -> bool:
        """Tell whether a file is there."""
        with _told():
            try:
                self._path(key).stat()
            except FileNotFoundError:
                return False
            return True

    def read(self, key: str, offset: int, size: int) -> bytes:
        """Read a piece of a file, empty behind its end; raises NotFound."""
        with _told():
            try:
                with self._path(key).open("rb") as file:
                    file.seek(offset)
                    return file.read(size)
            except FileNotFoundError:
                raise NotFound.of(f"file {key}") from None

    def remove(self, key: str) -> None:
        """Remove a file; harmless when it is gone."""
        with _told():
            self._path(key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> Sequence[str]:
        """List the files whose keys begin with two hexadecimal digits, in order."""
        with _told():
            return sorted(filter(KEY_PATTERN.fullmatch, _names(self._files / prefix)))

    def tidy(self) -> None:
        """Remove what a process was writing when it died."""
        oldest = time.time() - NEW_KEPT_SECONDS
        with _told():
            for name in _names(self._new):
                with suppress(FileNotFoundError):
                    if (self._new / name).stat().st_mtime < oldest:
                        (self._new / name).unlink()

    def _path(self, key: str) -> Path:
        assert KEY_PATTERN.fullmatch(key), key
        return self._files / key[:2] / key

    def _make(self, folder: Path) -> None:
        """Make a folder that outlives a power cut, with those above it."""
        if folder.is_dir():
            return
        if folder != self._root:
            self._make(folder.parent)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


def _names(folder: Path) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name


def _write_durably(path: Path, data: bytes, offset: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            count = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[count:], offset + count
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told() -> Iterator[None]:
    """Say in our own words what the disk cannot do."""
    try:
        yield
    except OSError as error:
        log.warning("the folder of photos failed: %s", error)
        if error.errno in _FULL:
            raise _full() from error
        raise Unavailable("the photo storage does not answer; nothing was done") from error


def _full() -> LimitExceeded:
    return LimitExceeded(
        "the photo storage is full; the operator must make room before photos are taken",
        limit="photo_storage",
    )
