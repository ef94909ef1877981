"""Where a watch is and how it goes on after it broke off, decided without waiting or calling."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fbali.errors import (
    DeadlineExceeded,
    FbaliError,
    LimitExceeded,
    MethodUnknown,
    ServerError,
    Unavailable,
)
from fbali.retries import BACKOFF_SECONDS_MIN, TRIES_MAX, Pace

BOOKMARK_SECONDS = 15.0  # What the server takes when a request says nothing.
BOOKMARKS_MISSED = 3  # A connection on which so many are absent is dead.
RESUME_SECONDS_MAX = 8.0
OUTAGE_SECONDS_MAX = 7 * 86_400.0  # After that the server has forgotten where to go on.
SEQUENCES_KEPT = 2_048  # More than come twice after a resume.

Message = TypeVar("Message", bound=Any)
Notice = Callable[[FbaliError], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a watch puts up with a server that is away, and whom it tells.

    An outage of more than `outage_seconds_max` ends the watch with its error. `on_outage` is called
    once an outage, with the first error, in the thread that reads. A server that is away at the
    very beginning is tried four times, unless it `was_there` a moment ago.
    """

    outage_seconds_max: float = OUTAGE_SECONDS_MAX
    on_outage: Notice = lambda _error: None
    was_there: bool = False


class Course(Generic[Message]):
    """The course of a watch: what to ask for next, what came before, when to give up."""

    def __init__(self, request: Any, patience: Patience, pace: Pace) -> None:
        """Begin where the request says; it is copied."""
        self._request = type(request)()
        self._request.CopyFrom(request)
        self._patience = patience
        self._pace = pace
        self._sequences: deque[int] = deque(maxlen=SEQUENCES_KEPT)
        self._known: set[int] = set()
        self._began = patience.was_there
        self._failures = 0
        self._outage_since: float | None = None
        self._connected_at = 0.0
        interval = request.bookmark_interval
        seconds = interval.ToTimedelta().total_seconds() or BOOKMARK_SECONDS
        self.silence_seconds_max = BOOKMARKS_MISSED * seconds

    @property
    def resume_token(self) -> str:
        """Where to go on after the last message that was given."""
        return str(self._request.resume_token)

    def next_request(self) -> Any:
        """Give the request that goes on from here."""
        self._connected_at = self._pace.monotonic()
        request = type(self._request)()
        request.CopyFrom(self._request)
        return request

    def take(self, message: Message) -> bool:
        """Note a message; tell whether it is to be given, since it did not come before."""
        self._began = True
        content = message.WhichOneof("content")
        lived_seconds = self._pace.monotonic() - self._connected_at
        # A server may send a bookmark and fail, again and again: that is no progress.
        if content != "bookmark" or lived_seconds >= RESUME_SECONDS_MAX:
            self._failures = 0
            self._outage_since = None
        if message.resume_token:
            self._request.resume_token = message.resume_token
        return content != "event" or self._is_new(message)

    def wait_after(self, error: FbaliError | None) -> float:
        """Give the seconds until the next try after an end; None is the server's own end.

        Raises:
            FbaliError: The error, when it will not pass or has lasted for too long.
        """
        if error is not None:
            now = self._pace.monotonic()
            since = now if self._outage_since is None else self._outage_since
            if not self._will_pass(error, now - since):
                raise error
            if self._outage_since is None:
                self._patience.on_outage(error)
            self._outage_since = since
        delay = self._pace.delay(self._failures, BACKOFF_SECONDS_MIN, RESUME_SECONDS_MAX)
        self._failures += 1
        return max(delay, (error.retry_after_seconds or 0.0) if error else 0.0)

    def silence(self) -> Unavailable:
        """Say that nothing came for too long."""
        return Unavailable(f"nothing came for {self.silence_seconds_max:g} s")

    def _is_new(self, message: Message) -> bool:
        sequence = message.event.event.sequence
        if sequence == 0:  # Nothing to tell it by.
            return True
        if sequence in self._known:
            return False
        if len(self._sequences) == SEQUENCES_KEPT:
            self._known.discard(self._sequences[0])
        self._sequences.append(sequence)
        self._known.add(sequence)
        return True

    def _will_pass(self, error: FbaliError, outage_seconds: float) -> bool:
        """Judge an error: before the first message, and where nobody knows, tries are few."""
        if isinstance(error, Unavailable | DeadlineExceeded):
            few = not self._began
        elif isinstance(error, LimitExceeded):  # Of a slow reader, or of a place not yet left.
            if not self._began:
                return False
            few = False
        elif isinstance(error, ServerError) and not isinstance(error, MethodUnknown):
            few = True
        else:
            return False
        if few and self._failures >= TRIES_MAX - 1:
            return False
        return outage_seconds <= self._patience.outage_seconds_max
