"""Photos that prove a case: what is taken, how it arrives, and what is kept of it.

A photo is uploaded in chunks, judged by its content, drawn anew as a JPEG without anything but its
pixels, and kept under the SHA-256 of the result. Sizes are bytes, instants epoch milliseconds.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from oms.domain.cases import FINAL_STATES, OPEN_STATES, CaseState
from oms.domain.errors import InvalidInput
from oms.domain.principals import Role
from oms.domain.transitions import TransitionTable

PHOTO_BYTES_MAX = 10 * 1024 * 1024  # Of what is uploaded, and of what is kept of it.
PHOTO_PIXELS_MAX = 40_000_000
PHOTO_SIDE_MAX = 30_000  # Longer ones are strips that no thumbnail can show.
THUMBNAIL_SIDE_MAX = 320
CHUNK_BYTES_MAX = 1024 * 1024
PHOTOS_PER_CASE_MAX = 10
UPLOADS_PER_CASE_MAX = 10  # Open ones of one party; each may fill PHOTO_BYTES_MAX of the disk.
UPLOAD_KEPT_MS = 24 * 3_600_000  # From its creation on, finished or not.
FILE_GRACE_MS = 24 * 3_600_000  # How long a file stays that nothing refers to.

KEY_PATTERN = re.compile(r"[0-9a-f]{64}")


class PhotoProblem(StrEnum):
    """Why a picture is not taken; the words of the contract's error reasons."""

    TYPE_UNSUPPORTED = "PHOTO_TYPE_UNSUPPORTED"
    TOO_MANY_PIXELS = "PHOTO_TOO_MANY_PIXELS"
    ANIMATED = "PHOTO_ANIMATED"
    UNREADABLE = "PHOTO_UNREADABLE"
    TOO_COMPLEX = "PHOTO_TOO_COMPLEX"


PROBLEM_WORDS: Mapping[PhotoProblem, str] = {
    PhotoProblem.TYPE_UNSUPPORTED: "is no JPEG, PNG or WebP, whatever its name says",
    PhotoProblem.TOO_MANY_PIXELS: (
        f"has more than {PHOTO_PIXELS_MAX // 1_000_000} megapixels or a side of more than"
        f" {PHOTO_SIDE_MAX} pixels"
    ),
    PhotoProblem.ANIMATED: "is animated; send one picture",
    PhotoProblem.UNREADABLE: "is damaged or cut off and cannot be read to its end",
    PhotoProblem.TOO_COMPLEX: "needs more time or memory than a photo of its size may need",
}


def photo_refusal(problem: PhotoProblem) -> InvalidInput:
    """Refuse the content of an upload."""
    return InvalidInput.of("upload", f"the picture {PROBLEM_WORDS[problem]}", reason=problem.value)


def looks_like_photo(head: bytes) -> bool:
    """Tell by its first 12 bytes whether something says it is a JPEG, PNG or WebP."""
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    )


# In which states of a case who may add photos to it, and take them away again: what was submitted
# stays as it was seen. The operator decides on evidence and adds none.
MAY_ADD: Mapping[Role, frozenset[CaseState]] = {
    Role.MERCHANT: frozenset(CaseState) - FINAL_STATES,
    Role.VENDOR: OPEN_STATES,
    Role.OPERATOR: frozenset(),
}
MAY_REMOVE: Mapping[Role, frozenset[CaseState]] = {
    Role.MERCHANT: frozenset({CaseState.DRAFT}),
    Role.VENDOR: frozenset(),
    Role.OPERATOR: frozenset(),
}


class UploadState(StrEnum):
    """How far an upload has come."""

    RECEIVING = "RECEIVING"  # Chunks may come.
    FINISHED = "FINISHED"  # It became a photo. Final.
    REFUSED = "REFUSED"  # Its content is no photo. Final.


class UploadEvent(StrEnum):
    """What can happen to it."""

    WRITE = "write to"
    FINISH = "finalize"
    REFUSE = "refuse"


_S, _E = UploadState, UploadEvent

UPLOAD_TABLE = TransitionTable(
    "upload",
    _S.RECEIVING,
    {
        (_S.RECEIVING, _E.WRITE): _S.RECEIVING,
        (_S.RECEIVING, _E.FINISH): _S.FINISHED,
        (_S.RECEIVING, _E.REFUSE): _S.REFUSED,
    },
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo on its way. `uploader` is the actor who sends it.

    `size` is 0 and `sha256` empty while the sender has not said them; `problem` is set when it was
    refused, `photo_id` when it became a photo.
    """

    id: str
    merchant_id: str
    case_id: str
    uploader: str
    state: UploadState
    file_name: str
    size: int
    sha256: str
    committed: int
    problem: PhotoProblem | None
    photo_id: str
    created_at: int

    @property
    def expire_at(self) -> int:
        """Return when it is forgotten."""
        return self.created_at + UPLOAD_KEPT_MS


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG that holds nothing but pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """Where the bytes of a photo are: `key` is their SHA-256 in hex."""

    key: str
    size: int
    width: int
    height: int

    @classmethod
    def of(cls, picture: Picture) -> "PhotoFile":
        """Tell under which key a picture is going to be kept."""
        key = hashlib.sha256(picture.data).hexdigest()
        return cls(key, len(picture.data), picture.width, picture.height)


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of a case. `thumbnail` is None until its job has drawn it.

    `source_sha256` is the digest of what was uploaded, which is not what is kept.
    """

    id: str
    merchant_id: str
    case_id: str
    uploader: str
    file_name: str
    source_sha256: str
    file: PhotoFile
    thumbnail: PhotoFile | None
    created_at: int
