"""A call that was done, and whose answer was lost, is answered when it comes again and done once.

Here the connection breaks. In test_death_after_commit.py the server dies.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from fbali.errors import Refused
from fbali.v1.after_sales_service_pb2 import (
    CreateUploadRequest,
    FinalizeUploadRequest,
    WriteUploadChunkRequest,
)
from fbali.v1.import_run_pb2 import IMPORT_FORMAT_JSON_LINES
from fbali.v1.order_service_pb2 import ImportOrdersRequest
from oms import crash_points
from tests.functional.estate import PHOTO, PHOTO_SHA256
from tests.functional.home import Home
from tests.functional.sample_requests import IMPORTED_ORDER, mutating_methods, reading_methods
from tests.functional.test_request_ids import new_id, shown_again
from tests.services.bare_calls import bare_code
from tests.services.proxy import Proxy
from tests.services.stack import METHODS, Caller, Stack, dump, wait_for

CALLERS = 4
# With the others `make test` repeats calls, but loses no answers.
ALWAYS_TRIED = {"CreatePackage", "PlaceOrders", "RecordCosts", "SubmitCase", "SyncOrders"}
# These carry no request_id: what they send says itself whether it is there already.
KEYLESS = {"WriteUploadChunk", "ImportOrders"}
# The record of an import tells of every attempt; what was imported is elsewhere.
RECORDS = ("import_run", "import_broken_row", "request")


class Cutter:
    """Breaks every connection at the moment when a call is committed and not answered."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.is_armed = False
        crash_points.watch(self._come_to)

    def _come_to(self, point: str) -> None:
        if self.is_armed and point == "call.committed":
            self.is_armed = False
            self.proxy.reset_all()


@pytest.fixture(scope="module")
def proxy(shared_stack: Stack) -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", shared_stack.api.port)) as running:
        yield running


@pytest.fixture(scope="module")
def cutter(proxy: Proxy) -> Cutter:
    return Cutter(proxy)


def code_through(proxy: Proxy, home: Home, method: str, request: Message) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{proxy.port}") as channel:
        return bare_code(channel, request, home.caller_of(method).secret)


def test_every_change_is_tried():
    assert {*mutating_methods(), *reading_methods()} | KEYLESS == set(METHODS)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(name, marks=[] if name in ALWAYS_TRIED else [pytest.mark.long])
        for name in mutating_methods()
    ],
)
def test_lost_answer_comes_with_the_next_try_and_nothing_is_done_twice(
    home: Home, cutter: Cutter, method: str
):
    request = home.sample(method, request_id=new_id())
    before = dump(home.stack.db)
    cutter.is_armed = True

    code = code_through(cutter.proxy, home, method, request)

    once = dump(home.stack.db)
    assert (code, cutter.is_armed) == ("UNAVAILABLE", False)
    assert once != before
    answers = [shown_again(home.caller_of(method).call(request)) for _ in range(2)]
    assert answers[0] == answers[1]
    assert dump(home.stack.db) == once


# --- Without a request_id ---------------------------------------------------------------------


def new_chunk(home: Home) -> WriteUploadChunkRequest:
    """Begin an upload; its only chunk is to be sent."""
    begun = home.merchant.call(
        CreateUploadRequest(
            parent=home.estate.submitted_case, file_name="mug.jpg", size_bytes=len(PHOTO)
        )
    )
    return WriteUploadChunkRequest(name=begun.upload.name, data=PHOTO, crc32=zlib.crc32(PHOTO))


def new_import(home: Home) -> ImportOrdersRequest:
    return ImportOrdersRequest(
        parent=home.estate.merchant,
        run_id="again",
        store=home.estate.store,
        format=IMPORT_FORMAT_JSON_LINES,
        chunk=IMPORTED_ORDER.replace(b'"77"', b'"7001"'),
    )


NEW: Mapping[str, Callable[[Home], Any]] = {
    "WriteUploadChunk": new_chunk,
    "ImportOrders": new_import,
}
each_keyless = pytest.mark.parametrize("method", sorted(KEYLESS))


def effect(home: Home) -> Any:
    return dump(home.stack.db, without=RECORDS)


def check_result(home: Home, method: str, request: Any, answer: Any) -> None:
    """Look at what all tries together came to."""
    if method == "WriteUploadChunk":
        assert answer.committed_size_bytes == len(PHOTO)
        done = FinalizeUploadRequest(name=request.name, sha256=PHOTO_SHA256)
        assert home.merchant.code(done) == "OK"
        return
    assert (answer.import_run.created_count, answer.import_run.unchanged_count) == (0, 1)


@each_keyless
def test_what_is_known_by_its_content_has_one_effect_when_it_comes_again(home: Home, method: str):
    request = NEW[method](home)
    before = effect(home)
    home.merchant.call(request)
    once = effect(home)

    answer = home.merchant.call(request)

    assert once != before
    assert effect(home) == once
    check_result(home, method, request, answer)


@each_keyless
def test_what_is_known_by_its_content_has_one_effect_when_it_comes_at_once(home: Home, method: str):
    request = NEW[method](home)
    before = effect(home)
    everybody = Barrier(CALLERS)

    def call(_number: int) -> str:
        everybody.wait()
        return home.merchant.code(request)

    with ThreadPoolExecutor(CALLERS) as threads:
        codes = set(threads.map(call, range(CALLERS)))

    once = effect(home)
    # A run takes rows from one caller at a time; the others are told so.
    assert "OK" in codes
    assert codes <= {"OK", "FAILED_PRECONDITION"}
    assert once != before
    answer = home.merchant.call(request)
    assert effect(home) == once
    check_result(home, method, request, answer)


@each_keyless
def test_what_is_known_by_its_content_has_one_effect_when_its_answer_was_lost(
    home: Home, proxy: Proxy, method: str
):
    request = NEW[method](home)
    before = effect(home)
    with (
        grpc.insecure_channel(f"127.0.0.1:{proxy.port}") as channel,
        ThreadPoolExecutor(1) as thread,
    ):
        grpc.channel_ready_future(channel).result(10)
        proxy.change(loses_answers=True)
        code = thread.submit(bare_code, channel, request, home.merchant.secret)
        wait_for(lambda: effect(home) != before)
        proxy.reset_all()
        proxy.calm_down()
        assert code.result() == "UNAVAILABLE"
    once = effect(home)

    answer = wait_for(lambda: tried_again(home.merchant, request))

    assert effect(home) == once
    check_result(home, method, request, answer)


def tried_again(caller: Caller, request: Message) -> Any:
    """Repeat a call; a run whose caller was cut off takes a moment to notice."""
    try:
        return caller.call(request)
    except Refused:
        return None
