"""Hands what one reader of the log finds to all who watch.

All of it lives on the event loop but the reader, which has a thread of its own. A watch has a small
buffer. One that does not read in time loses its buffer and is behind: it reads what it missed from
the database, in small pages as it takes them, so a slow client costs no memory and no thread.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from oms.domain.errors import FbaliError, Unauthenticated, Unavailable
from oms.domain.principals import Role
from oms.usecases.context import Oms
from oms.usecases.follow_events import (
    EventReader,
    Log,
    LoggedEvent,
    LogNews,
    owners,
    seen_by,
)
from server.streams import WatchLimits

log = logging.getLogger(__name__)


class Subscription:
    """What one watch is told. Used on the event loop alone."""

    __slots__ = ("_buffer", "_buffer_max", "_waiter", "ending", "is_behind", "log", "token_id")

    def __init__(self, log: Log, token_id: str, buffer_max: int) -> None:
        """Begin behind: nothing is told until somebody catches up."""
        self.log = log
        self.token_id = token_id
        self.is_behind = True
        self.ending: Unauthenticated | None = None
        self._buffer: deque[LoggedEvent] = deque()
        self._buffer_max = buffer_max
        self._waiter: asyncio.Future[None] | None = None

    @property
    def has_news(self) -> bool:
        """Tell whether there is something to do without waiting."""
        return bool(self._buffer) or self.is_behind or self.ending is not None

    def tell(self, event: LoggedEvent) -> None:
        """Take an event, or lose all of them when the watch is too slow."""
        if not self.is_behind:
            if len(self._buffer) < self._buffer_max:
                self._buffer.append(event)
            else:
                self.fall_behind()
        self.wake()

    def fall_behind(self) -> None:
        """Let go of what was not taken yet."""
        self._buffer.clear()
        self.is_behind = True

    def catch_up(self) -> None:
        """Be told what comes from now on."""
        self.is_behind = False

    def take(self) -> LoggedEvent | None:
        """Return the next event, if there is one."""
        return self._buffer.popleft() if self._buffer else None

    def wake(self) -> None:
        """End the wait."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float) -> None:
        """Wait until something happens, or so long."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self.wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None


class EventHub:
    """One per server."""

    def __init__(self, oms: Oms, limits: WatchLimits) -> None:
        """Read nothing yet."""
        self.limits = limits
        self.now_ms = 0
        self.is_closing = False
        self._position: int | None = None
        self._begun = asyncio.Event()
        self._reader = EventReader(oms)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._tasks: list[asyncio.Task[None]] = []
        self._by_owner: dict[tuple[Role, str], set[Subscription]] = defaultdict(set)
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def position(self) -> int:
        """Return up to where everything was told."""
        assert self._position is not None
        return self._position

    def start(self, check_tokens: Callable[[Collection[str]], Awaitable[set[str]]]) -> None:
        """Begin to read, and to look at the tokens of those who watch."""
        self._tasks = [
            asyncio.create_task(self._read_forever()),
            asyncio.create_task(self._check_forever(check_tokens)),
        ]

    async def close(self) -> None:
        """End all watches, those that are slow without a last word; let nobody begin one."""
        self.is_closing = True
        for subscription in self._subscriptions():
            subscription.wake()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), self.limits.close_seconds)

    async def stop(self) -> None:
        """Read no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.submit(self._reader.close)
        self._pool.shutdown(wait=True)

    async def begun(self) -> None:
        """Wait until the position is known.

        Raises:
            Unavailable: the database is away, or a transaction of others does not end.
        """
        if not self._begun.is_set():
            try:
                await asyncio.wait_for(self._begun.wait(), self.limits.begin_seconds)
            except TimeoutError:
                raise Unavailable(
                    "the log of events cannot be read yet; nothing was done"
                ) from None

    @contextmanager
    def subscription(self, log: Log, token_id: str) -> Iterator[Subscription]:
        """Tell somebody of a log for a while; raises Unavailable when the server stops."""
        if self.is_closing:
            raise Unavailable("the server stops; go on at another one, or in a moment")
        owner = (log.role, log.owner_id)
        made = Subscription(log, token_id, self.limits.buffered_events_max)
        self._by_owner[owner].add(made)
        self._empty.clear()
        try:
            yield made
        finally:
            self._by_owner[owner].discard(made)
            if not self._by_owner[owner]:
                del self._by_owner[owner]
            if not self._by_owner:
                self._empty.set()

    def publish(self, news: LogNews) -> None:
        """Tell all whom it concerns; they are told of all rows or of none before they go on."""
        for row in news.rows:
            for owner in owners(row):
                if owner in self._by_owner:
                    self._tell(owner, seen_by(owner[0], row))
        self.now_ms = news.now_ms
        if news.position is not None:
            self._position = news.position
            self._begun.set()

    def _tell(self, owner: tuple[Role, str], event: LoggedEvent) -> None:
        for subscription in self._by_owner[owner]:
            ids = subscription.log.ids
            if not ids or event.thing_id in ids:
                subscription.tell(event)

    def _subscriptions(self) -> list[Subscription]:
        return [one for some in self._by_owner.values() for one in some]

    async def _read_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self.publish(await loop.run_in_executor(self._pool, self._reader.next))
            except Exception:
                log.exception("the log of events was not read")
                await asyncio.sleep(1.0)

    async def _check_forever(self, check: Callable[[Collection[str]], Awaitable[set[str]]]) -> None:
        while True:
            await asyncio.sleep(self.limits.token_check_seconds)
            try:
                await self._check(check)
            except FbaliError as error:
                log.warning("tokens of watches were not looked at: %s", error)
            except Exception:
                log.exception("tokens of watches were not looked at")

    async def _check(self, check: Callable[[Collection[str]], Awaitable[set[str]]]) -> None:
        """End the watches of tokens that were revoked, in one statement for all."""
        watching = self._subscriptions()
        if not watching:
            return
        valid = await check({one.token_id for one in watching})
        for one in watching:
            if one.token_id not in valid:
                one.ending = Unauthenticated("the token was revoked, or has expired")
                one.wake()
