"""A watch goes on where it broke off, whatever ended it, and gives nothing twice."""

import asyncio
import gc
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

import fbali
from fbali import aio, errors
from fbali.v1.event_pb2 import Event
from fbali.v1.fulfillment_service_pb2 import WatchAllocationsRequest
from fbali.v1.order_service_pb2 import WatchOrdersRequest
from fbali.v1.watch_pb2 import (
    AllocationEvent,
    Bookmark,
    OrderEvent,
    WatchAllocationsResponse,
    WatchOrdersResponse,
)
from fbali.watch_course import SEQUENCES_KEPT, Course, Patience
from tests.services.scripted_server import UNKNOWN_TOKEN, Refusal, ScriptedServer, Stream

BUSY = Refusal(grpc.StatusCode.UNAVAILABLE, "busy", "TEMPORARILY_UNAVAILABLE")
SHORT = Duration(nanos=100_000_000)
SECONDS_MAX = 20.0


def event(sequence):
    happened = OrderEvent(order="merchants/m/orders/o", event=Event(sequence=sequence))
    return WatchOrdersResponse(resume_token=f"t{sequence}", event=happened)


def bookmark(token):
    return WatchOrdersResponse(resume_token=token, bookmark=Bookmark())


@dataclass
class Outcome:
    """What a program saw: messages, the token that it would store, outages, and the end."""

    messages: list[Any] = field(default_factory=list)
    token: str = ""
    outages: list[errors.FbaliError] = field(default_factory=list)
    error: Exception | None = None

    @property
    def sequences(self):
        return [one.event.event.sequence for one in self.messages if one.HasField("event")]


def read_blocking(server, request, count, outage_seconds_max):
    outcome = Outcome()
    patience = Patience(outage_seconds_max, outcome.outages.append)
    with (
        fbali.Client(server.address, token="t") as client,
        client.watch_orders(request, patience) as watch,
    ):
        try:
            while len(outcome.messages) < count:
                outcome.messages.append(next(watch))
        except errors.FbaliError as error:
            outcome.error = error
        outcome.token = watch.resume_token
    return outcome


def read_on_loop(server, request, count, outage_seconds_max):
    outcome = Outcome()
    patience = Patience(outage_seconds_max, outcome.outages.append)

    async def read():
        async with (
            aio.Client(server.address, token="t") as client,
            client.watch_orders(request, patience) as watch,
        ):
            try:
                while len(outcome.messages) < count:
                    outcome.messages.append(await anext(watch))
            except errors.FbaliError as error:
                outcome.error = error
            outcome.token = watch.resume_token

    asyncio.run(asyncio.wait_for(read(), SECONDS_MAX))
    return outcome


@pytest.fixture
def server():
    with ScriptedServer({}, token="t") as server:
        yield server


@pytest.fixture(params=[read_blocking, read_on_loop], ids=["blocking", "asyncio"])
def read(request, server):
    def read(*streams, count, outage_seconds_max=60.0, **fields):
        server.script("WatchOrders", *streams)
        wanted = WatchOrdersRequest(parent="merchants/-", **fields)
        return request.param(server, wanted, count, outage_seconds_max)

    return read


def tokens(server):
    return [request.resume_token for request in server.requests("WatchOrders")]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (None, []),
        (BUSY, ["busy"]),
        (Refusal(grpc.StatusCode.UNAVAILABLE, "Socket closed", bare=True), ["Socket closed"]),
        (Refusal(grpc.StatusCode.CANCELLED, "CANCELLED", bare=True), ["stopped before"]),
        (Refusal(grpc.StatusCode.INTERNAL, "RST_STREAM", bare=True), ["RST_STREAM"]),
        (Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "late", bare=True), ["in time"]),
        (Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow", "LIMIT_EXCEEDED"), ["slow"]),
    ],
    ids=["well", "unavailable", "lost", "cancelled", "internal", "deadline", "slow"],
)
def test_it_goes_on_after_whatever_ended_it(server, read, end, told):
    outcome = read(Stream([event(1), bookmark("b")], end), Stream([event(2)], stays=True), count=3)

    assert (outcome.sequences, outcome.token, outcome.error) == ([1, 2], "t2", None)
    assert tokens(server) == ["", "b"]
    assert [word in error.message for word, error in zip(told, outcome.outages, strict=True)] == [
        True for _ in told
    ]


def test_request_stays_the_same_but_for_the_token(server, read):
    read(
        Stream([bookmark("b")]),
        Stream([event(2)], stays=True),
        count=2,
        resume_token="stored",
        include_initial_state=True,
        orders=["merchants/m/orders/o"],
    )

    first, second = server.requests("WatchOrders")
    assert (first.resume_token, second.resume_token) == ("stored", "b")
    first.resume_token = second.resume_token
    assert first == second


def test_events_that_come_again_after_a_resume_are_dropped(read):
    outcome = read(
        Stream([event(5), event(3), event(8)], BUSY),  # Ordered in a log, not by sequence.
        Stream([event(3), event(8), event(4)], stays=True),
        count=4,
    )

    assert (outcome.sequences, outcome.token) == ([5, 3, 8, 4], "t4")


def test_outage_is_told_once_and_a_new_one_again(read):
    outcome = read(
        Stream([event(1)], BUSY),
        BUSY,
        BUSY,
        Stream([event(2)], BUSY),
        Stream([event(3)], stays=True),
        count=3,
    )

    assert outcome.sequences == [1, 2, 3]
    assert [error.message for error in outcome.outages] == ["busy", "busy"]


def test_outage_that_lasts_too_long_ends_it(server, read):
    outcome = read(Stream([event(1)], BUSY), BUSY, count=2, outage_seconds_max=0.3)

    assert isinstance(outcome.error, errors.Unavailable)
    assert (outcome.sequences, outcome.token) == ([1], "t1")
    assert 3 <= len(tokens(server)) <= 5


def test_server_that_was_never_there_is_told_after_four_tries(server, read):
    outcome = read(BUSY, count=1)

    assert isinstance(outcome.error, errors.Unavailable)
    assert tokens(server) == [""] * 4


def test_server_that_was_there_a_moment_ago_is_waited_for(server):
    server.script("WatchOrders", *[BUSY] * 5, Stream([event(1)], stays=True))
    patience = Patience(was_there=True)
    with (
        fbali.Client(server.address, token="t") as client,
        client.watch_orders(WatchOrdersRequest(), patience) as watch,
    ):
        assert next(watch).event.event.sequence == 1


@pytest.mark.parametrize(
    ("refusal", "family"),
    [
        (UNKNOWN_TOKEN, errors.Unauthenticated),
        (
            Refusal(grpc.StatusCode.INVALID_ARGUMENT, "", "RESUME_TOKEN_INVALID"),
            errors.InvalidInput,
        ),
        (Refusal(grpc.StatusCode.UNIMPLEMENTED, "no method", bare=True), errors.MethodUnknown),
        (Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "", "LIMIT_EXCEEDED"), errors.LimitExceeded),
    ],
)
def test_refusal_at_the_beginning_is_final(server, read, refusal, family):
    outcome = read(refusal, count=1)

    assert type(outcome.error) is family
    assert tokens(server) == [""]


def test_token_that_is_revoked_ends_it(server, read):
    outcome = read(Stream([event(1)], UNKNOWN_TOKEN), count=2)

    assert type(outcome.error) is errors.Unauthenticated
    assert tokens(server) == [""]


def test_expired_token_says_where_there_is_more(read):
    expired = Refusal(
        grpc.StatusCode.OUT_OF_RANGE, "too old", "RESUME_TOKEN_EXPIRED", {"oldest_token": "o9"}
    )

    outcome = read(expired, count=1, resume_token="old")

    assert type(outcome.error) is errors.ResumeTokenExpired
    assert (outcome.error.oldest_token, outcome.token) == ("o9", "old")


def test_delay_that_the_server_asks_for_is_kept(read):
    patient = Refusal(grpc.StatusCode.UNAVAILABLE, retry_after_seconds=0.7)
    started = time.monotonic()

    read(Stream([event(1)], patient), Stream([event(2)], stays=True), count=2)

    assert time.monotonic() - started >= 0.7


def test_connection_without_bookmarks_is_given_up(server, read):
    started = time.monotonic()

    outcome = read(
        Stream([event(1)], stays=True),
        Stream([event(2)], stays=True),
        count=2,
        bookmark_interval=SHORT,
    )

    assert outcome.sequences == [1, 2]
    assert [error.message for error in outcome.outages] == ["nothing came for 0.3 s"]
    assert time.monotonic() - started < 10


def test_content_of_a_newer_server_is_given_as_it_is(read):
    newer = WatchOrdersResponse.FromString(b"\x0a\x01n\xf2\x07\x03abc")  # Field 126.

    outcome = read(Stream([newer, event(2)], stays=True), count=2)

    assert [one.WhichOneof("content") for one in outcome.messages] == [None, "event"]
    assert outcome.token == "t2"


def test_server_that_ends_at_once_again_and_again_is_not_hammered(server, read):
    read(*[Stream()] * 4, Stream([event(1)], stays=True), count=1)

    assert len(tokens(server)) == 5  # After 0.05 to 0.1, 0.1 to 0.2, 0.2 to 0.4 and 0.4 to 0.8 s.


@pytest.mark.parametrize(
    ("end", "connections"),
    [(BUSY, 4), (Refusal(grpc.StatusCode.INTERNAL, "an error", "INTERNAL"), 4)],
)
def test_server_that_fails_after_each_bookmark_is_not_hammered(server, read, end, connections):
    outcome = read(Stream([bookmark("b")], end), count=9, outage_seconds_max=0.6)

    assert outcome.error is not None
    assert len(outcome.outages) == 1
    assert 3 <= len(tokens(server)) <= connections + 1


def test_quiet_connection_that_held_for_a_while_counts_as_progress():
    now = [0.0]
    course: Course[WatchOrdersResponse] = Course(
        WatchOrdersRequest(), Patience(60.0), fbali.CallPolicy(monotonic=lambda: now[0])
    )
    for _ in range(20):
        course.next_request()
        now[0] += 50.0
        course.take(bookmark("b"))
        assert course.wait_after(errors.Unavailable("away")) <= 0.1


def test_slow_reader_is_no_silence(server):
    server.script("WatchOrders", Stream([event(1), event(2)], stays=True))
    request = WatchOrdersRequest(bookmark_interval=SHORT)
    with (
        fbali.Client(server.address, token="t") as client,
        client.watch_orders(request) as watch,
    ):
        next(watch)
        time.sleep(0.6)
        assert next(watch).event.event.sequence == 2

    assert len(tokens(server)) == 1


@pytest.mark.parametrize("script", [[Stream(stays=True)], [Stream([event(1)], BUSY), BUSY]])
def test_another_thread_ends_it_at_once(server, script):
    server.script("WatchOrders", *script)
    with fbali.Client(server.address, token="t") as client:
        watch = client.watch_orders(WatchOrdersRequest())
        closing = threading.Timer(0.5, watch.close)
        closing.start()
        started = time.monotonic()

        seen = list(watch.events())

        assert len(seen) <= 1
        assert time.monotonic() - started < 5
        assert list(watch) == []
        closing.join()


@pytest.mark.parametrize("script", [[Stream(stays=True)], [Stream([event(1)], BUSY), BUSY]])
def test_another_task_ends_it_at_once(server, script):
    server.script("WatchOrders", *script)

    async def read():
        async with aio.Client(server.address, token="t") as client:
            watch = client.watch_orders(WatchOrdersRequest())
            asyncio.get_running_loop().call_later(0.5, watch.close)
            return [message async for message in watch.events()]

    assert len(asyncio.run(asyncio.wait_for(read(), 5))) <= 1


def test_task_that_is_cancelled_is_cancelled(server):
    server.script("WatchOrders", Stream(stays=True))

    async def read():
        async with aio.Client(server.address, token="t") as client:
            watch = client.watch_orders(WatchOrdersRequest())
            task = asyncio.create_task(anext(watch))
            await asyncio.sleep(0.3)
            task.cancel()
            watch.close()
            await asyncio.wait([task])
            return task.cancelled()

    assert asyncio.run(asyncio.wait_for(read(), 5))


def test_abandoned_watch_leaves_no_thread_behind(server):
    server.script("WatchOrders", Stream([event(1)], stays=True))
    before = threading.active_count()
    with fbali.Client(server.address, token="t") as client:
        watch = client.watch_orders(WatchOrdersRequest(bookmark_interval=SHORT))
        next(watch)
        del watch
        gc.collect()

    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    names = [one.name for one in threading.enumerate()]
    assert not [name for name in names if "_look" in name]


def test_vendors_watch_their_allocations_likewise(server):
    def happened(sequence):
        one = AllocationEvent(allocation="vendors/v/allocations/a", event=Event(sequence=sequence))
        return WatchAllocationsResponse(resume_token=f"t{sequence}", event=one)

    server.script(
        "WatchAllocations",
        Stream([happened(1)]),
        Stream([happened(1), happened(2)], stays=True),
    )
    with (
        fbali.Client(server.address, token="t") as client,
        client.watch_allocations(WatchAllocationsRequest(parent="vendors/-")) as watch,
    ):
        events = watch.events()
        assert [next(events).event.event.sequence for _ in range(2)] == [1, 2]

    assert [one.resume_token for one in server.requests("WatchAllocations")] == ["", "t1"]


def test_memory_of_what_was_given_is_bounded():
    course: Course[WatchOrdersResponse] = Course(
        WatchOrdersRequest(), Patience(), fbali.CallPolicy()
    )

    given = [course.take(event(sequence)) for sequence in range(1, 2 * SEQUENCES_KEPT)]

    assert all(given)
    assert len(course._known) == SEQUENCES_KEPT == len(course._sequences)
    assert not course.take(event(2 * SEQUENCES_KEPT - 1))
