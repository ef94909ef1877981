"""Pages of a log of events: the log that watches send, for callers that cannot hold a stream.

A call that waits for news holds a place among the watches, and neither a thread nor a place among
the calls in flight.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import Message

from oms.domain.principals import Principal
from oms.usecases import follow_events
from oms.usecases.follow_events import Log, LoggedEvent
from server.event_hub import Subscription
from server.resume_tokens import Cursor, ResumeTokens
from server.watching import Following, read_start

_ANSWER_SECONDS = 0.25  # A call that waits is answered so long before its deadline.


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page that was asked for; without a `token` it begins with the oldest that is kept."""

    log: Log
    token: str
    size: int
    wait_seconds: float
    answer: Callable[[Sequence[LoggedEvent], str, str], Message]  # Events, next page, resume.


class PageReading:
    """One call for a page; `caller` is known once it was read."""

    caller: Principal

    def __init__(
        self, following: Following, wanted: LogPage, check: Callable[[], Principal]
    ) -> None:
        """Ask `check` with every read who calls, and whether it still may."""
        self.log = wanted.log
        self._following = following
        self._wanted = wanted
        self._check = check
        self._cursor: Cursor | None = None
        self._reached = 0  # Up to where all is known that the last read did not show.

    async def read(self) -> Message | None:
        """Read what is there; None if that is nothing and news may be waited for."""
        upto = self._following.hub.position
        events = await self._following.hops.run(lambda: self._read(upto))
        return self._answer(events) if events or not self._wanted.wait_seconds else None

    async def wait(self, told: Subscription, context: Any) -> Message:
        """Wait for news until the call has to be answered, and read again."""
        remaining = context.time_remaining()
        seconds = self._wanted.wait_seconds
        if remaining is not None:
            seconds = min(seconds, remaining - _ANSWER_SECONDS)
        until = time.monotonic() + seconds
        told.catch_up()
        found = await self.read()  # What came before anybody was told of it.
        while found is None and (left := until - time.monotonic()) > 0:
            if self._following.hub.is_closing:
                break
            await told.wait(left)
            if told.ending is not None:
                raise told.ending
            if told.has_news:
                told.fall_behind()
                told.catch_up()
                found = await self.read()
        return self._answer([]) if found is None else found

    def _read(self, upto: int) -> list[LoggedEvent]:
        self.caller = self._check()
        oms, wanted = self._following.oms, self._wanted
        if self._cursor is None:
            start = read_start(oms, wanted.log, wanted.token, "page_token", upto)
            self._cursor = start or Cursor(follow_events.oldest_position(oms, upto))
        events = follow_events.read_log(
            oms, wanted.log, self._cursor.position, upto, wanted.size + 1
        )
        if len(events) <= wanted.size:
            self._reached = max(self._cursor.position, upto)
        return events

    def _answer(self, events: Sequence[LoggedEvent]) -> Message:
        assert self._cursor is not None
        page, cursor = events[: self._wanted.size], replace(self._cursor, position=self._reached)
        is_cut = len(events) > len(page)
        if is_cut:
            cursor = replace(cursor, position=page[-1].event.sequence)
        token = ResumeTokens(self._wanted.log).write(cursor, self._following.hub.now_ms)
        return self._wanted.answer(page, token if is_cut else "", token)
