"""Fixtures that any test may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from oms.storage.database import Database
from tests.services.postgres import PostgresServer
from tests.services.postgres import postgres_server as find_postgres_server
from tests.services.redis import redis_url as find_redis_url
from tests.services.session import (
    MissingServiceError,
    close_session,
    open_session,
    skip_or_fail,
)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        open_session()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        close_session()


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """The cluster of this test run: new_database, drop_database, template."""
    try:
        return find_postgres_server()
    except MissingServiceError as missing:
        skip_or_fail(missing)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def redis_url() -> str:
    """A Redis database that is empty and no other test's."""
    try:
        url = find_redis_url()
    except MissingServiceError as missing:
        skip_or_fail(missing)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of each kind."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'fbali.db'}")
        database.migrate()
        yield database
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database(server.template("migrated", _migrate))
    database = Database(url)
    yield database
    database.close()
    server.drop_database(url)


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()
