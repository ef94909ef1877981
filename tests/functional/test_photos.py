"""Photos over the wire: the real server, the shipped client, real pictures, a folder on disk."""

import hashlib
import io
import stat
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fbali import errors
from fbali.client import Client
from fbali.v1.after_sales_service_pb2 import (
    AttachPhotoRequest,
    CreateUploadRequest,
    DownloadPhotoRequest,
    FinalizeUploadRequest,
    GetUploadRequest,
    ListPhotosRequest,
    RemovePhotoRequest,
    WriteUploadChunkRequest,
)
from fbali.v1.photo_pb2 import PHOTO_SIZE_THUMBNAIL, UPLOAD_STATE_REFUSED
from oms.domain.cases import CaseState
from oms.domain.photos import PHOTO_BYTES_MAX
from tests.functional.estate import Estate, last_id
from tests.services.evidence import move_case, put_case
from tests.services.pictures import (
    corners,
    encoded,
    photo,
    photo_of_size,
    png,
    quarters,
    with_secrets,
)
from tests.services.stack import Caller, Stack

MIB = 1024 * 1024


@pytest.fixture
def case(stack: Stack, estate: Estate) -> str:
    """A draft of the merchant's against vendor A."""
    case_id = put_case(stack.db, last_id(estate.order), stack.vendor_a.id)
    return f"{estate.merchant}/cases/{case_id}"


def patient_client(stack: Stack, port: int = 0) -> Client:
    """A client of the merchant's that waits between its tries, which those of a stack do not."""
    return Client(f"127.0.0.1:{port or stack.api.port}", token=stack.merchant.secret)


def submit(stack: Stack, case: str) -> None:
    move_case(stack.db, last_id(case), CaseState.SUBMITTED)


def photos_of(caller: Caller, case: str) -> Any:
    return caller.call(ListPhotosRequest(parent=case)).photos


def files_below(stack: Stack) -> list[Path]:
    return sorted(path for path in stack.settings.photos_dir.rglob("*") if path.is_file())


def send(caller: Caller, case: str, data: bytes, name: str = "photo.jpg") -> Any:
    return caller.client.upload_photo(case, io.BytesIO(data), name)


def fetch(caller: Caller, name: str, folder: Path, *, thumbnail: bool = False) -> bytes:
    return caller.client.download_photo(name, folder / "out.jpg", thumbnail=thumbnail).read_bytes()


def test_photo_travels_from_merchant_to_vendor(stack: Stack, case: str, tmp_path: Path):
    source = tmp_path / "broken box.jpg"
    source.write_bytes(with_secrets(corners(640, 480), orientation=6))
    steps: list[tuple[int, int]] = []

    sent = stack.merchant.client.upload_photo(
        case, source, progress=lambda *step: steps.append(step)
    )
    stack.work()
    submit(stack, case)

    [seen] = photos_of(stack.vendor_a, case)
    assert seen.name == sent.name == f"{case}/photos/{last_id(sent.name)}"
    assert (seen.file_name, seen.uploader) == ("broken box.jpg", stack.merchant.name)
    assert (seen.width, seen.height, seen.has_thumbnail) == (480, 640, True)
    size = source.stat().st_size
    assert (steps[0], steps[-1]) == ((0, size), (size, size))
    full = fetch(stack.vendor_a, seen.name, tmp_path)
    small = fetch(stack.vendor_a, seen.name, tmp_path, thumbnail=True)
    assert quarters(full) == quarters(small) == ["blue", "red", "white", "green"]
    assert Image.open(io.BytesIO(small)).size == (240, 320)
    assert (len(full), hashlib.sha256(full).hexdigest()) == (seen.size_bytes, seen.sha256)
    assert [word for word in (b"SECRET", b"Exif") if word in full + small] == []


def test_folder_of_photos_is_its_owners_alone(stack: Stack, case: str):
    send(stack.merchant, case, photo())
    stack.work()

    root = stack.settings.photos_dir
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files_below(stack)}
    folders = {
        stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*")) if path.is_dir()
    }
    assert (modes, folders) == ({0o600}, {0o700})
    assert len(files_below(stack)) == 2
    for path in files_below(stack):
        assert path.name == hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.parent.name == path.name[:2]


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("PHOTO_TYPE_UNSUPPORTED", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"),
        ("PHOTO_TYPE_UNSUPPORTED", b"<!doctype html><script>alert(1)</script>"),
        ("PHOTO_TYPE_UNSUPPORTED", b"GIF89a/*\x01\x00*/=1;alert(1)//"),
        ("PHOTO_TYPE_UNSUPPORTED", encoded(corners(), "GIF")),
        ("PHOTO_TOO_MANY_PIXELS", png(20_000, 20_000, 200)),
        ("PHOTO_TOO_MANY_PIXELS", png(50_000, 50_000, 40)),
        ("PHOTO_UNREADABLE", photo()[:-300]),
        ("PHOTO_UNREADABLE", b"\xff\xd8\xff\xe0 no picture"),
    ],
)
def test_what_is_no_photo_is_refused_and_leaves_no_file(stack: Stack, case: str, reason, data):
    before = files_below(stack)

    with pytest.raises(errors.InvalidInput) as refusal:
        send(stack.merchant, case, data, "holiday.jpg")

    assert refusal.value.reason == reason
    assert files_below(stack) == before
    assert len(photos_of(stack.merchant, case)) == 0
    [row] = stack.db.all("SELECT id FROM photo_upload WHERE file_name = 'holiday.jpg'")
    shown = stack.merchant.call(GetUploadRequest(name=f"{case}/uploads/{row[0]}")).upload
    assert (shown.state, shown.refusal_reason) == (UPLOAD_STATE_REFUSED, reason)


def test_empty_file_is_no_photo(stack: Stack, case: str):
    with pytest.raises(errors.InvalidInput) as refusal:
        send(stack.merchant, case, b"")

    assert refusal.value.reason == "PHOTO_TYPE_UNSUPPORTED"


def test_photo_of_ten_mebibytes_is_taken_and_one_byte_more_is_not(stack: Stack, case: str):
    largest = photo_of_size(PHOTO_BYTES_MAX)
    assert len(largest) == PHOTO_BYTES_MAX

    taken = send(stack.merchant, case, largest)

    assert taken.source_sha256 == hashlib.sha256(largest).hexdigest()
    assert taken.size_bytes <= PHOTO_BYTES_MAX
    with pytest.raises(errors.LimitExceeded) as refusal:
        send(stack.merchant, case, largest + b"x")
    assert refusal.value.metadata["limit"] == "photo_bytes"
    assert len(photos_of(stack.merchant, case)) == 1


def test_endless_upload_is_cut_off_at_the_limit(stack: Stack, case: str):
    upload = stack.merchant.call(CreateUploadRequest(parent=case)).upload
    chunk = bytes(MIB)
    codes = []
    for index in range(14):
        request = WriteUploadChunkRequest(
            name=upload.name, offset=index * MIB, data=chunk, crc32=zlib.crc32(chunk)
        )
        codes.append(stack.merchant.code(request))

    assert codes[:11] == ["OK"] * 10 + ["RESOURCE_EXHAUSTED"]
    assert "OK" not in codes[10:]
    [partial] = [path for path in files_below(stack) if path.name == last_id(upload.name)]
    assert partial.stat().st_size == PHOTO_BYTES_MAX
    announced = CreateUploadRequest(parent=case, size_bytes=1024**3)
    assert stack.merchant.code(announced) == "RESOURCE_EXHAUSTED"


def test_upload_goes_on_in_another_server_process(stack: Stack, case: str):
    """Two servers, one database, one folder: each takes every other chunk."""
    data = photo_of_size(300_000)
    other = Caller(
        stack.merchant.role, stack.merchant.id, patient_client(stack, stack.serve(stack.oms))
    )
    digest = hashlib.sha256(data).hexdigest()
    upload = stack.merchant.call(CreateUploadRequest(parent=case)).upload
    for index, offset in enumerate(range(0, len(data), 50_000)):
        piece = data[offset : offset + 50_000]
        request = WriteUploadChunkRequest(
            name=upload.name, offset=offset, data=piece, crc32=zlib.crc32(piece)
        )
        (stack.merchant, other)[index % 2].call(request)

    results = [
        caller.call(FinalizeUploadRequest(name=upload.name, sha256=digest)).photo
        for caller in (other, stack.merchant)
    ]

    assert results[0].name == results[1].name
    assert len(photos_of(stack.merchant, case)) == 1
    other.client.close()


def test_uploading_again_sends_nothing_and_answers_with_the_photo(stack: Stack, case: str):
    data = photo_of_size(700_000)
    first = send(stack.merchant, case, data)

    again = send(stack.merchant, case, data)

    assert first.name == again.name
    assert len(photos_of(stack.merchant, case)) == 1


def test_photos_sent_at_once_all_arrive(stack: Stack, case: str):
    """More than there are decoders: the client waits for its turn."""
    results: list[str] = []
    with patient_client(stack) as client:

        def send_one(seed: int) -> None:
            results.append(client.upload_photo(case, io.BytesIO(photo(seed))).name)

        threads = [threading.Thread(target=send_one, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(results) == [item.name for item in photos_of(stack.merchant, case)]
    assert len(set(results)) == 6


def test_source_that_cannot_be_read_twice_is_sent(stack: Stack, case: str):
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    sent = stack.merchant.client.upload_photo(case, Pipe(photo()))

    assert (sent.file_name, sent.width) == ("", 64)


def test_download_goes_on_at_an_offset(stack: Stack, case: str):
    name = send(stack.merchant, case, photo_of_size(900_000)).name
    whole = b"".join(
        piece.data
        for piece in stack.merchant.client.after_sales.DownloadPhoto(
            DownloadPhotoRequest(name=name)
        )
    )

    for offset in (1, 300_000, len(whole) - 1, len(whole), len(whole) + 5):
        pieces = list(
            stack.merchant.client.after_sales.DownloadPhoto(
                DownloadPhotoRequest(name=name, offset=offset)
            )
        )
        assert b"".join(piece.data for piece in pieces) == whole[offset:]
        assert {piece.size_bytes for piece in pieces} == {len(whole)}
        assert {piece.content_type for piece in pieces} == {"image/jpeg"}


def test_download_that_fails_leaves_the_old_file_and_no_other(
    stack: Stack, case: str, tmp_path: Path
):
    target = tmp_path / "saved.jpg"
    target.write_bytes(b"old")
    name = send(stack.merchant, case, photo()).name
    [kept] = files_below(stack)
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")  # A disk that lies.

    with pytest.raises(errors.ServerError, match="damaged"):
        stack.merchant.client.download_photo(name, target)
    with pytest.raises(errors.NotFound):
        stack.merchant.client.download_photo(f"{name}x", target)

    assert [path.name for path in tmp_path.glob("*saved*")] == ["saved.jpg"]
    assert target.read_bytes() == b"old"


def test_thumbnail_is_unavailable_until_it_is_drawn(stack: Stack, case: str):
    name = send(stack.merchant, case, photo()).name
    request = DownloadPhotoRequest(name=name, size=PHOTO_SIZE_THUMBNAIL)

    with pytest.raises(errors.Unavailable):
        list(stack.merchant.client.after_sales.DownloadPhoto(request))
    stack.work()

    [piece] = stack.merchant.client.after_sales.DownloadPhoto(request)
    assert piece.data.startswith(b"\xff\xd8\xff")


def test_photos_of_others_do_not_exist(stack: Stack, case: str):
    name = send(stack.merchant, case, photo()).name
    submit(stack, case)
    strangers = (stack.vendor_b, stack.other_merchant, stack.other_vendor)

    codes = [
        (caller.code(ListPhotosRequest(parent=case)), caller.code(DownloadPhotoRequest(name=name)))
        for caller in strangers
    ]
    parties = [
        caller.code(DownloadPhotoRequest(name=name))
        for caller in (stack.merchant, stack.vendor_a, stack.operator)
    ]

    assert codes == [("NOT_FOUND", "NOT_FOUND")] * 3
    assert parties == ["OK"] * 3
    assert stack.operator.code(CreateUploadRequest(parent=case)) == "PERMISSION_DENIED"
    assert stack.vendor_a.code(RemovePhotoRequest(name=name)) == "PERMISSION_DENIED"


def test_evidence_stays_once_it_was_submitted(stack: Stack, case: str):
    kept, removed = (send(stack.merchant, case, photo(seed)).name for seed in range(2))
    stack.merchant.call(RemovePhotoRequest(name=removed))
    submit(stack, case)

    with pytest.raises(errors.Refused) as refusal:
        stack.merchant.call(RemovePhotoRequest(name=kept))

    assert refusal.value.reason == "ILLEGAL_TRANSITION"
    assert [item.name for item in photos_of(stack.vendor_a, case)] == [kept]


def test_vendor_adds_a_photo_of_its_own(stack: Stack, case: str):
    submit(stack, case)

    sent = send(stack.vendor_a, case, photo())

    assert sent.uploader == stack.vendor_a.name
    assert [item.name for item in photos_of(stack.merchant, case)] == [sent.name]


def test_photo_proves_a_second_case(stack: Stack, case: str, estate: Estate):
    second = put_case(stack.db, last_id(estate.order), stack.vendor_b.id)
    other = f"{estate.merchant}/cases/{second}"
    name = send(stack.merchant, case, photo()).name

    attached = stack.merchant.call(AttachPhotoRequest(parent=other, photo=name)).photo
    submit(stack, other)

    assert [item.name for item in photos_of(stack.vendor_b, other)] == [attached.name]
    assert stack.vendor_b.code(DownloadPhotoRequest(name=name)) == "NOT_FOUND"
    assert stack.vendor_b.code(DownloadPhotoRequest(name=attached.name)) == "OK"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\\b.jpg", "a\nb.jpg", "a\x00.jpg", "x" * 201]
)
def test_name_that_is_no_file_name_is_refused(stack: Stack, case: str, name: str):
    request = CreateUploadRequest(parent=case, file_name=name)

    assert stack.merchant.code(request) == "INVALID_ARGUMENT"
