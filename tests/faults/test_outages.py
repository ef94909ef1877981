"""What is away is a state: calls go on as far as they can, and all recovers by itself."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from fbali.errors import FbaliError, Unavailable
from fbali.v1.admin_service_pb2 import (
    CreateMerchantRequest,
    GetServerInfoRequest,
    ListMerchantsRequest,
)
from oms.domain.jobs import JobKind
from oms.storage import jobs
from oms.storage.database import Database
from tests.services.breakable import BreakablePostgres, BreakableRedis, health_of
from tests.services.fleet import Fleet
from tests.services.stack import Stack, wait_for
from workers.app import Workers

DEGRADED_SECONDS_MAX = 10.0
RECOVERY_SECONDS_MAX = 5.0
BACKLOG_SECONDS_MAX = 15.0


def enqueue(stack: Stack, count: int) -> None:
    with stack.db.transaction():
        for _ in range(count):
            jobs.enqueue(stack.db, JobKind.PRUNE, stack.clock.now_ms())


def unfinished(stack: Stack) -> int:
    with stack.db.session():
        row = stack.db.one(
            "SELECT COUNT(*) FROM job WHERE state = 'PENDING' AND dedupe_key IS NULL"
        )
    assert row is not None
    return int(row[0])


@contextmanager
def working(stack: Stack, broker_url: str) -> Iterator[Workers]:
    workers = Workers(stack.oms, replace(stack.settings, broker_url=broker_url))
    workers.start()
    try:
        yield workers
    finally:
        workers.stop(2_000)


def problems(stack: Stack) -> list[str]:
    return list(stack.operator.call(GetServerInfoRequest()).problems)


def test_without_redis_calls_succeed_health_says_so_and_the_work_is_done_later(
    database: Database, tmp_path: Path
):
    with BreakableRedis() as redis, Stack(database, tmp_path) as stack:
        health = health_of(stack.api.port)
        with working(stack, redis.url):
            wait_for(lambda: unfinished(stack) == 0)
            redis.kill()
            started = time.monotonic()
            for number in range(20):
                stack.operator.call(CreateMerchantRequest(display_name=f"M{number}"))
            enqueue(stack, 50)
            wait_for(lambda: any("wake-ups wait" in words for words in problems(stack)))
            wait_for(lambda: health("fbali.worker") == "NOT_SERVING", seconds=DEGRADED_SECONDS_MAX)
            assert time.monotonic() - started < DEGRADED_SECONDS_MAX
            assert health("") == health("fbali.database") == "SERVING"
            assert len(stack.operator.call(ListMerchantsRequest()).merchants) == 22

            redis.start_again()

            wait_for(lambda: unfinished(stack) == 0, seconds=BACKLOG_SECONDS_MAX)
            wait_for(lambda: not any("wake-ups" in words for words in problems(stack)))


def test_without_postgresql_calls_are_unavailable_and_recover_by_themselves(tmp_path: Path):
    with BreakablePostgres() as postgres:
        database = Database(postgres.url)
        database.migrate()
        with Stack(database, tmp_path) as stack, working(stack, "memory://"):
            health = health_of(stack.api.port)
            for _ in range(30):  # Every thread of the server has its connection.
                stack.operator.call(ListMerchantsRequest())
            postgres.kill()

            for _ in range(3):
                with pytest.raises(Unavailable) as refused:
                    stack.operator.call(CreateMerchantRequest(display_name="Lost"))
                assert refused.value.retry_after_seconds == 1.0
            wait_for(lambda: health("fbali.database") == "NOT_SERVING")
            assert health("") == "SERVING"

            postgres.start_again()
            started = time.monotonic()
            wait_for(lambda: code(stack) == "OK", seconds=RECOVERY_SECONDS_MAX)
            print(f"recovered {time.monotonic() - started:.2f} s after PostgreSQL")
            for _ in range(40):
                assert code(stack) == "OK"  # No thread is stuck with a dead connection.
            enqueue(stack, 20)
            wait_for(lambda: unfinished(stack) == 0, seconds=RECOVERY_SECONDS_MAX)
            wait_for(lambda: health("fbali.database") == "SERVING")
            merchants = stack.operator.call(ListMerchantsRequest()).merchants
            assert "Lost" not in {merchant.display_name for merchant in merchants}


def test_processes_that_begin_while_postgresql_is_away_wait_for_it(tmp_path: Path):
    with BreakablePostgres() as postgres:
        database = Database(postgres.url)
        database.migrate()
        database.close()
        postgres.kill()
        with Fleet(tmp_path, postgres.url) as fleet:
            parent = fleet.start("worker --processes 1")
            alone = fleet.start("scheduler")
            for member in (parent, alone):
                member.wait_for_words("waiting for the database")

            postgres.start_again()

            for member, words in ((parent, "working"), (alone, "scheduling")):
                member.wait_for_words(words)
            for member in (parent, alone):
                member.signal(signal.SIGTERM)
            assert [parent.end(), alone.end()] == [0, 0]


def code(stack: Stack) -> str:
    return stack.operator.code(ListMerchantsRequest())


@contextmanager
def full(database: Database) -> Iterator[None]:
    """Let the database have no room: SQLite as with a full disk, PostgreSQL says 53100."""
    if database.is_sqlite:
        database.on_statement = lambda _sql: database.peewee.execute_sql("PRAGMA max_page_count=1")
        yield
        # A limit is a connection's own: every thread takes the old one back.
        database.on_statement = lambda _sql: database.peewee.execute_sql(
            "PRAGMA max_page_count=1073741823"
        )
        return
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
        )
        owner.execute("CREATE TRIGGER no_room BEFORE INSERT ON merchant EXECUTE FUNCTION no_room()")
        yield
        owner.execute("DROP TRIGGER no_room ON merchant")


def create_merchants(stack: Stack, count: int) -> None:
    for number in range(count):
        name = f"{number} " + "x" * 150
        stack.operator.call(CreateMerchantRequest(display_name=name))


def test_full_database_refuses_writes_answers_reads_and_recovers(
    database: Database, tmp_path: Path
):
    with Stack(database, tmp_path) as stack:
        with full(database):
            with pytest.raises(FbaliError) as refused:
                create_merchants(stack, 500)  # Until the pages that are there have no room left.
            found = stack.operator.call(ListMerchantsRequest(page_size=500)).merchants
            assert (refused.value.code, refused.value.reason) == (
                "RESOURCE_EXHAUSTED",
                "LIMIT_EXCEEDED",
            )
        stack.operator.call(CreateMerchantRequest(display_name="There is room"))

        again = stack.operator.call(ListMerchantsRequest(page_size=500)).merchants
        assert len(again) == len(found) + 1
