"""Health by name: what this server can do itself, and what it needs from others.

The empty name and the services' own names say whether calls are served here. `fbali.database` and
`fbali.worker` say whether the database answers and whether work is done; they are looked at again
and again, and calls are served whatever they say.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from grpc_health.v1 import health, health_pb2

from oms.domain.errors import FbaliError
from oms.usecases.context import Oms
from oms.usecases.health import problems

log = logging.getLogger(__name__)

DATABASE = "fbali.database"
WORKER = "fbali.worker"
LOOK_SECONDS = 2.0

_STATUS = {
    True: health_pb2.HealthCheckResponse.SERVING,
    False: health_pb2.HealthCheckResponse.NOT_SERVING,
}


class Health:
    """The health service and the task that keeps it true."""

    def __init__(self, oms: Oms) -> None:
        """Look at nothing yet."""
        self.servicer = health.aio.HealthServicer()
        self._oms = oms
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._task: asyncio.Task[None] | None = None
        self._said: dict[str, bool] = {}

    async def start(self, services: Iterable[str]) -> None:
        """Say that the services are served, and begin to look."""
        for name in ("", *services):
            await self._say(name, is_serving=True)
        await self._look()
        self._task = asyncio.create_task(self._look_forever())

    async def withdraw(self) -> None:
        """Say of everything that it is served no longer; nothing changes that any more."""
        await self.servicer.enter_graceful_shutdown()

    async def stop(self) -> None:
        """Look no longer."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._pool.submit(self._oms.db.close)
        self._pool.shutdown(wait=True)

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._pool, problems, self._oms)
        except FbaliError as error:
            await self._say(DATABASE, is_serving=False, why=error.message)
            await self._say(WORKER, is_serving=False, why=error.message)
            return
        except Exception:
            log.exception("health is not known")
            return
        await self._say(DATABASE, is_serving=True)
        await self._say(WORKER, is_serving=not found, why="; ".join(found))

    async def _say(self, name: str, *, is_serving: bool, why: str = "") -> None:
        if self._said.get(name) == is_serving:
            return
        if name in self._said or not is_serving:
            # At first a worker may not have started yet.
            is_news = name in self._said and not is_serving
            log.log(logging.WARNING if is_news else logging.INFO, "%s: %s", name, why or "works")
        self._said[name] = is_serving
        await self.servicer.set(name, _STATUS[is_serving])
