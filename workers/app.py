"""A worker process: the broker's threads, the relay, the leases, started and stopped together."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import dramatiq

from oms.domain.jobs import Lane
from oms.settings import Settings
from oms.storage.database import Database
from oms.usecases.context import Oms
from oms.usecases.run_job import Leases
from workers.actors import declare_actors
from workers.broker import BROKER_ERRORS, check_broker, make_broker, waiting
from workers.presence import Presence
from workers.relay import WAITING_PER_THREAD_MAX, LaneRoom, Relay
from workers.scheduler import Scheduler
from workers.signals import StopSignals

log = logging.getLogger(__name__)

IDLE_POLL_MS: Final = 50  # How late an idle thread may notice a wake-up on Redis.


class _CloseConnection(dramatiq.Middleware):
    """Lets a thread that ends close the connection that it keeps."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def before_worker_thread_shutdown(
        self, broker: dramatiq.Broker, thread: dramatiq.worker.WorkerThread
    ) -> None:
        del broker, thread
        self._db.close()


class Workers:
    """All threads of one worker process.

    Each lane has threads of its own, so that stores and carriers that answer slowly never keep
    orders from being allocated. Where nobody else can, it turns the timetable into jobs too.
    """

    def __init__(self, oms: Oms, settings: Settings) -> None:
        """Wire; nothing runs yet. Raises SettingsError for a broker that cannot be relied upon."""
        self._oms = oms
        self._grace_ms = int(settings.grace_seconds * 1000)
        self._scheduler = Scheduler(oms) if settings.is_embedded else None
        kind = "worker,scheduler" if self._scheduler else "worker"
        self._presence = Presence(oms, kind, self._problem)
        # At least one, since somebody has to call them.
        slow_max = max(1, settings.outside_threads // 2)
        self._leases = Leases(oms, self._presence.process_id, slow_max)
        brokers = {lane: make_broker(settings) for lane in Lane}
        check_broker(brokers[Lane.INSIDE])
        actors = declare_actors(brokers, oms, self._leases)
        threads = {Lane.INSIDE: settings.worker_threads, Lane.OUTSIDE: settings.outside_threads}
        self._lanes = {lane: _make_lane(brokers[lane], oms, threads[lane]) for lane in Lane}
        rooms = {lane: self._room(lane, brokers[lane], threads[lane]) for lane in Lane}
        # Wake-ups on Redis outlive the process that sent them.
        keeper = self._presence.process_id if settings.is_embedded else ""
        self._relay = Relay(oms, actors, rooms, keeper)

    def _room(self, lane: Lane, broker: dramatiq.Broker, threads: int) -> LaneRoom:
        return LaneRoom(
            broker,
            threads * WAITING_PER_THREAD_MAX,
            lambda: waiting(broker, self._lanes[lane], lane),
        )

    def _problem(self) -> str:
        return self._relay.problem or (self._scheduler.problem if self._scheduler else "")

    def start(self) -> None:
        """Begin to work."""
        self._presence.start()  # First: what is held by nobody who is known is not released.
        self._leases.start()
        for worker in self._lanes.values():
            worker.start()
        self._relay.start()
        if self._scheduler:
            self._scheduler.start()
        log.info("working")

    def stop(self, grace_ms: int | None = None) -> None:
        """Take nothing new, let steps that run end and give the rest back, then stop."""
        if self._scheduler:
            self._scheduler.stop()
        self._relay.stop()
        self._leases.wind_down()
        grace = self._grace_ms if grace_ms is None else grace_ms
        # At the same time: a lane that goes on would take what the others give back.
        with ThreadPoolExecutor(len(self._lanes)) as pool:
            for worker in self._lanes.values():
                pool.submit(_stop_lane, worker, grace)
        self._leases.stop()
        self._presence.stop()


def _make_lane(broker: dramatiq.Broker, oms: Oms, threads: int) -> dramatiq.Worker:
    broker.add_middleware(_CloseConnection(oms.db))
    worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=IDLE_POLL_MS)
    # What is fetched ahead would wait here while another process has a thread to spare.
    worker.queue_prefetch = threads
    return worker


def _stop_lane(worker: dramatiq.Worker, grace_ms: int) -> None:
    until = time.monotonic() + grace_ms / 1000
    # Dramatiq's own waiting counts the time that has passed anew for every thread, so that it gives
    # up long before its timeout on those that it comes to last.
    for thread in worker.workers:
        thread.stop()
    for thread in worker.workers:
        thread.join(max(0.0, until - time.monotonic()))
    try:
        worker.stop(timeout=max(0, int((until - time.monotonic()) * 1000)))
    except BROKER_ERRORS as error:
        log.warning("wake-ups were not given back, they are repeated: %s", error)
    except Exception:
        log.exception("a lane did not stop in order")


def run(oms: Oms, settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; a second signal ends at once."""
    told = StopSignals()
    workers = Workers(oms, settings)
    workers.start()
    told.wait()
    log.info("stopping")
    workers.stop()


def run_scheduler(oms: Oms) -> None:
    """Turn the timetable into jobs until SIGTERM or SIGINT; a second signal ends at once."""
    told = StopSignals()
    scheduler = Scheduler(oms)
    presence = Presence(oms, "scheduler", lambda: scheduler.problem)
    scheduler.start()
    presence.start()
    log.info("scheduling")
    told.wait()
    scheduler.stop()
    presence.stop()
