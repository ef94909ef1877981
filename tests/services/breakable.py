"""A PostgreSQL and a Redis of one test's own, which it may kill and start again."""

import os
import shutil
import signal
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.services.postgres import resume_postgres, start_postgres
from tests.services.redis import start_redis
from tests.services.session import session_folder
from tests.services.stack import wait_for


class Breakable:
    """A server in a folder of its own, running when made; use it as a context manager."""

    def __init__(self, name: str) -> None:
        self.folder = session_folder() / f"{name}-{uuid.uuid4().hex[:8]}"
        self._start()

    def _start(self) -> None:
        raise NotImplementedError

    def _resume(self) -> None:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def kill(self) -> None:
        """End it like a power cut, and wait until it is gone."""
        pid = self.pid
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not _is_alive(pid))

    def start_again(self) -> None:
        self._resume()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        with suppress(OSError, ValueError):
            self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self) -> None:
        self.kill()


class BreakableRedis(Breakable):
    """Redis without persistence: what it held is gone when it starts again."""

    def __init__(self) -> None:
        super().__init__("redis")

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'socket'}?db=0"

    def _start(self) -> None:
        self.folder.mkdir()
        start_redis(self.folder)

    def _resume(self) -> None:
        start_redis(self.folder)


class BreakablePostgres(Breakable):
    """PostgreSQL with one empty database."""

    def __init__(self) -> None:
        super().__init__("postgres")

    def _start(self) -> None:
        self.url = start_postgres(self.folder).new_database()

    def _resume(self) -> None:
        resume_postgres(self.folder)

    def kill(self) -> None:
        """Stop it at once (SIGQUIT): every client is cut off, the next start recovers."""
        pid = self.pid
        os.kill(pid, signal.SIGQUIT)
        wait_for(lambda: not _is_alive(pid))


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def health_of(port: int) -> Callable[[str], str]:
    """Give a function that asks a server's health service for a name."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    stub = health_pb2_grpc.HealthStub(channel)

    def ask(name: str) -> str:
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    return ask
