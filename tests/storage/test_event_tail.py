"""The log of events on real databases, whose transactions overlap in every way that hurts."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from oms.storage import event_log
from oms.storage.database import Database
from oms.storage.event_tail import EventTail
from oms.storage.wakeups import News, Wakeups
from tests.services.stack import wait_for

INSERT = (
    "INSERT INTO event (merchant_id, order_id, kind, actor, subject, details, created_at)"
    " VALUES ('m1', 'o1', %s, 'system', 'merchants/m1/orders/o1', '{}', 1) RETURNING sequence"
)
SLEEPY = """
    CREATE FUNCTION event_slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(CASE NEW.kind WHEN 'slow' THEN 0.7 ELSE 0 END); RETURN NEW; END $$;
    CREATE TRIGGER event_slow BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_slow();
"""


class Writers:
    """Connections, each with a transaction of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: list[psycopg.Connection[Any]] = []

    def begin(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._url)
        self._open.append(connection)
        return connection

    def write(self, kind: str = "test") -> int:
        """Write an event in a transaction of its own."""
        with psycopg.connect(self._url) as connection:
            return draw(connection, kind)

    def close(self) -> None:
        for connection in self._open:
            connection.close()


def draw(connection: psycopg.Connection[Any], kind: str = "test") -> int:
    row = connection.execute(INSERT, (kind,)).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def writers(postgres: Database) -> Iterator[Writers]:
    made = Writers(postgres.url)
    yield made
    made.close()


def begun(database: Database) -> EventTail:
    tail = EventTail(database)
    assert wait_for(lambda: [*tail.read(), tail.position is not None][-1])
    return tail


def numbers(tail: EventTail) -> list[int]:
    return [row[0] for row in tail.read()]


def soon(tail: EventTail, count: int) -> list[int]:
    """Read until so many came; others on the same server may hold a gap open for a moment."""
    got: list[int] = []

    def has_all() -> bool:
        got.extend(numbers(tail))
        return len(got) >= count

    wait_for(has_all)
    return got


def test_lower_number_that_commits_later_is_not_lost(postgres: Database, writers: Writers):
    tail = begun(postgres)
    slow = writers.begin()
    first = draw(slow)
    second = writers.write()

    early = [numbers(tail) for _ in range(3)]
    slow.commit()

    assert early == [[], [], []]
    assert soon(tail, 2) == [first, second]
    assert numbers(tail) == []


def test_number_that_was_rolled_back_is_passed(postgres: Database, writers: Writers):
    tail = begun(postgres)
    failing = writers.begin()
    dead = draw(failing)
    second = writers.write()
    early = numbers(tail)

    failing.rollback()

    assert early == []
    assert soon(tail, 1) == [second] == [dead + 1]


def test_gap_waits_for_all_that_ran_when_it_was_seen_and_for_no_other(
    postgres: Database, writers: Writers
):
    tail = begun(postgres)
    bystander, failing = writers.begin(), writers.begin()
    bystander.execute("SELECT pg_current_xact_id()")
    draw(failing)
    second = writers.write()
    early = numbers(tail)
    failing.rollback()
    newcomer = writers.begin()
    newcomer.execute("SELECT pg_current_xact_id()")
    while_bystander_runs = numbers(tail)

    bystander.rollback()

    assert (early, while_bystander_runs) == ([], [])
    assert soon(tail, 1) == [second]


def test_lower_number_of_a_higher_transaction_id_is_not_lost(postgres: Database, writers: Writers):
    """No snapshot knows of the higher id until one of those above it is over."""
    tail = begun(postgres)
    lower, higher = writers.begin(), writers.begin()
    lower.execute("SELECT pg_current_xact_id()")
    first, second = draw(higher), draw(lower)
    lower.commit()
    early = [numbers(tail) for _ in range(3)]

    higher.commit()

    assert early == [[], [], []]
    assert soon(tail, 2) == [first, second]


def test_order_of_locks_is_kept_though_transaction_ids_are_the_other_way_round(
    postgres: Database, writers: Writers
):
    tail = begun(postgres)
    earlier, later = writers.begin(), writers.begin()
    earlier.execute("SELECT pg_current_xact_id()")
    later.execute("SELECT pg_advisory_xact_lock(1)")
    first = draw(later, "first")
    drawn: list[int] = []

    def wait_and_draw() -> None:
        earlier.execute("SELECT pg_advisory_xact_lock(1)")
        drawn.append(draw(earlier, "second"))
        earlier.commit()

    waiting = threading.Thread(target=wait_and_draw)
    waiting.start()
    third = writers.write("third")
    early = numbers(tail)
    later.commit()
    waiting.join()

    assert early == []
    assert soon(tail, 3) == [first, third, *drawn]


def test_number_that_was_drawn_before_anything_was_written_is_waited_for(
    postgres: Database, writers: Writers
):
    """Without the trigger the transaction has no id yet, so no snapshot would show that it runs."""
    with psycopg.connect(postgres.url, autocommit=True) as owner:
        owner.execute(SLEEPY)
    before = writers.write()  # Drawing the first number gives an id by itself.
    tail = begun(postgres)
    slow = threading.Thread(target=writers.write, args=("slow",))
    slow.start()
    assert wait_for(lambda: _highest(postgres) == before + 1)
    second = writers.write()

    early = numbers(tail)
    slow.join()

    assert early == []
    assert soon(tail, 2) == [before + 1, second]


def _highest(database: Database) -> int:
    with database.session():
        return event_log.highest(database)


def test_reader_begins_when_all_are_over_that_may_still_write_below(
    postgres: Database, writers: Writers
):
    before = writers.write()
    slow = writers.begin()
    below = draw(slow)
    tail = EventTail(postgres)
    early = [(numbers(tail), tail.position) for _ in range(3)]

    slow.commit()

    assert early == [([], None)] * 3
    assert wait_for(lambda: [*tail.read(), tail.position is not None][-1])
    assert tail.position == below == before + 1
    after = writers.write()
    assert soon(tail, 1) == [after]


def test_many_writers_at_once_lose_nothing(postgres: Database, writers: Writers):
    tail = begun(postgres)

    def write_many(writer: int) -> None:
        with psycopg.connect(postgres.url) as connection:
            for round_ in range(30):
                draw(connection)
                draw(connection)
                if (writer + round_) % 3:
                    connection.commit()
                else:
                    connection.rollback()

    threads = [threading.Thread(target=write_many, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    got = soon(tail, 6 * 30 * 2 * 2 // 3)
    for thread in threads:
        thread.join()

    with postgres.session():
        written = [row[0] for row in postgres.all("SELECT sequence FROM event ORDER BY sequence")]
    assert got == written


def test_commit_of_an_event_wakes_and_nothing_before_it_does(postgres: Database, writers: Writers):
    wakeups = Wakeups(postgres, News.EVENT_WRITTEN)
    wakeups.wait(0.01)
    writer = writers.begin()
    draw(writer)
    started = time.monotonic()
    wakeups.wait(0.4)
    waited = time.monotonic() - started
    writer.commit()
    started = time.monotonic()
    wakeups.wait(0.4)

    assert waited >= 0.36
    assert time.monotonic() - started < 0.2
    wakeups.close()


def test_sqlite_delivers_what_another_connection_commits(tmp_path):
    url = f"sqlite:///{tmp_path / 'fbali.db'}"
    writer, reader = Database(url), Database(url)
    writer.migrate()
    tail = begun(reader)
    insert = INSERT.replace("%s", "?").removesuffix(" RETURNING sequence")
    with suppress(InterruptedError), writer.transaction():
        writer.run(insert, "undone")
        raise InterruptedError
    got = []
    for kind in ("one", "two"):
        with writer.transaction():
            writer.run(insert, kind)
            unseen = tail.read()
        got.append((unseen, [row[5] for row in tail.read()]))

    assert got == [([], ["one"]), ([], ["two"])]
    writer.close()
    reader.close()
