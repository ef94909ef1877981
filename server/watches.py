"""All that watch a server, and all calls that wait for news: their places, and how they end."""

from collections.abc import Callable, Collection
from typing import Any

from google.protobuf.message import Message

from oms.domain.principals import Principal
from oms.usecases.context import Oms
from oms.usecases.follow_events import valid_tokens
from server.event_hub import EventHub
from server.log_pages import LogPage, PageReading
from server.resume_tokens import Cursor
from server.streams import Hops, Places, WatchLimits
from server.watching import Following, Watch, Watching, read_start


class Watches:
    """One per server."""

    def __init__(self, oms: Oms, hops: Hops, limits: WatchLimits) -> None:
        """Let nobody watch before `start`."""
        self._oms = oms
        self._hops = hops
        self._hub = EventHub(oms, limits)
        self._places = Places("watches", limits.watches_max, limits.watches_per_caller_max)
        self._following = Following(oms, self._hub, hops)

    def start(self) -> None:
        """Begin to read the log of events."""
        self._hub.start(self._valid_tokens)

    async def close(self) -> None:
        """End all watches and waits; nobody may begin one any more."""
        await self._hub.close()

    async def stop(self) -> None:
        """Read no longer."""
        await self._hub.stop()

    async def watch(self, begin: Callable[[], tuple[Principal, Watch]], context: Any) -> None:
        """Serve a watch from its begin to its end; `begin` runs in a thread."""
        await self._hub.begun()

        def begin_here() -> tuple[Principal, Watch, Cursor | None]:
            caller, watch = begin()
            upto = self._hub.position
            start = read_start(self._oms, watch.log, watch.token, "resume_token", upto)
            return caller, watch, start

        caller, watch, start = await self._hops.run(begin_here)
        with (
            self._places.taken(caller.actor),
            self._hub.subscription(watch.log, caller.token_id) as told,
        ):
            await Watching(self._following, watch, start, context).run(told)

    async def reading(self, wanted: LogPage, check: Callable[[], Principal]) -> PageReading:
        """Prepare to read a page; `check` runs in a thread with every read."""
        await self._hub.begun()
        return PageReading(self._following, wanted, check)

    async def wait(self, reading: PageReading, context: Any) -> Message:
        """Answer a page that was empty, when there is news or the time is up."""
        with (
            self._places.taken(reading.caller.actor),
            self._hub.subscription(reading.log, reading.caller.token_id) as told,
        ):
            return await reading.wait(told, context)

    async def _valid_tokens(self, token_ids: Collection[str]) -> set[str]:
        return await self._hops.run(lambda: valid_tokens(self._oms, token_ids))
