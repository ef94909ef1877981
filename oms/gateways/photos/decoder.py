"""Reads pictures that nobody vouches for, each in a process of its own that may do nothing else.

A picture that needs more memory, processor or time than its limits ends its process, not the
server. At most DECODERS_MAX processes run at once; who finds none free is told to come back.
"""

import json
import logging
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from oms.domain.errors import Unavailable
from oms.domain.photos import (
    PHOTO_BYTES_MAX,
    PHOTO_PIXELS_MAX,
    PHOTO_SIDE_MAX,
    THUMBNAIL_SIDE_MAX,
    PhotoProblem,
    Picture,
    looks_like_photo,
    photo_refusal,
)

log = logging.getLogger(__name__)

DECODERS_MAX = 2  # Each may use DecoderLimits.memory_bytes and a thread of the caller.
RETRY_SECONDS = 1.0
_PROGRAM = Path(__file__).with_name("drawing.py")
_HEAD_BYTES_MAX = 1_000
_FAILED = 1  # The exit status of a Python program that an exception ended.


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """What one picture may cost. The largest photo allowed needs about half of each."""

    memory_bytes: int = 1_280 * 1024 * 1024
    cpu_seconds: int = 20
    wall_seconds: float = 40.0


class ProcessDecoder:
    """Decodes in child processes; may be shared by threads."""

    def __init__(self, limits: DecoderLimits | None = None) -> None:
        """Start nothing yet."""
        self._limits = limits or DecoderLimits()
        self._free = threading.BoundedSemaphore(DECODERS_MAX)

    def clean(self, data: bytes, patience_seconds: float = 0.0) -> Picture:
        """Draw a picture anew, upright and without anything but its pixels.

        Raises:
            InvalidInput: it is no photo that we take; the reason is a PhotoProblem.
            Unavailable: no decoder was free within the patience, or it could not be run.
        """
        return self._run(data, 0, patience_seconds)

    def shrink(self, data: bytes, patience_seconds: float = 0.0) -> Picture:
        """Draw the thumbnail of a picture; raises as `clean` does."""
        return self._run(data, THUMBNAIL_SIDE_MAX, patience_seconds)

    def _run(self, data: bytes, thumbnail_side: int, patience_seconds: float) -> Picture:
        if not looks_like_photo(data[:12]):
            raise photo_refusal(PhotoProblem.TYPE_UNSUPPORTED)
        if not self._free.acquire(timeout=patience_seconds):
            raise Unavailable("other photos are being read", retry_after_seconds=RETRY_SECONDS)
        try:
            # A file, because the kernel bounds how much a process may write into one.
            with tempfile.TemporaryFile() as output:
                status = self._decode(data, self._arguments(thumbnail_side), output)
                output.seek(0)
                return _picture(status, output)
        except OSError as error:
            log.warning("a picture could not be decoded: %s", error)
            raise Unavailable("the picture could not be read just now") from error
        finally:
            self._free.release()

    def _arguments(self, thumbnail_side: int) -> str:
        limits = {
            "memory_bytes": self._limits.memory_bytes,
            "cpu_seconds": self._limits.cpu_seconds,
            "input_bytes": PHOTO_BYTES_MAX,
            "output_bytes": PHOTO_BYTES_MAX + _HEAD_BYTES_MAX,
            "photo_bytes": PHOTO_BYTES_MAX,
            "pixels": PHOTO_PIXELS_MAX,
            "side": PHOTO_SIDE_MAX,
            "thumbnail_side": thumbnail_side,
        }
        return json.dumps(limits)

    def _decode(self, data: bytes, arguments: str, output: IO[bytes]) -> int:
        with subprocess.Popen(  # noqa: S603 - our own program.
            [sys.executable, "-I", str(_PROGRAM), arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={},
        ) as process:
            try:
                process.communicate(data, timeout=self._limits.wall_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            return process.wait()


def _picture(status: int, output: IO[bytes]) -> Picture:
    if status == _FAILED:
        raise Unavailable("the picture could not be read just now")
    if status:  # A signal: a limit was reached, or the picture broke the library that reads it.
        log.info("a picture ended its decoder", extra={"status": status})
        raise photo_refusal(PhotoProblem.TOO_COMPLEX)
    head: dict[str, Any] = json.loads(output.readline(_HEAD_BYTES_MAX))
    if "problem" in head:
        raise photo_refusal(PhotoProblem(head["problem"]))
    return Picture(output.read(), head["width"], head["height"])
