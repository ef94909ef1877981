"""A worker process: the broker's threads, the relay, the leases, started and stopped together."""

import logging
import signal
import threading

import dramatiq

from oms.settings import Settings
from oms.storage.database import Database
from oms.usecases.context import Oms
from oms.usecases.run_job import Leases
from oms.usecases.timetable import put_timetable
from workers.actors import declare_actors
from workers.broker import make_broker, waiting
from workers.relay import Relay

log = logging.getLogger(__name__)

IDLE_POLL_MS = 50  # How late an idle thread may notice a wake-up on Redis.
GRACE_MS = 10_000  # How long a step may take when the worker is asked to stop.


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
    """All threads of one worker process."""

    def __init__(self, oms: Oms, settings: Settings) -> None:
        """Wire; nothing runs yet."""
        self._oms = oms
        self._leases = Leases(oms)
        broker = make_broker(settings)
        broker.add_middleware(_CloseConnection(oms.db))
        actors = declare_actors(broker, oms, self._leases)
        self._worker = dramatiq.Worker(
            broker, worker_threads=settings.worker_threads, worker_timeout=IDLE_POLL_MS
        )
        self._relay = Relay(
            oms, actors, lambda: waiting(broker, self._worker), settings.worker_threads
        )

    def start(self) -> None:
        """Begin to work."""
        with self._oms.db.session():
            put_timetable(self._oms)
        self._leases.start()
        self._worker.start()
        self._relay.start()
        log.info("working")

    def stop(self, grace_ms: int = GRACE_MS) -> None:
        """Take nothing new, let steps that run end and give the rest back, then stop."""
        self._relay.stop()
        self._leases.wind_down()
        self._worker.stop(timeout=grace_ms)
        self._leases.stop()


def run(oms: Oms, settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; a second signal ends at once."""
    stopping = threading.Event()

    def on_signal(number: int, frame: object) -> None:
        del number, frame
        if stopping.is_set():
            signal.raise_signal(signal.SIGKILL)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    workers = Workers(oms, settings)
    workers.start()
    stopping.wait()
    workers.stop()
