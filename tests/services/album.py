"""A case and its photos, and what its parties do with them, with the storage in memory."""

import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from oms.domain.errors import FbaliError
from oms.domain.jobs import JobKind
from oms.domain.principals import Principal, Role
from oms.usecases.case_photos import PhotoRef, list_photos, remove_photo
from oms.usecases.context import Call
from oms.usecases.upload_photos import (
    CreateUpload,
    FinalizeUpload,
    UploadChunk,
    UploadRef,
    create_upload,
    finalize_upload,
    find_upload,
    write_upload_chunk,
)
from tests.services.evidence import put_case
from tests.services.scene import Scene
from tests.services.snapshots import order_snapshot

DATA = b"\xff\xd8\xff not a real picture, which the decoder here does not mind"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Album:
    """A case with its merchant and its vendor, and what they do with photos."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.merchant = scene.merchant
        self.vendor = scene.new_vendor("Agent of the case")
        self.operator = Principal(Role.OPERATOR, "", "t")
        self.order = scene.take(order_snapshot()).id
        self.case = self.new_case()

    def new_case(self) -> str:
        return put_case(self.scene.db, self.order, self.vendor.id)

    def create(self, caller: Principal | None = None, case: str = "", **fields: Any) -> UploadRef:
        command = CreateUpload(self.merchant.id, case or self.case, **fields)
        upload = self.scene.do(create_upload, command, caller or self.merchant)
        return UploadRef(upload.merchant_id, upload.case_id, upload.id)

    def write(self, ref: UploadRef, offset: int, data: bytes, caller=None, **fields: int) -> int:
        chunk = UploadChunk(offset, data, fields.get("crc32", zlib.crc32(data)))
        with self.scene.db.session():
            found = write_upload_chunk(self.scene.oms, caller or self.merchant, ref, chunk)
        return found.committed

    def finalize(self, ref: UploadRef, data: bytes, caller=None, request_id: str = "") -> str:
        call = Call(caller or self.merchant, "FinalizeUpload", request_id, "hash")
        command = FinalizeUpload(ref, sha(data))
        with self.scene.db.session():
            return finalize_upload(
                self.scene.oms, call, command, lambda photo: photo.id.encode()
            ).decode()

    def upload(self, data: bytes = DATA, caller=None, case: str = "") -> str:
        ref = self.create(caller, case)
        self.write(ref, 0, data, caller)
        return self.finalize(ref, data, caller)

    def photos(self, caller: Principal | None = None, case: str = "") -> Any:
        with self.scene.db.session():
            return list_photos(
                self.scene.oms, caller or self.merchant, self.merchant.id, case or self.case
            )

    def state(self, ref: UploadRef) -> Any:
        with self.scene.db.session():
            return find_upload(self.scene.oms, self.merchant, ref)

    def remove(self, photo: str, caller: Principal | None = None) -> None:
        ref = PhotoRef(self.merchant.id, self.case, photo)
        self.scene.do(remove_photo, ref, caller or self.merchant)

    def refusal(self, work: Callable[[], object], *but: str) -> str:
        """Return the reason of a refusal that changed nothing, apart from some tables."""
        before = self.scene.dump(*but)
        with pytest.raises(FbaliError) as refused:
            work()
        assert self.scene.dump(*but) == before
        return refused.value.word

    def purge(self) -> None:
        self.scene.enqueue(JobKind.PURGE_PHOTOS)
        self.scene.run_jobs()

    def keys(self) -> set[str]:
        with self.scene.db.session():
            return {row[0] for row in self.scene.db.all("SELECT id FROM photo_file")}
