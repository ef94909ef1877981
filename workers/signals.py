"""How a process is asked to stop."""

import signal
import time

_LOOK_SECONDS = 0.1


class StopSignals:
    """SIGTERM and SIGINT: the first one is waited for, a second one ends the process at once."""

    def __init__(self) -> None:
        """Listen from now on."""
        # A plain flag: an event has a lock, which the code that is interrupted may hold.
        self._is_told = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def wait(self) -> None:
        """Return after the first signal."""
        while not self._is_told:
            time.sleep(_LOOK_SECONDS)

    def _on_signal(self, number: int, frame: object) -> None:
        del number, frame
        if self._is_told:
            signal.raise_signal(signal.SIGKILL)
        self._is_told = True
