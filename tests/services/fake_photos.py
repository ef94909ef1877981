"""Photos in memory, and a decoder that takes anything, behind the ports of the use cases."""

import hashlib
from collections import deque
from collections.abc import Sequence

from oms.domain.errors import LimitExceeded, NotFound
from oms.domain.photos import Picture
from tests.services.fake_gateways import Fault, meet


class FakePhotoStore:
    """`faults` are met by the next calls that write or remove, one each."""

    def __init__(self) -> None:
        self.partial: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.faults: deque[Fault] = deque()
        self.is_full = False

    def require_room(self) -> None:
        if self.is_full:
            raise LimitExceeded("full", limit="photo_storage")

    def write(self, upload_id: str, offset: int, data: bytes) -> None:
        self.require_room()
        meet(self.faults)
        before = self.partial.get(upload_id, b"").ljust(offset, b"\0")
        self.partial[upload_id] = before[:offset] + data + before[offset + len(data) :]

    def received(self, upload_id: str, size: int) -> bytes:
        return self.partial.get(upload_id, b"")[:size]

    def drop(self, upload_id: str) -> None:
        meet(self.faults)
        self.partial.pop(upload_id, None)

    def uploads(self, after: str) -> Sequence[str]:
        return sorted(name for name in self.partial if name > after)

    def put(self, data: bytes) -> str:
        self.require_room()
        meet(self.faults)
        key = hashlib.sha256(data).hexdigest()
        self.files[key] = data
        return key

    def has(self, key: str) -> bool:
        return key in self.files

    def read(self, key: str, offset: int, size: int) -> bytes:
        if key not in self.files:
            raise NotFound.of(f"file {key}")
        return self.files[key][offset : offset + size]

    def remove(self, key: str) -> None:
        meet(self.faults)
        self.files.pop(key, None)

    def keys(self, prefix: str) -> Sequence[str]:
        return sorted(key for key in self.files if key.startswith(prefix))

    def tidy(self) -> None:
        pass


class FakeDecoder:
    """Takes anything for a picture of 4 by 3; `faults` are met by the next calls, one each."""

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()

    def clean(self, data: bytes, patience_seconds: float = 0.0) -> Picture:
        meet(self.faults)
        return Picture(b"clean " + data, 4, 3)

    def shrink(self, data: bytes, patience_seconds: float = 0.0) -> Picture:
        meet(self.faults)
        return Picture(b"small " + data, 4, 3)
