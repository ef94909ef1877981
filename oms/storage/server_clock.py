"""The time of the database server, so that hosts whose clocks differ agree on leases."""

import threading
import time
from typing import Final

from oms.domain.errors import Unavailable
from oms.storage.database import Database

MEASURED_EVERY_SECONDS: Final = 30.0
TRIED_EVERY_SECONDS: Final = 1.0


class ServerClock:
    """UTC epoch milliseconds of the server, measured now and then and counted on steadily between.

    A clock of this host that jumps, or is set wrong, changes nothing. Until the server has answered
    for the first time, this host's clock is all there is.
    """

    def __init__(self, db: Database) -> None:
        """Measure at the first question."""
        self._db = db
        self._guard = threading.Lock()
        self._offset_ms = time.time_ns() // 1_000_000 - _steady_ms()
        self._measure_at = 0.0

    def now_ms(self) -> int:
        """Return the present instant."""
        if time.monotonic() >= self._measure_at and self._guard.acquire(
            blocking=not self._measure_at  # The first answer is waited for.
        ):
            try:
                self._measure()
            finally:
                self._guard.release()
        return _steady_ms() + self._offset_ms

    def _measure(self) -> None:
        try:
            before = _steady_ms()
            server_ms = self._db.server_now_ms()
            self._offset_ms = server_ms - (before + _steady_ms()) // 2
            self._measure_at = time.monotonic() + MEASURED_EVERY_SECONDS
        except Unavailable:
            self._measure_at = time.monotonic() + TRIED_EVERY_SECONDS


def _steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000
