"""Photos and their uploads."""

from fbali.v1.photo_pb2 import Photo as PhotoMessage
from fbali.v1.photo_pb2 import Upload as UploadMessage
from fbali.v1.photo_pb2 import UploadState as UploadStateNumber
from oms.domain.photos import CHUNK_BYTES_MAX, Photo, Upload
from server import names
from server.conversion.basics import instant, number

UPLOAD_STATE_PREFIX = "UPLOAD_STATE_"


def upload_message(upload: Upload) -> UploadMessage:
    """Convert an upload."""
    owner = (upload.merchant_id, upload.case_id)
    return UploadMessage(
        name=names.upload(*owner, upload.id),
        state=number(UploadStateNumber, UPLOAD_STATE_PREFIX, upload.state),
        file_name=upload.file_name,
        size_bytes=upload.size,
        committed_size_bytes=upload.committed,
        chunk_size_bytes_max=CHUNK_BYTES_MAX,
        photo=names.photo(*owner, upload.photo_id) if upload.photo_id else "",
        refusal_reason=upload.problem or "",
        create_time=instant(upload.created_at),
        expire_time=instant(upload.expire_at),
    )


def photo_message(photo: Photo) -> PhotoMessage:
    """Convert a photo."""
    return PhotoMessage(
        name=names.photo(photo.merchant_id, photo.case_id, photo.id),
        file_name=photo.file_name,
        uploader=photo.uploader,
        width=photo.file.width,
        height=photo.file.height,
        size_bytes=photo.file.size,
        sha256=photo.file.key,
        source_sha256=photo.source_sha256,
        has_thumbnail=photo.thumbnail is not None,
        create_time=instant(photo.created_at),
    )
