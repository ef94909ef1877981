"""Watches for programs with threads: messages of a stream that goes on where it broke off."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Generic, Self

from fbali.calls import Answers
from fbali.errors import FbaliError
from fbali.watch_course import Course, Message

_GUARD_TICKS = 10  # How often it is looked whether a connection is silent, in the time it may be.


class Watch(Generic[Message]):
    """Gives message after message, until it is closed; connects anew when the connection is lost.

    Every event is given at least once, those of one order in their order, and not twice in the life
    of this object. `resume_token` is where to go on after the message that was given last: store it
    when that one is dealt with, and give it to the watch of the next process.

    One thread reads; any thread may `close` it. Leaving `with` closes it too.

    Raises:
        ResumeTokenExpired: The token is older than the history; `oldest_token` is where to go on.
        Unavailable: The server was not there at the beginning, or for longer than patience allows.
        FbaliError: What else refuses a call, such as a token that was revoked.
    """

    def __init__(self, open_stream: Callable[[Any], Any], course: Course[Message]) -> None:
        """Prepare it; the first connection is made when the first message is asked for."""
        self._open_stream = open_stream
        self._course = course
        self._answers: Answers | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._guard = _Guard(course.silence_seconds_max)

    @property
    def resume_token(self) -> str:
        """Where to go on after the last message that was given."""
        return self._course.resume_token

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        while not self._closed.is_set():
            try:
                message = self._receive()
            except StopIteration:
                self._pause(None)
            except FbaliError as error:
                self._pause(error)
            else:
                if self._course.take(message):
                    return message
        raise StopIteration

    def events(self) -> Iterator[Message]:
        """Give the messages that bring an event alone."""
        return (message for message in self if message.WhichOneof("content") == "event")

    def close(self) -> None:
        """End it: who waits for a message gets the end of the iteration."""
        self._closed.set()
        with self._lock:
            if self._answers is not None:
                self._answers.cancel()
        self._guard.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _receive(self) -> Message:
        with self._lock:
            if self._closed.is_set():
                raise StopIteration
            if self._answers is None:
                self._answers = self._open_stream(self._course.next_request())
        self._guard.expect(self._answers)
        try:
            message: Message = next(self._answers)
        finally:
            self._guard.rest()
        return message

    def _pause(self, error: FbaliError | None) -> None:
        """Let go of a connection that has ended, and wait before the next one."""
        with self._lock:
            self._answers = None
        if self._closed.is_set():
            return
        if self._guard.take_fired():
            error = self._course.silence()
        self._closed.wait(self._course.wait_after(error))


class _Guard:
    """Cancels a stream on which nothing comes for too long, from a thread of its own."""

    def __init__(self, seconds_max: float) -> None:
        """Prepare it; the thread begins with the first stream, and ends with this object."""
        self._seconds_max = seconds_max
        self._expected: tuple[Answers, float] | None = None
        self._fired = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def expect(self, answers: Answers) -> None:
        """Something is to come on a stream from now on."""
        self._expected = (answers, time.monotonic() + self._seconds_max)
        if self._thread is None:
            tick = self._seconds_max / _GUARD_TICKS
            arguments = (weakref.ref(self), self._ended, tick)
            self._thread = threading.Thread(target=_look, args=arguments, daemon=True)
            self._thread.start()

    def rest(self) -> None:
        """Nobody waits: a reader that takes its time is no silence."""
        self._expected = None

    def take_fired(self) -> bool:
        """Tell whether it has cancelled a stream since it was last asked."""
        fired, self._fired = self._fired, False
        return fired

    def look(self) -> None:
        """Cancel the stream if it is time."""
        expected = self._expected
        if expected is not None and time.monotonic() > expected[1]:
            self._fired = True
            expected[0].cancel()

    def end(self) -> None:
        """End the thread."""
        self._ended.set()


def _look(guard: "weakref.ref[_Guard]", ended: threading.Event, tick: float) -> None:
    while not ended.wait(tick):
        found = guard()
        if found is None:
            return
        found.look()
        del found
