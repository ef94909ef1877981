"""`fbali.aio.Client` does for a call what `fbali.Client` does."""

import asyncio
import hashlib
import io
import uuid

import grpc
import pytest
import trustme

from fbali import aio, errors
from fbali.channels import Tls
from fbali.v1 import after_sales_service_pb2 as after_sales
from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from fbali.v1.hosting_service_pb2 import DisconnectStoreRequest
from fbali.v1.order_pb2 import Order
from fbali.v1.order_service_pb2 import (
    ExportOrdersRequest,
    GetOrderRequest,
    ImportOrdersRequest,
    ListOrdersRequest,
    ListOrdersResponse,
    SyncOrdersRequest,
)
from fbali.v1.photo_pb2 import UPLOAD_STATE_RECEIVING, Upload
from tests.services.sample_answers import sample_answers
from tests.services.scripted_server import Refusal, ScriptedServer, Stream

BUSY = Refusal(grpc.StatusCode.UNAVAILABLE, "busy", "TEMPORARILY_UNAVAILABLE")
ANSWERS = sample_answers()
PHOTO = bytes(range(256)) * 5000  # 1.28 MB: three chunks.


@pytest.fixture
def server():
    with ScriptedServer(ANSWERS, token="t") as server:
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def within(server, waits):
    """Run a coroutine function with a client."""

    async def sleep(seconds):
        waits.append(seconds)

    async def open_and_run(work, **options):
        policy = aio.CallPolicy(sleep=sleep)
        async with aio.Client(server.address, token="t", policy=policy, **options) as client:
            return await work(client)

    return lambda work, **options: asyncio.run(
        asyncio.wait_for(open_and_run(work, **options), timeout=30)
    )


def test_busy_server_is_asked_again_with_growing_waits(server, within, waits):
    server.script("GetOrder", BUSY, BUSY, BUSY, ANSWERS["GetOrder"])

    answer = within(lambda client: client.orders.GetOrder(GetOrderRequest()))

    assert answer.order.number == "1042"
    assert [0.05 <= waits[0] <= 0.1, 0.1 <= waits[1] <= 0.2, 0.2 <= waits[2] <= 0.4] == [True] * 3


def test_fourth_refusal_is_the_last(server, within):
    server.script("GetOrder", BUSY)

    with pytest.raises(errors.Unavailable, match="busy"):
        within(lambda client: client.orders.GetOrder(GetOrderRequest()))

    assert len(server.requests("GetOrder")) == 4


def test_call_that_a_stopping_server_dropped_is_made_again(server, within):
    dropped = Refusal(grpc.StatusCode.CANCELLED, "CANCELLED", bare=True)
    server.script("GetOrder", dropped, ANSWERS["GetOrder"])

    assert within(lambda client: client.orders.GetOrder(GetOrderRequest())).order.number == "1042"


def test_retries_of_a_change_carry_the_same_request_id(server, within):
    server.script("SyncOrders", BUSY, BUSY, ANSWERS["SyncOrders"])
    request = SyncOrdersRequest(name="merchants/-/stores/s1")

    async def work(client):
        await client.orders.SyncOrders(request)
        await client.orders.SyncOrders(request)

    within(work)

    ids = [sent.request_id for sent in server.requests("SyncOrders")]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert str(uuid.UUID(ids[0], version=4)) == ids[0]
    assert request.request_id == ""


def test_conflict_is_not_tried_again(server, within):
    server.script("DisconnectStore", Refusal(grpc.StatusCode.ABORTED, reason="ETAG_MISMATCH"))

    with pytest.raises(errors.Conflict):
        within(lambda client: client.hosting.DisconnectStore(DisconnectStoreRequest()))

    assert len(server.calls) == 1


@pytest.mark.parametrize(("asked", "timeout"), [(7.5, None), (21, None), (6, 5)])
def test_delay_that_the_server_asks_for_is_kept_within_the_deadline(
    server, within, waits, asked, timeout
):
    patient = Refusal(grpc.StatusCode.UNAVAILABLE, retry_after_seconds=asked)
    server.script("GetOrder", patient, ANSWERS["GetOrder"])

    async def work(client):
        await client.orders.GetOrder(GetOrderRequest(), timeout=timeout)

    if asked == 7.5:
        within(work)
        assert waits == [7.5]
    else:
        with pytest.raises(errors.Unavailable):
            within(work)
        assert (len(server.calls), waits) == (1, [])


def test_token_and_own_metadata_are_sent(server, within):
    within(
        lambda client: client.admin.GetServerInfo(
            GetServerInfoRequest(), metadata=[("x-trace", "7")]
        )
    )

    assert server.calls[0].metadata["authorization"] == "Bearer t"
    assert server.calls[0].metadata["x-trace"] == "7"


def test_caller_that_is_cancelled_does_not_look_like_a_stopped_server(server, within):
    server.script("ExportOrders", Stream(stays=True))

    async def work(client):
        export = client.export_orders(ExportOrdersRequest())
        task = asyncio.create_task(anext(export))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert within(work)
    assert len(server.calls) == 1


def test_lists_are_read_page_by_page(server, within):
    def page(request):
        start = int(request.page_token or 0)
        end = min(start + request.page_size, 120)
        numbers = [Order(number=str(number)) for number in range(start, end)]
        token = str(end) if end < 120 else ""
        return ListOrdersResponse(orders=numbers, next_page_token=token)

    server.script("ListOrders", page)

    async def work(client):
        listed = client.orders.ListOrders
        each = aio.each_item(listed, ListOrdersRequest(page_size=50))
        return (
            [order.number async for order in each],
            await aio.gather(listed, ListOrdersRequest(), 70),
            await aio.gather(listed, ListOrdersRequest(), None),
        )

    numbers, some, everything = within(work)
    assert numbers == [str(number) for number in range(120)]
    assert (len(some.orders), some.next_page_token) == (70, "70")
    assert (len(everything.orders), everything.next_page_token) == (120, "")


def test_page_that_comes_again_ends_the_list(server, within):
    server.script("ListOrders", ListOrdersResponse(next_page_token="7"))

    with pytest.raises(errors.ServerError, match="repeats a page token"):
        within(lambda client: aio.gather(client.orders.ListOrders, ListOrdersRequest(), None))


def test_photo_goes_on_where_it_stopped(server, within, waits):
    upload = Upload(name="u", state=UPLOAD_STATE_RECEIVING)
    written = after_sales.WriteUploadChunkResponse(committed_size_bytes=524_288)
    stand = Upload(name="u", state=UPLOAD_STATE_RECEIVING, committed_size_bytes=524_288)
    server.script("CreateUpload", after_sales.CreateUploadResponse(upload=upload))
    server.script("WriteUploadChunk", written, BUSY, BUSY, BUSY, BUSY, ANSWERS["WriteUploadChunk"])
    server.script("GetUpload", after_sales.GetUploadResponse(upload=stand))
    told: list[tuple[int, int]] = []

    photo = within(
        lambda client: client.upload_photo(
            "case", io.BytesIO(PHOTO), "box.jpg", lambda *done: told.append(done)
        )
    )

    assert photo.file_name == "broken-box.jpg"
    size = len(PHOTO)
    assert told == [(0, size), (524_288, size), (1_048_576, size), (size, size), (size, size)]
    [head] = server.requests("CreateUpload")
    assert (head.size_bytes, head.sha256) == (size, hashlib.sha256(PHOTO).hexdigest())
    assert len(waits) == 4


def test_photo_is_fetched_from_where_it_broke_off(server, within, tmp_path):
    digest = hashlib.sha256(PHOTO).hexdigest()

    def pieces(request):
        parts = [
            PHOTO[start : start + 400_000] for start in range(request.offset, len(PHOTO), 400_000)
        ]
        answers = [
            after_sales.DownloadPhotoResponse(data=one, size_bytes=len(PHOTO), sha256=digest)
            for one in parts
        ]
        return Stream(answers if request.offset else answers[:2], None if request.offset else BUSY)

    server.script("DownloadPhoto", pieces)

    found = within(lambda client: client.download_photo("photo", tmp_path / "box.jpg"))

    assert found.read_bytes() == PHOTO
    assert [one.offset for one in server.requests("DownloadPhoto")] == [0, 800_000]
    assert list(tmp_path.iterdir()) == [found]


def test_download_that_is_cancelled_leaves_no_file(server, within, tmp_path):
    piece = after_sales.DownloadPhotoResponse(data=b"x", size_bytes=9, sha256="0" * 64)
    server.script("DownloadPhoto", Stream([piece], stays=True))

    async def work(client):
        task = asyncio.create_task(client.download_photo("photo", tmp_path / "box.jpg"))
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert within(work)
    assert list(tmp_path.iterdir()) == []


def test_file_of_orders_goes_both_ways(server, within):
    told: list[int] = []

    async def work(client):
        head = ImportOrdersRequest(run_id="run")
        run = await client.import_orders(head, io.BytesIO(b"x" * 600_000), told.append)
        return run, [chunk async for chunk in client.export_orders(ExportOrdersRequest())]

    run, chunks = within(work)

    assert (run.order_count, chunks) == (2, [b"order\r\no1\r\n"])
    assert [len(sent.chunk) for sent in server.requests("ImportOrders")] == [
        262_144,
        262_144,
        75_712,
        0,
    ]
    assert told == [262_144, 524_288, 600_000]


def test_file_that_cannot_be_read_is_what_is_raised(within):
    class Broken(io.BytesIO):
        def read(self, size=-1, /):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        within(lambda client: client.import_orders(ImportOrdersRequest(run_id="run"), Broken()))


def test_encrypted_connection_shows_the_certificate_of_the_client(tmp_path):
    authority = trustme.CA()
    certificate, own = (
        authority.issue_cert("127.0.0.1"),
        authority.issue_cert("agent@vendor.example"),
    )
    credentials = grpc.ssl_server_credentials(
        [(certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())],
        authority.cert_pem.bytes(),
        require_client_auth=True,
    )
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    own.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    full = Tls(tmp_path / "ca.pem", tmp_path / "own.pem", tmp_path / "key.pem")

    async def ask(server, tls):
        async with aio.Client(f"https://{server.address}", token="t", tls=tls) as client:
            return (await client.admin.GetServerInfo(GetServerInfoRequest())).version

    with ScriptedServer(ANSWERS, "t", credentials) as server:
        assert asyncio.run(ask(server, full)) == "0.1.0"
        with pytest.raises(errors.Unavailable):
            asyncio.run(ask(server, Tls(tmp_path / "ca.pem")))
