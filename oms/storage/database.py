"""The connection to SQLite or PostgreSQL: transactions, compiled statements, one error mapping.

Statements are written once with `?` for parameters. Each thread keeps one connection open for as
long as it lives, so a call costs no connect; a broken connection is dropped and the call refused
with Unavailable, so that the next one starts afresh.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import peewee
from playhouse.db_url import connect as _connect_url
from playhouse.migrations import Runner

from oms.domain.errors import InvalidInput, Unavailable

log = logging.getLogger(__name__)

Row = tuple[Any, ...]

BUSY_TIMEOUT_SECONDS = 10  # How long a writer waits for another one on SQLite.
MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7_002_110_410  # Any fixed number: the advisory lock of whoever migrates.

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
        self.lock_rows = "" if self.is_sqlite else " FOR UPDATE"

    @contextmanager
    def session(self) -> Iterator[None]:
        """Use this thread's connection; map what the database cannot do to Unavailable."""
        try:
            self.peewee.connect(reuse_if_open=True)
            yield
        except (peewee.OperationalError, peewee.InterfaceError) as error:
            log.warning("database unavailable: %s", error)
            self.close()
            raise Unavailable("the database is busy or away; nothing was done") from error

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
            cursor.executemany(self._dialect(sql), batch)

    def migrate(self) -> list[str]:
        """Bring the schema up to date; return the names of the migrations that ran.

        Two processes may call it at once: one migrates, the other waits and finds nothing to do.
        """
        runner = Runner(self.peewee, directory=str(MIGRATIONS))
        with self.session():
            if self.is_sqlite:
                with self.peewee.atomic("EXCLUSIVE"):
                    return list(runner.up())
            self.peewee.execute_sql(f"SELECT pg_advisory_lock({_MIGRATION_LOCK})")
            try:
                return list(runner.up())
            finally:
                self.peewee.execute_sql(f"SELECT pg_advisory_unlock({_MIGRATION_LOCK})")

    def pending_migrations(self) -> list[str]:
        """Return the names of migrations that this schema lacks."""
        with self.session():
            runner = Runner(self.peewee, directory=str(MIGRATIONS))
            return [migration.name for migration in runner.status() if not migration.applied]

    def unknown_migrations(self) -> list[str]:
        """Return the names of migrations that this schema has and this program does not know."""
        with self.session():
            runner = Runner(self.peewee, directory=str(MIGRATIONS))
            return [migration.name for migration in runner.status() if migration.path is None]

    def _execute(self, sql: str, parameters: Sequence[object]) -> Any:
        self._notice(sql)
        return self.peewee.execute_sql(self._dialect(sql), parameters)

    def _notice(self, sql: str) -> None:
        if self.on_statement is not None:
            self.on_statement(sql)

    def _dialect(self, sql: str) -> str:
        return sql if self.is_sqlite else _with_percent_s(sql)


@lru_cache(maxsize=1024)
def _with_percent_s(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


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
        return _connect_url(url, autoconnect=False, prefer_psycopg3=True)
    raise InvalidInput.of("FBALI_DATABASE_URL", "starts with sqlite:/// or postgresql://")
