"""The shipped clients watch a real server, which is restarted while they do."""

import asyncio
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from fbali import Client, Patience, aio
from fbali.errors import InvalidInput
from fbali.v1.fulfillment_service_pb2 import AcceptAllocationRequest, WatchAllocationsRequest
from fbali.v1.hold_pb2 import HOLD_REASON_ADDRESS
from fbali.v1.order_service_pb2 import HoldOrdersRequest, ReleaseOrdersRequest, WatchOrdersRequest
from server.app import ApiThread
from tests.functional.estate import Estate, last_id
from tests.services.command_line import PROGRAM, environment_of
from tests.services.stack import Stack

SECOND = Duration(seconds=1)
SECONDS_MAX = 60


@dataclass
class Restarted:
    """A second API of a product, which can be away for a while, and stays where it was."""

    stack: Stack
    api: ApiThread

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __post_init__(self) -> None:
        self.port = self.api.port

    def stop(self) -> None:
        self.api.stop(0.2)

    def start(self) -> None:
        settings = replace(self.stack.settings, listen=self.address)
        self.api = ApiThread(self.stack.oms, settings)


@pytest.fixture
def other(stack: Stack) -> Iterator[Restarted]:
    other = Restarted(stack, ApiThread(stack.oms, stack.settings))
    yield other
    other.stop()


def hold(stack: Stack, order: str) -> None:
    stack.merchant.call(
        HoldOrdersRequest(parent=stack.merchant.name, orders=[order], reason=HOLD_REASON_ADDRESS)
    )


def release(stack: Stack, order: str) -> None:
    stack.merchant.call(ReleaseOrdersRequest(parent=stack.merchant.name, orders=[order]))


def play(stack: Stack, other: Restarted, order: str) -> None:
    """Let things happen while the server is there, while it is away, and when it is back."""
    hold(stack, order)
    other.stop()
    release(stack, order)
    hold(stack, order)
    other.start()
    release(stack, order)


def test_no_event_is_lost_by_a_restart(stack: Stack, estate: Estate, other: Restarted):
    outages: list[Exception] = []
    request = WatchOrdersRequest(parent="merchants/-", bookmark_interval=SECOND)
    playing = threading.Thread(target=play, args=(stack, other, estate.order))
    with (
        Client(other.address, token=stack.merchant.secret) as client,
        client.watch_orders(request, Patience(SECONDS_MAX, outages.append)) as watch,
    ):
        next(watch)  # It is connected.
        playing.start()
        events = watch.events()
        found = [next(events).event for _ in range(4)]
        playing.join()
        after_first = replay(client, request, watch.resume_token)

    kinds = [one.event.kind for one in found]
    sequences = [one.event.sequence for one in found]
    assert kinds[0::2] == [kinds[0]] * 2
    assert kinds[1::2] == [kinds[1]] * 2
    assert kinds[0] != kinds[1]
    assert sequences == sorted(set(sequences))
    assert len(outages) <= 1
    assert after_first == []


def replay(client: Client, request: WatchOrdersRequest, token: str) -> list[int]:
    """Read what a next process would get that goes on from a token, up to the first bookmark."""
    again = WatchOrdersRequest()
    again.CopyFrom(request)
    again.resume_token = token
    found = []
    with client.watch_orders(again) as watch:
        for message in watch:
            if message.HasField("bookmark"):
                break
            found.append(message.event.event.sequence)
    return found


def test_no_event_is_lost_on_asyncio(stack: Stack, estate: Estate, other: Restarted):
    request = WatchOrdersRequest(parent="merchants/-", bookmark_interval=SECOND)

    async def read() -> list[str]:
        async with (
            aio.Client(other.address, token=stack.merchant.secret) as client,
            client.watch_orders(request) as watch,
        ):
            await anext(watch)
            playing = asyncio.create_task(asyncio.to_thread(play, stack, other, estate.order))
            events = watch.events()
            found = [(await anext(events)).event.event.kind for _ in range(4)]
            await playing
            return found

    kinds = asyncio.run(asyncio.wait_for(read(), SECONDS_MAX))

    assert kinds == [kinds[0], kinds[1]] * 2
    assert kinds[0] != kinds[1]


def test_vendor_gets_what_is_not_finished_and_then_what_happens(
    stack: Stack, estate: Estate, other: Restarted
):
    request = WatchAllocationsRequest(
        parent="vendors/-", include_initial_state=True, bookmark_interval=SECOND
    )
    with (
        Client(other.address, token=stack.vendor_a.secret) as client,
        client.watch_allocations(request) as watch,
    ):
        found = []
        for message in watch:
            found.append(message)
            if message.HasField("initial_state_complete"):
                break
        stack.vendor_a.call(AcceptAllocationRequest(name=estate.submitted))
        news = next(watch.events()).event

    assert estate.submitted in {one.allocation.name for one in found}
    assert news.allocation == estate.submitted


def test_token_of_another_log_is_refused(stack: Stack, estate: Estate, other: Restarted):
    request = WatchOrdersRequest(parent="merchants/-", resume_token="made-up")
    with (
        Client(other.address, token=stack.merchant.secret) as client,
        client.watch_orders(request) as watch,
        pytest.raises(InvalidInput) as refused,
    ):
        next(watch)

    assert refused.value.reason == "RESUME_TOKEN_INVALID"


def test_command_line_outlives_a_restart(
    stack: Stack, estate: Estate, other: Restarted, tmp_path: Path
):
    environment = environment_of(
        tmp_path, FBALI_SERVER=other.address, FBALI_TOKEN=stack.vendor_a.secret
    )
    process = subprocess.Popen(
        [*PROGRAM, "allocations", "watch"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    submitted = last_id(estate.submitted)
    line = next(line for line in process.stdout if submitted in line)
    other.stop()
    stack.vendor_a.call(AcceptAllocationRequest(name=estate.submitted))
    threading.Event().wait(1.0)
    other.start()
    changed = next(line for line in process.stdout if submitted in line)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS_MAX)

    assert line.endswith("waits for the vendor\n")
    assert changed.endswith("waits for the vendor -> accepted\n")
    assert process.returncode == 130
    assert said.count("connection lost, trying again") == 1
