"""What each error of a driver is to a caller, and how connections come back."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import peewee
import psycopg
import pytest

from oms.domain.errors import Contended, LimitExceeded, Unavailable
from oms.storage import failures
from oms.storage.database import Database

RAISE = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{}'; END $$"
# SQLSTATE -> the refusal; None is an error of ours.
STATES = {
    "08006": Unavailable,
    "25006": Unavailable,
    "40001": Contended,
    "40003": Unavailable,  # Whether it was done is not known: it must not be run again.
    "40P01": Contended,
    "53100": LimitExceeded,
    "53200": Unavailable,
    "53300": Unavailable,
    "55P03": Unavailable,
    "57014": Unavailable,
    "57P01": Unavailable,
    "57P03": Unavailable,
    "58030": Unavailable,
    "22012": None,
    "23505": None,
    "42P01": None,
    "42601": None,
    "XX000": None,
}


@pytest.mark.parametrize("state", STATES)
def test_state_of_postgresql_is_told_by_the_table(postgres_url, state):
    database = Database(postgres_url)
    expected = STATES[state] or peewee.PeeweeException

    with pytest.raises(expected), database.session():
        database.run(RAISE.format(state))

    with database.session():
        assert database.one("SELECT 1") == (1,)
    database.close()


@pytest.mark.parametrize("code", sorted(failures.SQLITE))
def test_every_code_of_sqlite_in_the_table_is_a_refusal(code):
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code | 0x200  # An extended code.
    wrapped = peewee.OperationalError(error)
    wrapped.__context__ = error

    expected = LimitExceeded if code == sqlite3.SQLITE_FULL else Unavailable
    assert type(failures.refusal_of(wrapped)) is expected


@pytest.mark.parametrize("state", ["08006", "40003", "57P01", None])
def test_lost_connection_is_never_told_as_nothing_done(state):
    error = psycopg.OperationalError("x")
    error.sqlstate = state
    wrapped = peewee.OperationalError(error)
    wrapped.__context__ = error

    refusal = failures.refusal_of(wrapped)

    assert refusal is not None
    assert "not known" in refusal.message
    assert "nothing was done" not in refusal.message


def test_mistake_in_a_statement_is_an_error_of_ours(database):
    with pytest.raises(peewee.PeeweeException), database.session():
        database.run("SELECT nonsense FROM nowhere")


def test_server_that_nobody_reaches_refuses_at_once_and_does_not_block_others(tmp_path):
    database = Database(f"postgresql://nobody@/none?host={tmp_path}")

    for _ in range(3):
        with pytest.raises(Unavailable), database.session():
            pass


def test_after_one_broken_connection_the_other_threads_connect_anew(postgres_url):
    database = Database(postgres_url)
    with database.session():
        pids = database.one("SELECT pg_backend_pid()")
    other = _OtherThread(database)
    first = other.run(lambda: database.one("SELECT pg_backend_pid()"))

    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(Unavailable), database.session():
        database.one("SELECT 1")

    second = other.run(lambda: database.one("SELECT pg_backend_pid()"))
    with database.session():
        assert database.one("SELECT pg_backend_pid()") not in (pids, second)
    assert first != second
    other.end()
    database.close()


class _OtherThread:
    def __init__(self, database):

        self._database = database
        self._pool = ThreadPoolExecutor(1)

    def run(self, work):
        def within():
            with self._database.session():
                return work()

        return self._pool.submit(within).result()

    def end(self):
        self._pool.submit(self._database.close).result()
        self._pool.shutdown()
