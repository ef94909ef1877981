"""The services that other tests stand on."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import redis

from tests.services.postgres import PostgresServer
from tests.services.session import session_folder

PROGRAM = """
import os, sys, time
from tests.services.session import open_session, session_folder
from tests.services.redis import redis_url
open_session()
redis_url()
print(session_folder(), flush=True)
time.sleep(60)
"""


def test_databases_are_fresh_and_apart(postgres_server: PostgresServer, postgres_url: str):
    other_url = postgres_server.new_database()

    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE parcel (id bigint)")

    with psycopg.connect(other_url) as connection:
        assert connection.execute("SELECT to_regclass('parcel')").fetchone() == (None,)
    postgres_server.drop_database(other_url)


def test_template_is_built_once_and_copied(postgres_server: PostgresServer):
    built = []

    def build(url: str) -> None:
        built.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE parcel AS SELECT 7 AS id")

    for _ in range(2):
        name = postgres_server.template("test_services", build)

        url = postgres_server.new_database(name)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT id FROM parcel").fetchall() == [(7,)]
        postgres_server.drop_database(url)
    assert len(built) <= 1


def test_postgres_keeps_text_as_utf8(postgres_url: str):
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_redis_is_empty_and_keeps_what_it_is_given(redis_url: str):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("parcel", "7")
        assert client.get("parcel") == b"7"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_killed_test_run_leaves_nothing_behind():
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=root, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        server = int((folder / "redis" / "pid").read_text())

        run.kill()

    assert folder != session_folder()
    wait_until_gone(server, folder)


def wait_until_gone(process: int, folder: Path) -> None:
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()
    assert not Path(f"/proc/{process}").exists()
