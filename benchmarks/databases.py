"""Databases to measure on: SQLite files, and a PostgreSQL cluster where its programs are found."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psycopg

from oms.storage.database import Database
from tests.services import postgres
from tests.services.postgres import PostgresServer
from tests.services.session import MissingServiceError, close_session, open_session

# The tests' cluster does not care for power cuts; what is measured must, as in production.
_DURABLE = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB"}


class Databases(Protocol):
    """Makes databases of one kind."""

    @property
    def name(self) -> str:
        """What people call them."""
        ...

    @property
    def version(self) -> str:
        """Which one it is."""
        ...

    def new(self) -> str:
        """Make an empty database with our schema; return its URL."""
        ...

    def copy(self, url: str) -> str:
        """Copy a database that nobody is connected to; return the copy's URL."""
        ...

    def drop(self, url: str) -> None:
        """Remove a database."""
        ...

    def settle(self, url: str) -> None:
        """Do what the database does by itself some minutes after a bulk load."""
        ...


@dataclass(frozen=True, slots=True)
class SqliteFiles:
    """SQLite files in one folder."""

    folder: Path
    name: str = "SQLite"
    version: str = sqlite3.sqlite_version

    def new(self) -> str:
        """Make an empty database with our schema; return its URL."""
        return _migrated(f"sqlite:///{self.folder / uuid4().hex}.db")

    def copy(self, url: str) -> str:
        """Copy the file; closing the last connection has emptied the log beside it."""
        path = self.folder / f"{uuid4().hex}.db"
        shutil.copyfile(url.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        """Remove the file and the log beside it."""
        for path in self.folder.glob(f"{Path(url).name}*"):
            path.unlink()

    def settle(self, url: str) -> None:
        """Move the log into the file. Nobody analyses a SQLite database by itself."""
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


@dataclass(frozen=True, slots=True)
class PostgresDatabases:
    """Databases of one cluster, which ends with this process."""

    server: PostgresServer
    version: str
    name: str = "PostgreSQL"

    def new(self) -> str:
        """Make an empty database with our schema; return its URL."""
        return _migrated(self.server.new_database())

    def copy(self, url: str) -> str:
        """Use the database as a template."""
        return self.server.new_database(str(psycopg.conninfo.conninfo_to_dict(url)["dbname"]))

    def drop(self, url: str) -> None:
        """Drop the database, whoever is still connected to it."""
        self.server.drop_database(url)

    def settle(self, url: str) -> None:
        """Do the work of autovacuum."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


@contextmanager
def copied(kind: Databases, url: str) -> Iterator[str]:
    """Copy a database for as long as it is measured; yield the copy's URL."""
    copy = kind.copy(url)
    try:
        yield copy
    finally:
        kind.drop(copy)


def postgres_databases() -> PostgresDatabases | None:
    """Start the tests' cluster, with durability on; None when PostgreSQL is not installed."""
    open_session()
    postgres.SETTINGS.update(_DURABLE)
    try:
        server = postgres.postgres_server()
    except MissingServiceError:
        close_session()
        return None
    with psycopg.connect(server.url("postgres")) as connection:
        number = connection.info.server_version
    return PostgresDatabases(server, f"{number // 10_000}.{number % 10_000}")


def _migrated(url: str) -> str:
    database = Database(url)
    database.migrate()
    database.close()
    return url
