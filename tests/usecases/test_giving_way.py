"""A transaction that PostgreSQL chose to end a deadlock is run again: nobody hears of it."""

import threading
from contextlib import contextmanager

import pytest

from oms.domain.errors import Contended
from oms.domain.jobs import JobKind
from oms.storage import jobs
from oms.storage.database import Database
from oms.usecases.context import GIVING_WAY_MAX, Call, mutate
from oms.usecases.housekeeping import ANSWERS_KEPT_MS, JOBS_KEPT_MS

RENAME = "UPDATE merchant SET display_name = display_name || ? WHERE id = ?"
LONG_AGO = 1


@pytest.fixture
def request_of(scene):
    return Call(scene.merchant, "Rename", request_id="r1", body_hash="h")


def encoded(result):
    return str(result).encode()


class GivesWay:
    """A use case that writes, and has to give way the first few times."""

    def __init__(self, times):
        self.times = times
        self.runs = 0

    def __call__(self, tx, word):
        self.runs += 1
        tx.db.run(RENAME, word, tx.owner_id)
        if self.runs <= self.times:
            raise Contended("somebody else was faster")
        return self.runs


def test_use_case_that_gave_way_is_run_again_and_leaves_one_trace(scene, request_of):
    use_case = GivesWay(GIVING_WAY_MAX)

    answer = mutate(scene.oms, request_of, use_case, "!", encoded)
    again = mutate(scene.oms, request_of, use_case, "!", encoded)

    assert answer == again == str(GIVING_WAY_MAX + 1).encode()
    assert use_case.runs == GIVING_WAY_MAX + 1
    assert name_of(scene) == "Shop owner!"


def test_use_case_that_always_gives_way_is_refused_and_its_request_id_is_free(scene, request_of):
    use_case = GivesWay(GIVING_WAY_MAX + 1)
    before = scene.dump()

    with pytest.raises(Contended):
        mutate(scene.oms, request_of, use_case, "!", encoded)

    assert scene.dump() == before
    assert mutate(scene.oms, request_of, use_case, "!", encoded) == str(use_case.runs).encode()


@contextmanager
def rival(scene, first, then):
    """Lock with `first` on a connection of its own; with `then` when the rest has begun to wait."""
    database = Database(scene.db.url)
    has_first, is_due, is_done = (threading.Event() for _ in range(3))

    def go():
        with database.transaction():
            database.run("SET LOCAL deadlock_timeout = '10s'")  # It is the other one's to give way.
            database.run(*first)
            has_first.set()
            assert is_due.wait(10)
            database.run(*then)
        is_done.set()
        database.close()

    thread = threading.Thread(target=go)
    thread.start()
    assert has_first.wait(10)
    yield is_due
    thread.join()
    assert is_done.is_set()


def only_postgresql(scene):
    if scene.db.is_sqlite:
        pytest.skip("SQLite has one lock, and no deadlocks")


def test_victim_of_a_deadlock_is_answered_as_if_nothing_had_been(scene, request_of, caplog):
    only_postgresql(scene)
    other = scene.new_merchant("Other")

    def use_case(tx, word):
        tx.db.run(RENAME, word, tx.owner_id)
        is_due.set()
        tx.db.run(RENAME, word, other.id)
        return "done"

    with rival(scene, (RENAME, "?", other.id), (RENAME, "?", scene.merchant.id)) as is_due:
        answer = mutate(scene.oms, request_of, use_case, "!", encoded)

    assert answer == b"done"
    assert "deadlock detected" in caplog.text  # It was one indeed.
    assert (name_of(scene), name_of(scene, other)) == ("Shop owner?!", "Other?!")


def test_job_that_gave_way_goes_on_without_a_failure(scene, caplog):
    only_postgresql(scene)
    now_ms = scene.clock.now_ms()
    jobs.enqueue(scene.db, JobKind.RELEASE_LINES, LONG_AGO, args={"product_ids": []})
    scene.db.run("UPDATE job SET state = 'DONE', finished_at = ?", LONG_AGO)
    scene.db.run(
        "INSERT INTO request (principal, method, request_id, body_hash, answer, created_at)"
        " VALUES ('p', 'm', 'r', 'h', ?, ?)",
        b"",
        LONG_AGO,
    )
    assert min(ANSWERS_KEPT_MS, JOBS_KEPT_MS) < now_ms
    jobs.enqueue(scene.db, JobKind.PRUNE, now_ms)
    old_job = ("UPDATE job SET cursor = '{}' WHERE finished_at = ?", LONG_AGO)
    old_request = ("UPDATE request SET answer = ? WHERE created_at = ?", b"", LONG_AGO)

    with rival(scene, old_job, old_request) as is_due:
        scene.db.on_statement = lambda sql: is_due.set() if "FROM job WHERE id IN" in sql else None
        scene.run_jobs()
    scene.db.on_statement = None

    assert "deadlock detected" in caplog.text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert scene.db.all("SELECT kind, state, failures FROM job") == [("prune", "DONE", 0)]
    assert scene.db.all("SELECT 1 FROM request") == []


def name_of(scene, merchant=None):
    principal = merchant or scene.merchant
    return scene.db.one("SELECT display_name FROM merchant WHERE id = ?", principal.id)[0]
