"""Lets the others know that this process lives and what it lacks; notices who died beside it."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from secrets import token_hex

from oms.domain.errors import LimitExceeded, Unavailable
from oms.storage import processes
from oms.storage.processes import Process
from oms.usecases.context import Oms
from oms.usecases.release_processes import release_processes

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0  # How late the death of a process of this machine is noticed.


class Presence:
    """One thread that writes the row of this process."""

    def __init__(self, oms: Oms, kind: str, problem: Callable[[], str]) -> None:
        """Name what this process does, and how to ask what it lacks."""
        self._oms = oms
        self._problem = problem
        self._me = Process(
            id=f"{socket.gethostname()}-{os.getpid()}-{token_hex(4)}",
            kind=kind,
            host=socket.gethostname(),
            problem="",
            started_at=oms.clock.now_ms(),
            life=oms.machine.life,
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="presence", daemon=True)

    @property
    def process_id(self) -> str:
        """Return the name of this process among all that ever ran."""
        return self._me.id

    def start(self) -> None:
        """Begin to be seen."""
        self._thread.start()

    def stop(self) -> None:
        """Take the row away."""
        self._stopped.set()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            self._try(self._beat)
            self._try(self._look_around)
            if self._stopped.wait(BEAT_SECONDS):
                break
        self._try(self._forget)
        self._oms.db.close()

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except (Unavailable, LimitExceeded) as error:
            log.debug("not seen: %s", error)
        except Exception:
            log.exception("presence failed and goes on")

    def _beat(self) -> None:
        row = replace(self._me, problem=self._problem())
        with self._oms.db.session():
            processes.beat(self._oms.db, row, self._oms.clock.now_ms())

    def _look_around(self) -> None:
        release_processes(self._oms)

    def _forget(self) -> None:
        with self._oms.db.transaction():
            processes.forget(self._oms.db, self._me.id)
