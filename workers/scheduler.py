"""Turns the timetable into jobs; of any number of schedulers, one turns each slot."""

import logging
import threading

from oms.domain.errors import LimitExceeded, Unavailable
from oms.storage import clock_jumps, schedule
from oms.usecases.context import Oms
from oms.usecases.timetable import put_timetable

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5  # How late a slot of the timetable may be noticed.


class Scheduler:
    """One thread."""

    def __init__(self, oms: Oms) -> None:
        """Start nothing yet; `start` does."""
        self.problem = ""  # Why slots wait, in words; empty while they are turned.
        self._oms = oms
        self._stopped = threading.Event()
        self._has_timetable = False
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin to turn slots into jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; what is due waits for another scheduler or a later start."""
        self._stopped.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            try:
                self._tick()
                self.problem = ""
            except (Unavailable, LimitExceeded) as error:
                self.problem = f"the timetable waits: {error.message}"
            except Exception:
                log.exception("the scheduler failed and goes on")
                self.problem = "the timetable waits: an error of ours"
        self._oms.db.close()

    def _tick(self) -> None:
        if not self._has_timetable:
            put_timetable(self._oms)
            self._has_timetable = True
        with self._oms.db.session():
            schedule.tick(self._oms.db, self._oms.clock.now_ms())
        if found := clock_jumps.set_right(self._oms.db, self._oms.clock.now_ms()):
            log.warning("the clock was put back: %d jobs and turns wait no longer for it", found)
