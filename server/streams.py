"""Streams of calls: on the event loop while a client is slow, in a thread for one batch at a time.

A servicer's method for a stream is no different from others until it answers:

- a **server stream** answers with an iterator of messages. Each `next` is one hop to a thread; the
  next batch is made when gRPC has taken the one before, so a slow client costs no memory and no
  thread. The iterator must not keep a transaction open between two batches.
- a **client stream** is given its first message and answers with an `Intake`, which is handed every
  message, the first one included.

Every message is checked as a request of its own, and the token is looked at again with every batch,
so that a revoked one stops at once. How many streams there are, how long they may rest and what
they may carry is bounded by `StreamLimits`; together they use at most half of the threads. Watches
(`server/watching.py`) share the hops, and are counted for themselves.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from oms.domain.errors import FbaliError, LimitExceeded
from oms.storage.database import Database

log = logging.getLogger(__name__)

T = TypeVar("T")
_END: Any = object()


class Intake(Protocol):
    """What takes a client stream. Its methods are called one after the other, each in a thread.

    `take` and `end` do their work in steps, so that other calls get their turn in between: whoever
    iterates decides when the next step is made. After `break_off` nothing is called any more.
    """

    def take(self, request: Any) -> Iterator[None]:
        """Take a message, in steps."""
        ...

    def end(self) -> Iterator[None]:
        """Do what is left to do when the client has sent everything, in steps."""
        ...

    def answer(self) -> Message:
        """Return the answer; called once, after `end`."""
        ...

    def rest(self) -> None:
        """Notice that no message came for some seconds."""
        ...

    def break_off(self, problem: str) -> None:
        """Notice that the stream ended before its end, for a reason that may be told."""
        ...


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """Bounds of watches, and of calls that wait for news."""

    watches_max: int = 2_000
    watches_per_caller_max: int = 20
    buffered_events_max: int = 100
    events_at_once: int = 100  # That one hop to the database brings for a watch.
    states_at_once: int = 20  # Orders or allocations of an initial state: those are large.
    write_seconds_max: float = 30.0  # Without the client reading anything.
    seconds_max: float = 1_800.0  # A watch ends after that, give or take a tenth.
    token_check_seconds: float = 10.0  # How late it is noticed that a token was revoked.
    close_seconds: float = 1.0  # How long last bookmarks may take when the server stops.
    begin_seconds: float = 10.0  # How long a caller waits until the log can be read.


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds of streams."""

    streams_max: int = 32
    streams_per_caller_max: int = 4
    rest_seconds: float = 3.0  # How often an intake hears that nothing came.
    idle_seconds_max: float = 30.0  # Without a message from, or progress of, the client.
    seconds_max: float = 7_200.0
    bytes_max: int = 2 * 1024**3  # Of one client stream.
    watches: WatchLimits = field(default_factory=WatchLimits)  # They are counted for themselves.


class Places:
    """How many streams of a kind there are, in all and of each caller."""

    def __init__(self, kind: str, most: int, most_per_caller: int) -> None:
        """Bound them; `kind` names them in the plural."""
        self._kind = kind
        self._most = most
        self._most_per_caller = most_per_caller
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        """Hold a place; raises LimitExceeded."""
        if self._taken[caller] >= self._most_per_caller:
            raise LimitExceeded(
                f"{caller} has {self._taken[caller]} {self._kind}, {self._most_per_caller} are"
                " allowed at once",
                limit=f"{self._kind}_per_caller",
            )
        if self._taken.total() >= self._most:
            raise LimitExceeded("the server is busy; try again in a moment", limit=self._kind)
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]


class Hops:
    """Hands the batches of all streams to the threads, and sees to what cancelled streams leave."""

    def __init__(self, pool: ThreadPoolExecutor, threads: int, db: Database) -> None:
        """Use at most half of the threads of a pool."""
        self._pool = pool
        self._db = db
        self._turns = asyncio.Semaphore(max(1, threads // 2))
        self._leftovers: set[asyncio.Task[None]] = set()

    async def run(self, work: Callable[[], T]) -> T:
        """Run work in a thread with a database connection."""
        async with self._turns:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._work, work)

    def _work(self, work: Callable[[], T]) -> T:
        with self._db.session():
            return work()

    def run_later(self, work: Callable[[], None], busy: "asyncio.Future[Any] | None") -> None:
        """Run work after what is still busy; the call that asks for it is over already."""
        task = asyncio.get_running_loop().create_task(self._run_after(work, busy))
        self._leftovers.add(task)
        task.add_done_callback(self._leftovers.discard)

    async def _run_after(
        self, work: Callable[[], None], busy: "asyncio.Future[Any] | None"
    ) -> None:
        if busy is not None:
            await asyncio.wait([busy])
        try:
            await self.run(work)
        except Exception:
            log.exception("a stream could not be tidied up")

    async def settle(self) -> None:
        """Wait for everything that is left to do."""
        while self._leftovers:
            await asyncio.wait(self._leftovers)


class Stream:
    """One running stream: its hops, its bounds, and what happens when it ends early."""

    def __init__(self, hops: Hops, limits: StreamLimits, context: Any) -> None:
        """Begin to count its time."""
        self._hops = hops
        self._limits = limits
        self._context = context
        self._until = time.monotonic() + limits.seconds_max
        self._received = 0
        self._busy: asyncio.Future[Any] | None = None

    async def hop(self, work: Callable[[], T]) -> T:
        """Run a batch in a thread, which goes on to its end even if the call is cancelled."""
        self._busy = asyncio.ensure_future(self._hops.run(work))
        return await asyncio.shield(self._busy)

    async def give(self, answers: Iterator[Message], check: Callable[[], object]) -> None:
        """Send a server stream."""

        def next_batch() -> Message:
            check()
            return next(answers, _END)

        try:
            while (batch := await self.hop(next_batch)) is not _END:
                await self._write(batch)
        finally:
            close = getattr(answers, "close", None)
            if close is not None:
                self._hops.run_later(close, self._busy)

    async def take(
        self,
        intake: Intake,
        first: Any,
        parse: Callable[[bytes], Any],
        check: Callable[[], object],
    ) -> Message:
        """Receive a client stream; `parse` checks a message, `check` its caller."""
        try:
            request = first
            while request is not None:
                await self._walk(intake.take(request))
                body = await self.read(lambda: self.hop(intake.rest))
                await self.hop(check)
                request = None if body is None else await self.hop(partial(parse, body))
            await self._walk(intake.end())
            return await self.hop(intake.answer)
        except asyncio.CancelledError:
            self._hops.run_later(lambda: intake.break_off("the client went away"), self._busy)
            raise
        except Exception as error:
            told = error.message if isinstance(error, FbaliError) else "an error of ours"
            await self._break_off(intake, told)
            raise

    async def _break_off(self, intake: Intake, told: str) -> None:
        """Tell an intake before its client is told, so that both see the same."""
        try:
            await self.hop(lambda: intake.break_off(told))
        except Exception:
            log.exception("a stream could not be tidied up")

    async def _walk(self, steps: Iterator[None]) -> None:
        while await self.hop(lambda: next(steps, _END)) is not _END:
            self._require_time()

    async def read(self, rest: Callable[[], Awaitable[None]] | None = None) -> bytes | None:
        """Read the next message; None at the end. `rest` is called while none comes.

        Raises:
            LimitExceeded: none came for too long, or all together are too large.
        """
        reading = asyncio.ensure_future(self._context.read())
        idle_until = time.monotonic() + self._limits.idle_seconds_max
        try:
            while not (await asyncio.wait([reading], timeout=self._limits.rest_seconds))[0]:
                self._require_time()
                if time.monotonic() >= idle_until:
                    raise self._idle("sent")
                if rest is not None:
                    await rest()
            body = reading.result()
        finally:
            reading.cancel()
        if body is grpc.aio.EOF:
            return None
        self._received += len(body)
        if self._received > self._limits.bytes_max:
            raise LimitExceeded(
                f"one stream carries at most {self._limits.bytes_max} bytes", limit="stream_bytes"
            )
        self._require_time()
        return bytes(body)

    async def _write(self, batch: Message) -> None:
        self._require_time()
        try:
            await asyncio.wait_for(self._context.write(batch), self._limits.idle_seconds_max)
        except TimeoutError:
            raise self._idle("read") from None

    def _idle(self, what: str) -> LimitExceeded:
        seconds = self._limits.idle_seconds_max
        return LimitExceeded(f"nothing was {what} for {seconds:g} seconds", limit="stream_idle")

    def _require_time(self) -> None:
        if time.monotonic() > self._until:
            seconds = self._limits.seconds_max
            raise LimitExceeded(f"one stream takes at most {seconds:g} s", limit="stream_seconds")
