"""Watches: what they send, in which order, and when they end.

A servicer's method says what is watched (`Watch`); everything that waits happens here, on the event
loop. A hop to a thread is made for each small page that is read from the database.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from google.protobuf.message import Message

from oms.domain.errors import LimitExceeded, OutOfRange
from oms.usecases import follow_events
from oms.usecases.context import Oms
from oms.usecases.follow_events import KEPT_MS, Log, LoggedEvent
from server.conversion.events import WatchMessages
from server.event_hub import EventHub, Subscription
from server.resume_tokens import Cursor, ResumeTokens, StateKey, invalid_token
from server.streams import Hops

BOOKMARK_SECONDS = 15.0  # After so long without a message, if the caller does not say.

State = Sequence[tuple[StateKey, Message]]


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch that was asked for; without a `token` it begins now."""

    log: Log
    token: str
    bookmark_seconds: float
    with_state: bool
    state: Callable[[StateKey, int], State]  # A page of the initial state after a key.
    messages: WatchMessages


def read_start(oms: Oms, log: Log, token: str, field: str, upto: int) -> Cursor | None:
    """Read where somebody wants to go on; None without a token. Runs in a thread.

    `upto` is up to where all is known; `field` holds the token.

    Raises:
        NotFound: the log is filtered by something that is not the owner's.
        InvalidInput: the token is not one of this log.
        OutOfRange: it is too old.
    """
    follow_events.require_followed(oms, log)
    if not token:
        return None
    tokens, now_ms = ResumeTokens(log), oms.clock.now_ms()
    cursor, written_ms = tokens.read(token, field)
    if not follow_events.is_reached(oms, cursor.position):
        raise invalid_token(field)  # Of a database that was replaced by an older copy of it.
    if written_ms < now_ms - KEPT_MS:
        oldest = Cursor(follow_events.oldest_position(oms, upto))
        raise OutOfRange(
            "the resume token is older than 7 days: read the lists again, or go on at oldest_token",
            oldest_token=tokens.write(oldest, now_ms),
        )
    return cursor


@dataclass(frozen=True, slots=True)
class Following:
    """What all watches of a server share."""

    oms: Oms
    hub: EventHub
    hops: Hops


class Watching:
    """One running watch."""

    def __init__(
        self, following: Following, watch: Watch, start: Cursor | None, context: Any
    ) -> None:
        """Begin where the watch wants to, or now."""
        self._oms = following.oms
        self._hub = hub = following.hub
        self._hops = following.hops
        self._watch = watch
        self._context = context
        self._tokens = ResumeTokens(watch.log)
        self._cursor = start or Cursor(hub.position, () if watch.with_state else None)
        seconds = hub.limits.seconds_max
        self._until = time.monotonic() + seconds * random.uniform(0.9, 1.1)  # noqa: S311

    async def run(self, told: Subscription) -> None:
        """Send everything until the watch is over; the last message is a bookmark."""
        await self._send_state(told)
        while not self._is_over(told):
            if told.is_behind:
                await self._catch_up(told)
            elif (event := told.take()) is not None:
                await self._send_event(event)
            else:
                await self._rest(told)
        await self._write(self._watch.messages.bookmark(self._token()))

    def _is_over(self, told: Subscription) -> bool:
        if told.ending is not None:
            raise told.ending
        return self._hub.is_closing or time.monotonic() > self._until

    async def _send_state(self, told: Subscription) -> None:
        """Send what is left of the initial state; what happens meanwhile is read afterwards."""
        limit = self._hub.limits.states_at_once
        while (key := self._cursor.state_key) is not None:
            page = await self._hops.run(partial(self._watch.state, key, limit))
            for state_key, thing in page:
                if self._is_over(told):
                    return
                self._cursor = replace(self._cursor, state_key=state_key)
                await self._write(self._watch.messages.thing(self._token(), thing))
            if len(page) < limit:
                self._cursor = replace(self._cursor, state_key=None)
                await self._write(self._watch.messages.state_complete(self._token()))

    async def _catch_up(self, told: Subscription) -> None:
        """Read what the buffer does not hold: all up to now, from where it holds everything."""
        told.catch_up()
        limit, upto = self._hub.limits.events_at_once, self._hub.position
        while self._cursor.position < upto and not self._is_over(told):
            after = self._cursor.position
            read = partial(follow_events.read_log, self._oms, self._watch.log, after, upto, limit)
            events = await self._hops.run(read)
            for event in events:
                if self._is_over(told):
                    return
                await self._send_event(event)
            if len(events) < limit:
                self._cursor = Cursor(upto)

    async def _send_event(self, logged: LoggedEvent) -> None:
        sequence = logged.event.sequence
        if sequence > self._cursor.position:  # Another server may have been ahead of this one.
            self._cursor = Cursor(sequence)
            await self._write(self._watch.messages.event(self._token(), logged))

    async def _rest(self, told: Subscription) -> None:
        await told.wait(self._watch.bookmark_seconds)
        if not told.has_news:
            self._cursor = Cursor(max(self._cursor.position, self._hub.position))
            if not self._hub.is_closing:
                await self._write(self._watch.messages.bookmark(self._token()))

    def _token(self) -> str:
        return self._tokens.write(self._cursor, self._hub.now_ms)

    async def _write(self, message: Message) -> None:
        seconds = self._hub.limits.write_seconds_max
        try:
            await asyncio.wait_for(self._context.write(message), seconds)
        except TimeoutError:
            raise LimitExceeded(
                f"nothing was read for {seconds:g} seconds", limit="stream_idle"
            ) from None
