"""A process of many watchers: it opens watches, goes on where one broke off, and notes what came.

Run as `python -m benchmarks.watchers FILE`: the file says whom to watch for and where to write what
came. It prints `ready` once every watch has its initial state, and ends with its standard input.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc
import uvloop

from fbali.v1.fulfillment_service_pb2 import WatchAllocationsRequest
from fbali.v1.order_service_pb2 import WatchOrdersRequest
from fbali.v1.watch_pb2 import WatchAllocationsResponse, WatchOrdersResponse

ECHO_METHOD = "/fbali.bench.Echo/Watch"
WATCHES_PER_CONNECTION = 50
_PAUSE_SECONDS = 0.2  # Before a watch that broke off is opened again.


@dataclass(frozen=True, slots=True)
class Plan:
    """What to watch. Watchers of `secrets` are merchants and vendors in turn."""

    addresses: Sequence[str]
    secrets: Sequence[str]
    result: str
    is_echo: bool = False


@dataclass(slots=True)
class Came:
    """What one watcher got: (sequence or, from the echo, instant; instant of arrival)."""

    events: list[tuple[int, int]] = field(default_factory=list)
    resumes: int = 0


class Watcher:
    """One watch."""

    def __init__(self, channel: grpc.aio.Channel, secret: str, number: int) -> None:
        """Watch as the owner of a secret."""
        self.came = Came()
        self.is_ready = asyncio.Event()
        self._metadata = (("authorization", f"Bearer {secret}"),)
        self._token = ""
        is_merchant = number % 2 == 0
        answer: Any = WatchOrdersResponse if is_merchant else WatchAllocationsResponse
        self._request = self._orders if is_merchant else self._allocations
        name = "OrderService/WatchOrders" if is_merchant else "FulfillmentService/WatchAllocations"
        self._watch: Callable[..., Any] = channel.unary_stream(
            f"/fbali.v1.{name}", response_deserializer=answer.FromString
        )

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            with suppress(grpc.RpcError):
                async for answer in self._watch(self._request(), metadata=self._metadata):
                    self._take(answer)
            self.came.resumes += 1
            await asyncio.sleep(_PAUSE_SECONDS)

    def _take(self, answer: Any) -> None:
        if answer.HasField("event"):
            self.came.events.append((answer.event.event.sequence, time.time_ns()))
        elif answer.HasField("initial_state_complete"):
            self.is_ready.set()
        self._token = answer.resume_token

    def _orders(self) -> bytes:
        return WatchOrdersRequest(
            parent="merchants/-", resume_token=self._token, include_initial_state=True
        ).SerializeToString()

    def _allocations(self) -> bytes:
        return WatchAllocationsRequest(
            parent="vendors/-", resume_token=self._token, include_initial_state=True
        ).SerializeToString()


class EchoWatcher:
    """One stream of the echo, whose messages hold the instant at which they were made."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Open nothing yet."""
        self.came = Came()
        self.is_ready = asyncio.Event()
        self._watch: Callable[..., Any] = channel.unary_stream(ECHO_METHOD)

    async def run(self) -> None:
        """Read for ever; the first message says that the stream is open."""
        async for body in self._watch(b"", wait_for_ready=True):
            if self.is_ready.is_set():
                self.came.events.append((int(body[:19]), time.time_ns()))
            self.is_ready.set()


def open_watchers(plan: Plan) -> list[Watcher | EchoWatcher]:
    """Make the watchers, some of them to a connection."""
    watchers: list[Watcher | EchoWatcher] = []
    for start in range(0, len(plan.secrets), WATCHES_PER_CONNECTION):
        connection = start // WATCHES_PER_CONNECTION
        options = (("grpc.use_local_subchannel_pool", 1),)
        address = plan.addresses[connection % len(plan.addresses)]
        channel = grpc.aio.insecure_channel(address, options=options)
        secrets = plan.secrets[start : start + WATCHES_PER_CONNECTION]
        for number, secret in enumerate(secrets, start):
            watchers.append(
                EchoWatcher(channel) if plan.is_echo else Watcher(channel, secret, number)
            )
    return watchers


async def watch(plan: Plan) -> list[Came]:
    """Watch until standard input ends."""
    watchers = open_watchers(plan)
    tasks = [asyncio.create_task(watcher.run()) for watcher in watchers]
    await asyncio.gather(*(watcher.is_ready.wait() for watcher in watchers))
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    return [watcher.came for watcher in watchers]


def main() -> None:
    """Do what the plan says, and write what came."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text("utf-8")))
    came = [asdict(one) for one in asyncio.run(watch(plan))]
    Path(plan.result).write_text(json.dumps(came), "utf-8")


if __name__ == "__main__":
    main()
