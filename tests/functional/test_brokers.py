"""The same jobs run whatever carries the wake-ups, and need none of them to be heard."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from oms import bootstrap
from oms.domain.jobs import JobKind
from oms.settings import read_settings
from oms.storage import jobs
from oms.usecases.context import Oms
from workers.app import Workers

DEADLINE_SECONDS = 20.0


@pytest.fixture(params=["memory", "redis"])
def broker_url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else request.getfixturevalue("redis_url")


def test_jobs_written_before_and_while_workers_run_are_done(tmp_path: Path, broker_url: str):
    with working(tmp_path, broker_url, enqueue_first=30) as oms:
        enqueue_prunes(oms, 30)
        wait_until(lambda: states(oms) == {"DONE": 60})

        assert states(oms) == {"DONE": 60}


def test_wiping_redis_loses_no_job(tmp_path: Path, redis_url: str):
    with working(tmp_path, redis_url) as oms, redis.Redis.from_url(redis_url) as client:
        for _ in range(5):
            enqueue_prunes(oms, 20)
            client.flushdb()
        wait_until(lambda: states(oms) == {"DONE": 100})

        assert states(oms) == {"DONE": 100}


@contextmanager
def working(folder: Path, broker_url: str, enqueue_first: int = 0) -> Iterator[Oms]:
    settings = read_settings({"FBALI_DATA_DIR": str(folder), "FBALI_BROKER_URL": broker_url})
    oms = bootstrap.build(settings)
    oms.db.migrate()
    enqueue_prunes(oms, enqueue_first)
    workers = Workers(oms, settings)
    workers.start()
    try:
        yield oms
    finally:
        workers.stop()
        oms.db.close()


def enqueue_prunes(oms: Oms, count: int) -> None:
    with oms.db.transaction():
        for _ in range(count):
            jobs.enqueue(oms.db, JobKind.PRUNE, oms.clock.now_ms())


def states(oms: Oms) -> dict[str, int]:
    with oms.db.session():
        rows = oms.db.all("SELECT state, COUNT(*) FROM job WHERE dedupe_key IS NULL GROUP BY state")
    return {row[0]: row[1] for row in rows}


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
