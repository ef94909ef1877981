"""The photos of AfterSalesService."""

from collections.abc import Iterator

from fbali.v1 import after_sales_service_pb2 as pb
from fbali.v1.photo_pb2 import PHOTO_SIZE_THUMBNAIL
from oms.domain.photos import Photo, PhotoFile
from oms.usecases.case_photos import (
    AttachPhoto,
    PhotoRef,
    attach_photo,
    file_of,
    find_photo,
    list_photos,
    read_file,
    remove_photo,
)
from oms.usecases.context import Call, Oms, mutate
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
from server.conversion.photos import photo_message, upload_message

CONTENT_TYPE = "image/jpeg"


class PhotoMethods:
    """What merchant and vendor of a case do with its photos; a part of AfterSalesService."""

    def __init__(self, oms: Oms) -> None:
        """Serve one order management."""
        self._oms = oms

    def CreateUpload(self, request: pb.CreateUploadRequest, call: Call) -> bytes:
        """Begin to send a photo, or find the upload of the same one."""
        merchant_id, case_id = _ids(request.parent)
        command = CreateUpload(
            merchant_id, case_id, request.file_name, request.size_bytes, request.sha256
        )
        return mutate(
            self._oms,
            call,
            create_upload,
            command,
            lambda upload: pb.CreateUploadResponse(
                upload=upload_message(upload)
            ).SerializeToString(),
        )

    def WriteUploadChunk(
        self, request: pb.WriteUploadChunkRequest, call: Call
    ) -> pb.WriteUploadChunkResponse:
        """Take bytes of an upload."""
        chunk = UploadChunk(request.offset, request.data, request.crc32)
        found = write_upload_chunk(self._oms, call.caller, UploadRef(*_ids(request.name)), chunk)
        return pb.WriteUploadChunkResponse(committed_size_bytes=found.committed)

    def GetUpload(self, request: pb.GetUploadRequest, call: Call) -> pb.GetUploadResponse:
        """Say how far an upload has come."""
        found = find_upload(self._oms, call.caller, UploadRef(*_ids(request.name)))
        return pb.GetUploadResponse(upload=upload_message(found))

    def FinalizeUpload(self, request: pb.FinalizeUploadRequest, call: Call) -> bytes:
        """Make a photo of an upload."""
        command = FinalizeUpload(UploadRef(*_ids(request.name)), request.sha256)
        return finalize_upload(
            self._oms,
            call,
            command,
            lambda photo: pb.FinalizeUploadResponse(photo=photo_message(photo)).SerializeToString(),
        )

    def AttachPhoto(self, request: pb.AttachPhotoRequest, call: Call) -> bytes:
        """Add a photo of one case to another one."""
        merchant_id, case_id = _ids(request.parent)
        command = AttachPhoto(merchant_id, case_id, PhotoRef(*_ids(request.photo)))
        return mutate(
            self._oms,
            call,
            attach_photo,
            command,
            lambda photo: pb.AttachPhotoResponse(photo=photo_message(photo)).SerializeToString(),
        )

    def RemovePhoto(self, request: pb.RemovePhotoRequest, call: Call) -> bytes:
        """Take a photo out of a draft."""
        return mutate(
            self._oms,
            call,
            remove_photo,
            PhotoRef(*_ids(request.name)),
            lambda _nothing: pb.RemovePhotoResponse().SerializeToString(),
        )

    def ListPhotos(self, request: pb.ListPhotosRequest, call: Call) -> pb.ListPhotosResponse:
        """List the photos of a case."""
        found = list_photos(self._oms, call.caller, *_ids(request.parent))
        return pb.ListPhotosResponse(photos=[photo_message(photo) for photo in found])

    def DownloadPhoto(
        self, request: pb.DownloadPhotoRequest, call: Call
    ) -> Iterator[pb.DownloadPhotoResponse]:
        """Send a photo or its thumbnail."""
        photo: Photo = find_photo(self._oms, call.caller, PhotoRef(*_ids(request.name)))
        file = file_of(photo, thumbnail=request.size == PHOTO_SIZE_THUMBNAIL)
        return self._pieces(file, request.offset)

    def _pieces(self, file: PhotoFile, offset: int) -> Iterator[pb.DownloadPhotoResponse]:
        """Give at least one message, so that the size and the digest are always told."""
        while True:
            data = read_file(self._oms, file, offset)
            offset += len(data)
            yield pb.DownloadPhotoResponse(
                data=data, size_bytes=file.size, sha256=file.key, content_type=CONTENT_TYPE
            )
            if not data or offset >= file.size:
                return


def _ids(name: str) -> list[str]:
    return name.split("/")[1::2]
