"""From the job table to the broker: wakes what is due, and turns the timetable into jobs."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

import dramatiq

from oms.domain.errors import Unavailable
from oms.storage import jobs, schedule
from oms.usecases.context import Oms

log = logging.getLogger(__name__)

POLL_SECONDS = 0.02  # How late a job of another process may be noticed.
TICK_SECONDS = 0.5  # How late a slot of the timetable may be noticed.
OUTAGE_PAUSE_SECONDS = 1.0
WAITING_PER_THREAD_MAX = 10  # Wake-ups ahead of the threads; more would be repeated for nothing.


class Relay:
    """One thread; any number of relays may work on one database."""

    def __init__(
        self,
        oms: Oms,
        actors: Mapping[str, dramatiq.Actor[..., None]],
        waiting: Callable[[], int],
        threads: int,
    ) -> None:
        """Take the actors by kind, and how to count the wake-ups that nobody has begun."""
        self._oms = oms
        self._actors = actors
        self._waiting = waiting
        self._room = threads * WAITING_PER_THREAD_MAX
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="relay", daemon=True)

    def start(self) -> None:
        """Begin to relay."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; what was not relayed stays due."""
        self._stopped.set()
        self._thread.join()

    def _loop(self) -> None:
        next_tick = time.monotonic()
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                if time.monotonic() >= next_tick:
                    next_tick = time.monotonic() + TICK_SECONDS
                    with self._oms.db.session():
                        schedule.tick(self._oms.db, self._oms.clock.now_ms())
                pause = 0.0 if self.relay_once() else POLL_SECONDS
            except (Unavailable, dramatiq.DramatiqError, OSError) as error:
                log.warning("wake-ups wait: %s", error)
                pause = OUTAGE_PAUSE_SECONDS
            except Exception:
                log.exception("the relay failed and goes on")
                pause = OUTAGE_PAUSE_SECONDS
        self._oms.db.close()

    def relay_once(self) -> int:
        """Wake what is due, as far as there is room; return how many wake-ups were sent."""
        room = self._room - self._waiting()
        if room <= 0:
            return 0
        with self._oms.db.session():
            now_ms = self._oms.clock.now_ms()
            if not jobs.has_due(self._oms.db, now_ms):
                return 0
            due = jobs.take_due(self._oms.db, now_ms, room)
        for job_id, kind in due:
            self._actors[kind].send(job_id)
        return len(due)
