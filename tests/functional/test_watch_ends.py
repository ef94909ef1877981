"""How watches end: when they are told to, when nobody reads, when they are too many."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from fbali.v1.admin_service_pb2 import GetServerInfoRequest, RevokeTokenRequest
from server.app import ApiThread
from server.streams import StreamLimits, WatchLimits
from tests.functional.watchers import Watch, page_request, tell, watching
from tests.services.stack import Stack, wait_for

OK = grpc.StatusCode.OK
SOON_SECONDS = 5.0


class Served:
    """A server of a test's own, and the watches of it."""

    def __init__(self, stack: Stack, **limits: Any) -> None:
        self.stack = stack
        self.api = ApiThread(stack.oms, stack.settings, StreamLimits(watches=WatchLimits(**limits)))
        self.watches: list[Watch] = []
        self._is_stopped = False

    def watch(self, **fields: Any) -> Watch:
        made = watching(self.api.port, self.stack.merchant, **fields)
        self.watches.append(made)
        return made

    def refused(self) -> grpc.StatusCode:
        watch = Watch(self.api.port, self.stack.merchant)
        code = watch.ended()
        watch.close()
        return code

    def stop(self) -> float:
        started = time.monotonic()
        self._is_stopped = True
        self.api.stop(grace_seconds=10)
        return time.monotonic() - started

    def close(self) -> None:
        for watch in self.watches:
            watch.close()
        if not self._is_stopped:
            self.api.stop()


@pytest.fixture
def serve(stack: Stack) -> Iterator[Any]:
    made: list[Served] = []

    def start(**limits: Any) -> Served:
        made.append(Served(stack, **limits))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_server_that_stops_ends_watches_after_a_last_bookmark(stack: Stack, serve: Any):
    server = serve()
    first, second = server.watch(), server.watch()
    told = tell(stack, stack.merchant)
    first.wait(lambda watch: watch.sequences == told)
    second.wait(lambda watch: watch.sequences == told)

    took = server.stop()

    assert took < SOON_SECONDS
    assert [watch.ended() for watch in (first, second)] == [OK, OK]
    assert first.contents[-1] == second.contents[-1] == "bookmark"
    missed = tell(stack, stack.merchant, 2)
    resumed = Watch(stack.api.port, stack.merchant, resume_token=first.token)
    resumed.wait(lambda watch: watch.sequences == missed)
    resumed.close()


def stalled(server: Served) -> tuple[grpc.Channel, Any]:
    """Open a watch whose client never reads, and tell it more than is kept on the way."""
    stack = server.stack
    channel = grpc.insecure_channel(f"127.0.0.1:{server.api.port}")
    watch: Any = channel.unary_stream("/fbali.v1.OrderService/WatchOrders")
    request = type(page_request(stack.merchant))(parent="merchants/-")
    call = watch(request.SerializeToString(), metadata=_metadata(stack))
    time.sleep(0.5)
    for _ in range(10):
        tell(stack, stack.merchant, 200, text="x" * 10_000)
    time.sleep(0.5)
    return channel, call


def _metadata(stack: Stack) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {stack.merchant.secret}"),)


def test_reader_that_stalls_holds_neither_memory_nor_the_end_of_the_server(
    stack: Stack, serve: Any
):
    server = serve(buffered_events_max=10)
    channel, call = stalled(server)
    [told] = [one for some in _hub(server)._by_owner.values() for one in some]
    statements: list[str] = []
    stack.db.on_statement = statements.append
    time.sleep(1.0)
    stack.db.on_statement = None

    buffered, is_behind = len(told._buffer), told.is_behind
    took = server.stop()

    assert (buffered, is_behind) == (0, True)
    assert [sql for sql in statements if "FROM event" in sql] == []
    assert took < SOON_SECONDS
    call.cancel()
    channel.close()


def test_reader_that_stalls_for_too_long_is_let_go(stack: Stack, serve: Any):
    server = serve(write_seconds_max=2.0)
    channel, call = stalled(server)
    was_there = bool(_hub(server)._by_owner)

    wait_for(lambda: not _hub(server)._by_owner)

    assert was_there
    with pytest.raises(grpc.RpcError):
        list(call)
    assert call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    channel.close()


def _hub(server: Served) -> Any:
    return server.api._api._edge.watches._hub


def test_revoked_token_ends_its_watches(stack: Stack, serve: Any):
    server = serve(token_check_seconds=0.2)
    watch = server.watch()

    stack.operator.call(RevokeTokenRequest(name=stack.merchant.token_name))

    assert watch.ended() == grpc.StatusCode.UNAUTHENTICATED


def test_watch_ends_by_itself_after_a_last_bookmark(serve: Any):
    server = serve(seconds_max=0.5)
    watch = server.watch(bookmark_interval={"seconds": 1})

    assert watch.ended() == OK
    assert watch.contents[-1] == "bookmark"


def test_watches_of_one_caller_are_bounded_and_a_place_is_given_back(serve: Any):
    server = serve(watches_per_caller_max=2)
    first, _ = server.watch(), server.watch()

    assert server.refused() == grpc.StatusCode.RESOURCE_EXHAUSTED
    first.close()

    wait_for(lambda: sum(map(len, _hub(server)._by_owner.values())) == 1)
    assert server.watch().code is None


def test_watches_of_all_are_bounded(serve: Any):
    server = serve(watches_max=1)
    server.watch()

    assert server.refused() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_many_watches_leave_the_threads_to_others(stack: Stack):
    watches = [watching(stack.api.port, stack.merchant) for _ in range(20)]
    started = time.monotonic()

    stack.merchant.call(GetServerInfoRequest())

    assert time.monotonic() - started < 1.0
    for watch in watches:
        watch.close()
