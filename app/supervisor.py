"""Child processes that live and die with this one."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

PAUSE_SECONDS_MIN = 0.5  # Before a process that died is replaced; doubled while it dies young.
PAUSE_SECONDS_MAX = 8.0
YOUNG_SECONDS = 10.0
REFUSALS_MAX = 5  # A process that ends by itself so often, always young, will not do better.
STOP_MARGIN_SECONDS = 5.0  # What children get beyond their own grace before they are killed.
_POLL_SECONDS = 0.1


class Child:
    """One command of `fbali-server`, started again when it dies."""

    def __init__(self, command: str, read_end: int) -> None:
        """Start it."""
        self._command = command
        self._read_end = read_end
        self._pause = PAUSE_SECONDS_MIN
        self._refusals = 0
        self._start_at = 0.0
        self._start()

    @property
    def is_hopeless(self) -> bool:
        """Tell whether it ended by itself too often: something is set wrong."""
        return self._refusals >= REFUSALS_MAX

    def look(self) -> None:
        """Notice that it died, or start it again when the pause is over."""
        now = time.monotonic()
        if self._start_at:
            if now >= self._start_at:
                self._start()
            return
        code = self._process.poll()
        if code is not None:
            self._note_death(code, now)

    def _note_death(self, code: int, now: float) -> None:
        is_young = now - self._started_at < YOUNG_SECONDS
        if not is_young:
            self._pause = PAUSE_SECONDS_MIN
        # A signal is somebody else's doing, an exit its own.
        self._refusals = self._refusals + 1 if is_young and code >= 0 else 0
        self._start_at = now + self._pause
        if self.is_hopeless:
            log.error("%s ended with %s, as often before: it cannot run", self._command, code)
            return
        log.warning(
            "%s ended with %s; starting it again in %.1f s", self._command, code, self._pause
        )
        self._pause = min(2 * self._pause, PAUSE_SECONDS_MAX)

    def _start(self) -> None:
        self._start_at = 0.0
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own program.
            [sys.executable, "-m", "app.main", self._command, "--parent-fd", str(self._read_end)],
            pass_fds=[self._read_end],
            # Ctrl-C in a terminal reaches the whole group; the children are told by us, in order.
            start_new_session=True,
        )

    def terminate(self) -> None:
        """Ask it to stop."""
        self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tell whether it came."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def supervise(commands: Sequence[str], grace_seconds: float) -> int:
    """Run `fbali-server` commands until SIGTERM or SIGINT, and replace the ones that die.

    Each child holds the reading end of a pipe whose writing end is open here only: when this
    process is killed, the pipe closes and the children end too. A second signal kills them.
    Returns the exit code: 1 when a child would not run at all.
    """
    signals = 0

    def stop(*_: object) -> None:
        # A plain number: an event has a lock, which the code that is interrupted here may hold.
        nonlocal signals
        signals += 1

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    read_end, write_end = os.pipe()
    children = [Child(command, read_end) for command in commands]
    while not signals and not any(child.is_hopeless for child in children):
        time.sleep(_POLL_SECONDS)
        for child in children:
            child.look()
    _stop(children, grace_seconds, lambda: signals > 1)
    os.close(write_end)
    return 0 if signals else 1


def _stop(children: Sequence[Child], grace_seconds: float, is_hurried: Callable[[], bool]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + grace_seconds + STOP_MARGIN_SECONDS
    for child in children:
        while not child.wait(_POLL_SECONDS):
            if is_hurried() or time.monotonic() > deadline:
                child.kill()


def end_with_parent(parent_fd: int) -> None:
    """End this process as soon as its parent is gone, whatever it is doing.

    Ending at any instant loses nothing, and a successor must find the port and the leases free.
    """

    def watch() -> None:
        os.read(parent_fd, 1)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
