"""Programs and schemas of different versions: refused at the start, told of while it runs."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from app.demo.server_process import own_environment
from fbali.v1.admin_service_pb2 import GetServerInfoRequest, ListMerchantsRequest
from oms.storage.database import BUSY_TIMEOUT_SECONDS, Database, known_migrations
from tests.services.stack import Stack

NEWER = "INSERT INTO schema_migration (name, applied) VALUES ('0099_future', '2027-01-15')"
OLDER = f"DELETE FROM schema_migration WHERE name = '{known_migrations()[-1]}'"


def start(command: str, database: Database, folder: Path) -> subprocess.Popen[str]:
    environment = own_environment(
        os.environ, DATA_DIR=str(folder), DATABASE_URL=database.url, LISTEN="127.0.0.1:0"
    )
    return subprocess.Popen(
        [sys.executable, "-m", "app.main", command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def change(database: Database, sql: str) -> None:
    with database.transaction():
        assert database.run(sql)


@pytest.mark.parametrize("command", ["api", "worker", "scheduler", "run", "init", "migrate"])
def test_program_refuses_a_schema_that_is_newer(database: Database, tmp_path: Path, command: str):
    change(database, NEWER)

    said, problem = (process := start(command, database, tmp_path)).communicate(timeout=30)

    assert (process.returncode, said) == (1, "")
    assert "newer than this program (it has 0099_future): upgrade this program" in problem
    assert "Traceback" not in problem


@pytest.mark.parametrize("command", ["api", "worker", "scheduler"])
def test_process_refuses_a_schema_that_is_behind(database: Database, tmp_path: Path, command: str):
    change(database, OLDER)

    _, problem = (process := start(command, database, tmp_path)).communicate(timeout=30)

    assert process.returncode == 1
    assert f"it lacks {known_migrations()[-1]}): run `fbali-server migrate`" in problem


def test_running_server_goes_on_and_says_that_the_schema_moved_on(stack: Stack):
    change(stack.db, NEWER)

    told = stack.operator.call(GetServerInfoRequest()).problems

    assert "the database has moved on to 0099_future: upgrade this server" in told
    assert len(stack.operator.call(ListMerchantsRequest()).merchants) == 2


def test_two_programs_migrate_at_once_and_one_finds_nothing_to_do(
    request: pytest.FixtureRequest, tmp_path: Path
):
    postgres_url = request.getfixturevalue("postgres_url")
    for url in (f"sqlite:///{tmp_path / 'fresh.db'}", postgres_url):
        fresh = Database(url)
        both = [start("migrate", fresh, tmp_path) for _ in range(2)]
        said = sorted(process.communicate(timeout=60)[0].strip() for process in both)

        assert said == sorted(["\n".join(known_migrations()), "the database is up to date"])
        assert fresh.pending_migrations() == []
        fresh.close()


@pytest.mark.long
def test_migration_on_sqlite_waits_longer_than_a_call_would(tmp_path: Path):
    file = tmp_path / "fbali.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN EXCLUSIVE")
        process = start("migrate", Database(f"sqlite:///{file}"), tmp_path)
        time.sleep(BUSY_TIMEOUT_SECONDS + 3)
        assert process.poll() is None
        other.execute("COMMIT")
        said, problem = process.communicate(timeout=30)

    assert (process.returncode, problem) == (0, "")
    assert said.split() == list(known_migrations())
