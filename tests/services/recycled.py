"""Migrated databases for tests by the hundred: copied or emptied rather than made anew."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms.storage.database import Database
from oms.storage.tables import TABLES
from tests.services.postgres import PostgresServer


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "fbali.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Iterator[Database]:
    url = postgres_server.new_database()
    database = Database(url)
    database.migrate()
    database.close()
    yield database
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated and empty database of each kind."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path)
        database = Database(f"sqlite:///{path}")
        yield database
    else:
        database = request.getfixturevalue("postgres_template")
        yield database
        empty(database)
    database.close()


def empty(database: Database) -> None:
    """Delete every row."""
    with database.transaction():
        for table in reversed(TABLES):
            database.run(f"DELETE FROM {table._meta.table_name}")
