"""From the job table to the broker: wakes what is due, lane by lane."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dramatiq

from oms import crash_points
from oms.domain.errors import LimitExceeded, Unavailable
from oms.domain.jobs import Lane
from oms.storage import jobs
from oms.storage.wakeups import SLOW_ASK_SECONDS, Wakeups
from oms.usecases.context import Oms
from workers.broker import BROKER_ERRORS, send

log = logging.getLogger(__name__)

FULL_PAUSE_SECONDS = 0.02  # How soon a lane that has no room is looked at again.
OUTAGE_PAUSE_SECONDS = 1.0
WAITING_PER_THREAD_MAX = 10  # Wake-ups ahead of the threads; more would be repeated for nothing.


@dataclass(frozen=True, slots=True)
class LaneRoom:
    """Where wake-ups of a lane go, how many may wait, and how to count those that do."""

    broker: dramatiq.Broker
    wakeups_max: int
    waiting: Callable[[], int]

    def left(self) -> int:
        """Return how many more may be sent; asks the broker."""
        return self.wakeups_max - self.waiting()


class Relay:
    """One thread; any number of relays may work on one database."""

    def __init__(
        self,
        oms: Oms,
        actors: Mapping[str, dramatiq.Actor[..., None]],
        rooms: Mapping[Lane, LaneRoom],
        keeper: str = "",
    ) -> None:
        """Take the actors by kind, and the lanes' rooms; nothing runs yet.

        `keeper` is the process with which wake-ups that were sent are lost, empty if there is none.
        """
        self.problem = ""  # Why wake-ups wait, in words; empty while they go.
        self._oms = oms
        self._actors = actors
        self._rooms = rooms
        self._keeper = keeper
        self._wakeups = Wakeups(oms.db)
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
        while not self._stopped.is_set():
            try:
                pause = self.relay_once()
                self._note("")
                if pause > 0:
                    self._wakeups.wait(pause)
            except (Unavailable, LimitExceeded) as error:
                self._note(f"wake-ups wait: {error.message}", error)
            except BROKER_ERRORS as error:
                self._note("wake-ups wait: Redis does not answer", error)
            except Exception as error:
                log.exception("the relay failed and goes on")
                self._note("wake-ups wait: an error of ours", error)
        self._wakeups.close()
        self._oms.db.close()

    def _note(self, problem: str, error: Exception | None = None) -> None:
        """Log what changes; every caller may be told the problem, the error only the operator."""
        if problem and not self.problem:
            log.warning("%s (%s)", problem, error)
        if self.problem and not problem:
            log.info("wake-ups go again")
        self.problem = problem
        if problem:
            self._stopped.wait(OUTAGE_PAUSE_SECONDS)

    def relay_once(self) -> float:
        """Wake what is due as far as there is room; return the seconds until there may be more."""
        return min(self._relay_lane(lane, room) for lane, room in self._rooms.items())

    def _relay_lane(self, lane: Lane, room: LaneRoom) -> float:
        with self._oms.db.session():
            now_ms = self._oms.clock.now_ms()
            due_at = jobs.next_due_at(self._oms.db, lane)
        left = room.left()  # Asked also when nothing is due, so that an outage shows at once.
        if due_at is None or due_at > now_ms:
            return SLOW_ASK_SECONDS if due_at is None else (due_at - now_ms) / 1000
        if left <= 0:
            return FULL_PAUSE_SECONDS
        with self._oms.db.session():
            due = jobs.take_due(self._oms.db, now_ms, left, lane, self._keeper)
        crash_points.reach("relay.taken")
        send(room.broker, [self._actors[kind].message(job_id) for job_id, kind in due])
        crash_points.reach("relay.pushed")
        return 0.0 if due else FULL_PAUSE_SECONDS
