"""Watches for programs on asyncio; see `fbali.watching`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Self

from fbali.errors import FbaliError
from fbali.watch_course import Course, Message


class Watch(Generic[Message]):
    """Gives message after message, until it is closed; connects anew when the connection is lost.

    As `fbali.watching.Watch`, but of one event loop: one task reads, any task may `close` it.
    """

    def __init__(self, open_stream: Callable[[Any], Any], course: Course[Message]) -> None:
        """Prepare it; the first connection is made when the first message is asked for."""
        self._open_stream = open_stream
        self._course = course
        self._call: Any = None
        self._answers: AsyncIterator[Message] | None = None
        self._closed = asyncio.Event()

    @property
    def resume_token(self) -> str:
        """Where to go on after the last message that was given."""
        return self._course.resume_token

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        while not self._closed.is_set():
            try:
                message = await self._receive()
            except StopAsyncIteration:
                await self._pause(None)
            except FbaliError as error:
                await self._pause(error)
            else:
                if self._course.take(message):
                    return message
        raise StopAsyncIteration

    async def events(self) -> AsyncIterator[Message]:
        """Give the messages that bring an event alone."""
        async for message in self:
            if message.WhichOneof("content") == "event":
                yield message

    def close(self) -> None:
        """End it: who waits for a message gets the end of the iteration."""
        self._closed.set()
        self._let_go()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def _receive(self) -> Message:
        if self._answers is None:
            self._call = self._open_stream(self._course.next_request())
            self._answers = aiter(self._call)
        try:
            async with asyncio.timeout(self._course.silence_seconds_max):
                return await anext(self._answers)
        except TimeoutError:
            raise self._course.silence() from None
        except asyncio.CancelledError:
            if self._closed.is_set() and not _is_cancelled():  # `close` cancelled the call alone.
                raise StopAsyncIteration from None
            raise

    async def _pause(self, error: FbaliError | None) -> None:
        """Let go of a connection that has ended, and wait before the next one."""
        self._let_go()
        if self._closed.is_set():
            return
        seconds = self._course.wait_after(error)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)

    def _let_go(self) -> None:
        if self._call is not None:
            self._call.cancel()
        self._call = self._answers = None


def _is_cancelled() -> bool:
    """Tell whether somebody cancels the task that reads."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
