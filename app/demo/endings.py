"""How the demo ends: because somebody asks for it, or because something cannot go on."""

import signal
import time

_SLICE_SECONDS = 0.05  # How late a pause may notice that the demo is to end.


class Stopped(Exception):
    """The demo is to end now; what runs is closed on the way out."""


class DemoError(Exception):
    """The demo cannot go on; the message says why, for the person who started it."""


class Ending:
    """Whether the demo is to end: asked for by a signal, looked at by everybody who waits.

    A plain flag, because a signal handler that took a lock could wait for the very code that it
    interrupted; and no exception out of a handler, so that nothing is left half closed.
    """

    def __init__(self) -> None:
        """Begin with nobody asking."""
        self.is_asked_for = False

    def catch_signals(self) -> None:
        """Let Ctrl-C, a polite kill and a closed terminal ask for the end."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.ask())

    def ask(self) -> None:
        """Ask everybody to end."""
        self.is_asked_for = True

    def check(self) -> None:
        """Raise Stopped if the demo is to end."""
        if self.is_asked_for:
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait; raises Stopped as soon as the demo is to end."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))
            self.check()
