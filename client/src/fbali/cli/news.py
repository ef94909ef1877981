"""Looks at something again whenever the server tells that something happened to it.

A server that has no watches yet is asked again and again instead.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fbali.cli.sync_following import Patience
from fbali.errors import DeadlineExceeded, FbaliError, LimitExceeded, MethodUnknown, Unavailable

if TYPE_CHECKING:  # A watch brings all of gRPC.
    from fbali import watch_course
    from fbali.watching import Watch

OUTAGE_SECONDS_MAX = 600.0  # A longer one is told; the watch can be begun again.
LOOK_AGAIN_SECONDS = 1.0

T = TypeVar("T")
Look = Callable[[Any], T]


class Outage:
    """Tells that the connection is lost, once until it is back."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Tell it with `say`."""
        self._say = say
        self._is_told = False

    def begin(self, error: FbaliError) -> None:
        """Tell it, unless it is known."""
        if not self._is_told:
            self._say(f"connection lost, trying again: {error.message}")
        self._is_told = True

    def end(self) -> None:
        """Take it that the connection is back."""
        self._is_told = False


@dataclass(frozen=True, slots=True)
class Watcher:
    """How long to watch, how often to look when nothing tells, and whom to tell of an outage."""

    patience: Patience
    interval: float
    outage: Outage

    def news(
        self,
        look: Look[T],
        open_watch: "Callable[[watch_course.Patience], Watch[Any]]",
    ) -> Iterator[T]:
        """Give what `look` finds now, and again after everything that happens.

        Args:
            look: Takes the event, or None for the first look and where there are no events.
            open_watch: Makes the watch of it.

        Raises:
            Unavailable, DeadlineExceeded, LimitExceeded: It was so for longer than
                OUTAGE_SECONDS_MAX.
        """
        try:
            yield from self._told(look, open_watch)
        except MethodUnknown:
            yield from self.asked(look)

    def asked(self, look: Look[T]) -> Iterator[T]:
        """Look again after every interval, until patience is used up."""
        deadline = self.patience.monotonic() + self.patience.seconds_max
        while True:
            yield self._look(look, None, self.interval)
            if self.patience.monotonic() + self.interval > deadline:
                return
            self.patience.sleep(self.interval)

    def _told(
        self,
        look: Look[T],
        open_watch: "Callable[[watch_course.Patience], Watch[Any]]",
    ) -> Iterator[T]:
        from fbali.watch_course import Patience as WatchPatience

        yield self._look(look, None, LOOK_AGAIN_SECONDS)
        with open_watch(
            WatchPatience(OUTAGE_SECONDS_MAX, self.outage.begin, was_there=True)
        ) as watch:
            self.patience.end_later(watch.close)
            # What happened between the first look and the first message is seen by another look.
            is_first = True
            for message in watch:
                self.outage.end()
                is_event = message.WhichOneof("content") == "event"
                if is_first or is_event:
                    found = message.event if is_event and not is_first else None
                    yield self._look(look, found, LOOK_AGAIN_SECONDS)
                is_first = False

    def _look(self, look: Look[T], event: Any, pause: float) -> T:
        """Look until it succeeds, or was unavailable for too long."""
        since: float | None = None
        while True:
            try:
                found = look(event)
            except (DeadlineExceeded, LimitExceeded, Unavailable) as error:
                since = self.patience.monotonic() if since is None else since
                if self.patience.monotonic() - since > OUTAGE_SECONDS_MAX:
                    raise
                self.outage.begin(error)
            else:
                self.outage.end()
                return found
            self.patience.sleep(pause)
