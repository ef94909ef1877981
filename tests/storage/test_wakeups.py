"""Who waits for jobs is woken by the commit that makes one due, and by nothing else."""

import threading
import time

import pytest

from oms.domain.jobs import JobKind
from oms.storage import jobs
from oms.storage.database import Database
from oms.storage.server_clock import ServerClock
from oms.storage.wakeups import Wakeups
from tests.services.job_table import JobTable

LONG_SECONDS = 0.5


@pytest.fixture
def table(postgres_url):
    database = Database(postgres_url)
    database.migrate()
    yield JobTable(database)
    database.close()


@pytest.fixture
def wakeups(table):
    waiting = Wakeups(table.db)
    waiting.wait(0.01)  # Connects.
    yield waiting
    waiting.close()


def seconds_until_woken(wakeups: Wakeups) -> float:
    started = time.monotonic()
    wakeups.wait(LONG_SECONDS)
    return time.monotonic() - started


def test_new_job_wakes_at_its_commit_and_not_before(table, wakeups):
    with table.db.transaction():
        jobs.enqueue(table.db, JobKind.PRUNE, table.now)
        before = seconds_until_woken(wakeups)

    assert before >= LONG_SECONDS * 0.9
    assert seconds_until_woken(wakeups) < 0.25


def test_job_that_is_given_back_wakes(table, wakeups):
    job = table.claimed()
    seconds_until_woken(wakeups)

    table.give_back(job)

    assert seconds_until_woken(wakeups) < 0.25


def take_due(table):
    table.enqueued()
    return table.take_due


def claim(table):
    job_id = table.enqueued()
    return lambda: table.claim(job_id)


def advance(table):
    job = table.claimed()
    return lambda: table.advance(job, {"page": 1})


def finish(table):
    job = table.claimed()
    return lambda: table.finish(job)


@pytest.mark.parametrize("prepare", [take_due, claim, advance, finish])
def test_what_makes_nothing_due_wakes_nobody(table, wakeups, prepare):
    act = prepare(table)
    seconds_until_woken(wakeups)

    act()

    assert seconds_until_woken(wakeups) >= LONG_SECONDS * 0.9


def test_waiting_goes_on_after_the_connection_was_cut(table, wakeups):
    with table.db.session():
        table.db.all(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
    seconds_until_woken(wakeups)  # Notices, and pauses.
    wakeups.wait(0.01)

    def enqueue_later():
        time.sleep(0.1)
        table.enqueue()
        table.db.close()

    thread = threading.Thread(target=enqueue_later)
    thread.start()
    woken_after = seconds_until_woken(wakeups)
    thread.join()

    assert 0.05 < woken_after < 0.4


def test_clock_of_the_server_counts_whatever_this_hosts_clock_says(table, monkeypatch):
    clock = ServerClock(table.db)
    before = clock.now_ms()
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    assert 0 <= clock.now_ms() - before < 2_000
    assert abs(ServerClock(table.db).now_ms() - before) < 2_000
