"""The connection to SQLite or PostgreSQL: transactions, compiled statements, one error mapping.

Statements are written once with `?` for parameters. Each thread keeps one connection open for as
long as it lives, so a call costs no connect. When the server is found gone, every thread drops its
connection before it is used again, so that one call is refused and not one of each thread.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import peewee
from playhouse.migrations import Migration, Runner

from oms.domain.errors import InvalidInput, Unavailable
from oms.storage.failures import is_connection_lost, refusal_of
from oms.storage.postgresql import connection_settings

log = logging.getLogger(__name__)

Row = tuple[Any, ...]

BUSY_TIMEOUT_SECONDS = 10  # How long a writer waits for another one on SQLite.
MIGRATION_WAIT_SECONDS = 3_600  # How long a migration waits on SQLite for another process's one.
CONNECT_PAUSE_SECONDS = 0.5  # How long nobody tries again after a server could not be reached.
MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7_002_110_410  # Any fixed number: the advisory lock of whoever migrates.

_ROWS_AT_ONCE = 32  # Rows of one INSERT on PostgreSQL.
_PLAIN_INSERT = re.compile(r"(INSERT INTO .* VALUES )(\(.*\))(| ON CONFLICT DO NOTHING)")

_SQLITE_PRAGMAS = (
    ("journal_mode", "wal"),
    # An acknowledged call survives a power cut, not only a crash of the process.
    ("synchronous", "full"),
    ("foreign_keys", 1),
    ("cache_size", -64_000),
    ("temp_store", "memory"),
)


class Database:
    """One database; safe to share between threads, not over fork."""

    def __init__(self, url: str) -> None:
        """Take `sqlite:///path` or `postgresql://...`; nothing is opened yet."""
        self.url = url
        self.peewee = _open(url)
        self.is_sqlite = isinstance(self.peewee, peewee.SqliteDatabase)
        self.on_statement: Callable[[str], None] | None = None
        # The file of SQLite; None on PostgreSQL.
        self.file = Path(self.peewee.database) if self.is_sqlite else None
        # Keys never change, so a lock need not keep others from referring to a row: a check of a
        # foreign key takes KEY SHARE when PostgreSQL chooses, outside our order of locks.
        self.lock_rows = "" if self.is_sqlite else " FOR NO KEY UPDATE"
        self._connecting = threading.Lock()
        self._next_try_at = 0.0
        self._losses = 0  # How often the server was found gone.
        self._seen = threading.local()

    @property
    def lock_free_rows(self) -> str:
        """Lock rows as `lock_rows` does, but pass over those that somebody else has locked."""
        return f"{self.lock_rows} SKIP LOCKED" if self.lock_rows else ""

    @contextmanager
    def session(self) -> Iterator[None]:
        """Use this thread's connection.

        Raises:
            Unavailable: the database is busy or away.
            Contended: the transaction was chosen to give way to others.
            LimitExceeded: it is full.
        """
        try:
            self._connect()
            yield
        except peewee.PeeweeException as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            log.warning("database: %s", error)
            self._lose(error)
            raise refusal from error

    def _connect(self) -> None:
        if not self.peewee.is_closed():
            if self._seen.losses == self._losses or self.peewee.in_transaction():
                return
            self.close()
        with self._connecting:
            if time.monotonic() < self._next_try_at:
                raise Unavailable("the database is away; nothing was done")
            self._seen.losses = self._losses
            try:
                self.peewee.connect()
            except peewee.PeeweeException:
                self._next_try_at = time.monotonic() + CONNECT_PAUSE_SECONDS
                raise

    def _lose(self, error: peewee.PeeweeException) -> None:
        """Drop this thread's connection, and those of all others when the server is gone."""
        is_current = getattr(self._seen, "losses", -1) == self._losses
        if is_current and not self.is_sqlite and is_connection_lost(error):
            self._losses += 1
        if not self.peewee.in_transaction():  # Else whoever began it drops it.
            self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run one write transaction; on SQLite it holds the write lock from its begin."""
        with self.session(), self.peewee.atomic():
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back what an exception leaves undone, and go on with the open transaction."""
        with self.peewee.savepoint():
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read several statements from one moment."""
        mode = "DEFERRED" if self.is_sqlite else "REPEATABLE READ"
        with self.session(), self.peewee.atomic(mode):
            yield

    def shed_cache(self) -> None:
        """Give back the pages that this thread's connection keeps; the system has them still.

        Bulk work would otherwise fill the cache of every thread that it passes through.
        """
        if self.is_sqlite:
            self.peewee.execute_sql("PRAGMA shrink_memory")

    def close(self) -> None:
        """Close this thread's connection."""
        if not self.peewee.is_closed():
            self.peewee.close()

    def all(self, sql: str, *parameters: object) -> list[Row]:
        """Return every row."""
        return self._execute(sql, parameters).fetchall()  # type: ignore[no-any-return]

    def one(self, sql: str, *parameters: object) -> Row | None:
        """Return the first row, or None."""
        return self._execute(sql, parameters).fetchone()  # type: ignore[no-any-return]

    def run(self, sql: str, *parameters: object) -> int:
        """Change rows; return how many."""
        return self._execute(sql, parameters).rowcount  # type: ignore[no-any-return]

    def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for many rows, in one batch."""
        batch = rows if isinstance(rows, list) else list(rows)
        if not batch:
            return
        self._notice(sql)
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
            cursor = self.peewee.connection().cursor()
            if not self.is_sqlite and len(batch) >= _ROWS_AT_ONCE:
                at_once, sql_at_once = _in_blocks(sql, batch)
                for rows_at_once in at_once:
                    cursor.execute(self._dialect(sql_at_once), rows_at_once)
                batch = batch[len(at_once) * _ROWS_AT_ONCE :]
            if batch:
                cursor.executemany(self._dialect(sql), batch)

    def server_now_ms(self) -> int:
        """Ask PostgreSQL for its time of day, in epoch milliseconds; also within a transaction."""
        with self.session():
            cursor = self.peewee.execute_sql(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
            )
            return int(cursor.fetchone()[0])

    def migrate(self) -> list[str]:
        """Bring the schema up to date; return the names of the migrations that ran.

        Two processes may call it at once: one migrates, the other waits and finds nothing to do.
        """
        runner = Runner(self.peewee, directory=str(MIGRATIONS))
        with self.session():
            if self.is_sqlite:
                return self._migrate_sqlite(runner)
            # A migration and the wait for another one's may take as long as they take.
            self.peewee.execute_sql("SET statement_timeout = 0")
            self.peewee.execute_sql("SET lock_timeout = 0")
            self.peewee.execute_sql(f"SELECT pg_advisory_lock({_MIGRATION_LOCK})")
            try:
                return list(runner.up())
            finally:
                self.peewee.execute_sql(f"SELECT pg_advisory_unlock({_MIGRATION_LOCK})")
                self.peewee.execute_sql("RESET statement_timeout")
                self.peewee.execute_sql("RESET lock_timeout")

    def _migrate_sqlite(self, runner: Any) -> list[str]:
        self.peewee.execute_sql(f"PRAGMA busy_timeout = {MIGRATION_WAIT_SECONDS * 1000}")
        try:
            with self.peewee.atomic("EXCLUSIVE"):
                return list(runner.up())
        finally:
            self.peewee.execute_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")

    def applied_migrations(self) -> list[str]:
        """Return the names of the migrations that this schema has, in order."""
        with self.session():
            if not self.peewee.table_exists("schema_migration"):
                return []
            return [row[0] for row in self.all("SELECT name FROM schema_migration ORDER BY name")]

    def pending_migrations(self) -> list[str]:
        """Return the names of migrations that this schema lacks."""
        applied = set(self.applied_migrations())
        return [name for name in known_migrations() if name not in applied]

    def unknown_migrations(self) -> list[str]:
        """Return the names of migrations that this schema has and this program does not know."""
        return [name for name in self.applied_migrations() if name not in known_migrations()]

    def _execute(self, sql: str, parameters: Sequence[object]) -> Any:
        self._notice(sql)
        return self.peewee.execute_sql(self._dialect(sql), parameters)

    def _notice(self, sql: str) -> None:
        if self.on_statement is not None:
            self.on_statement(sql)

    def _dialect(self, sql: str) -> str:
        return sql if self.is_sqlite else _with_percent_s(sql)


@lru_cache(maxsize=1)
def known_migrations() -> tuple[str, ...]:
    """Name the migrations of this program, in order."""
    return tuple(migration.name for migration in Migration.load_directory(str(MIGRATIONS)))


@lru_cache(maxsize=1024)
def _with_percent_s(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _in_blocks(sql: str, rows: Sequence[Sequence[object]]) -> tuple[list[list[object]], str]:
    """Put as many rows as fit into whole blocks, and write the statement that inserts a block.

    PostgreSQL takes a tenth of the time for rows of one statement. Statements other than a plain
    INSERT get no block. All blocks are alike, so that there is one statement to prepare.
    """
    found = _PLAIN_INSERT.fullmatch(sql)
    if found is None:
        return [], sql
    head, values, tail = found.groups()
    starts = range(0, len(rows) - _ROWS_AT_ONCE + 1, _ROWS_AT_ONCE)
    blocks = [
        [value for row in rows[start : start + _ROWS_AT_ONCE] for value in row] for start in starts
    ]
    return blocks, f"{head}{', '.join([values] * _ROWS_AT_ONCE)}{tail}"


def marks(values: Sequence[object]) -> str:
    """Return `?, ?, ?` for an IN list; at least one, so that an empty list matches nothing."""
    return ", ".join("?" * len(values)) or "NULL"


def _open(url: str) -> Any:
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        path = url.removeprefix("sqlite://").removeprefix("/")
        return peewee.SqliteDatabase(
            path,
            pragmas=_SQLITE_PRAGMAS,
            timeout=BUSY_TIMEOUT_SECONDS,
            lock_type="IMMEDIATE",
            autoconnect=False,
        )
    if scheme == "postgresql":
        settings = connection_settings(url)
        name = settings.pop("dbname")
        return peewee.PostgresqlDatabase(name, autoconnect=False, prefer_psycopg3=True, **settings)
    raise InvalidInput.of("FBALI_DATABASE_URL", "starts with sqlite:/// or postgresql://")
