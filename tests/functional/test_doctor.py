"""`fbali-server doctor`: what is wrong, what to do, within a bound of time, without any secret."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from app.demo.server_process import own_environment
from app.doctor import Doctor
from app.findings import Finding, Verdict, as_json, as_text, exit_code
from oms.domain.jobs import JobKind
from oms.gateways.machine import LinuxMachine
from oms.settings import read_settings
from oms.storage import jobs, processes
from oms.storage.database import Database
from tests.functional.estate import Estate
from tests.services.stack import Stack

SECRET = "s3cr3t%23"


def examine(database: Database, folder: Path, **settings: str) -> dict[str, Finding]:
    folder.chmod(0o700)
    environment = {
        "FBALI_DATA_DIR": str(folder),
        "FBALI_DATABASE_URL": database.url,
        **{f"FBALI_{name}": text for name, text in settings.items()},
    }
    return {found.check: found for found in Doctor(read_settings(environment)).examine(5)}


def beat(database: Database, problem: str = "", life: str = "") -> None:
    now_ms = time.time_ns() // 1_000_000
    process = processes.Process("p1", "worker,scheduler", "here", problem, now_ms, life)
    processes.beat(database, process, now_ms)


def write_job(database: Database, age_ms: int, **columns: object) -> None:
    now_ms = time.time_ns() // 1_000_000 - age_ms
    with database.transaction():
        jobs.enqueue(database, JobKind.PRUNE, now_ms)
        for name, value in columns.items():
            database.run(f"UPDATE job SET {name} = ?", value)


def test_worker_that_was_killed_just_now_is_not_counted(database: Database, tmp_path: Path):
    place, _, began = LinuxMachine().life.rpartition("-")
    beat(database, life=f"{place}-{began}")
    assert examine(database, tmp_path)["processes"].verdict == Verdict.OK

    with database.transaction():
        database.run("UPDATE process SET life = ?", f"{place}-{int(began) - 1}")

    found = examine(database, tmp_path)["processes"]
    assert (found.verdict, found.found) == (Verdict.FAIL, "0 workers, 0 schedulers")


def test_all_is_well(database: Database, tmp_path: Path):
    beat(database)

    found = examine(database, tmp_path)

    assert {check: one.verdict for check, one in found.items()} == dict.fromkeys(
        (
            *("files", "disk", "broker", "database", "schema", "clock", "processes", "queue"),
            *("oldest due job", "quarantined jobs", "syncs", "write-backs"),
        ),
        Verdict.OK,
    )
    assert exit_code(list(found.values())) == 0


@pytest.mark.parametrize(
    ("age_ms", "columns", "check", "verdict"),
    [
        (70_000, {"due_at": 2**50}, "queue", Verdict.OK),
        (70_000, {"lease_token": "t"}, "queue", Verdict.OK),
        (5_000, {}, "queue", Verdict.OK),
        (70_000, {}, "queue", Verdict.WARN),
        (700_000, {}, "queue", Verdict.FAIL),
        (5_000, {}, "oldest due job", Verdict.OK),
        (20_000, {}, "oldest due job", Verdict.WARN),
        (200_000, {}, "oldest due job", Verdict.FAIL),
        (0, {"state": "QUARANTINED"}, "quarantined jobs", Verdict.WARN),
    ],
)
def test_jobs_that_wait_or_were_given_up_are_noticed(
    database: Database, tmp_path: Path, age_ms: int, columns: Any, check: str, verdict: Verdict
):
    write_job(database, age_ms, **columns)

    assert examine(database, tmp_path)[check].verdict == verdict


def test_what_stores_refuse_is_noticed(stack: Stack, estate: Estate, tmp_path: Path):
    with stack.db.transaction():
        assert stack.db.run("UPDATE write_back SET state = 'FAILED'")
        assert stack.db.run(
            "UPDATE sync_run SET state = 'FAILED', problem_reason = 'GATEWAY_TIMEOUT'"
        )

    found = examine(stack.db, tmp_path)

    assert found["write-backs"].verdict == found["syncs"].verdict == Verdict.WARN
    assert found["syncs"].found.startswith("1 stores fail: ")
    assert found["syncs"].found.endswith(" GATEWAY_TIMEOUT")


def test_missing_processes_and_what_they_lack_are_noticed(database: Database, tmp_path: Path):
    assert examine(database, tmp_path)["processes"].verdict == Verdict.FAIL

    beat(database, "Redis is away: wake-ups wait")

    assert "wake-ups wait" in examine(database, tmp_path)["processes"].found


@pytest.mark.parametrize(
    ("change", "words", "advice"),
    [
        (
            "INSERT INTO schema_migration (name, applied) VALUES ('0099_x', '2027-01-15')",
            "0099_x",
            "upgrade",
        ),
        (
            "DELETE FROM schema_migration WHERE name = '0009_distributed'",
            "0009_distributed",
            "fbali-server migrate",
        ),
    ],
)
def test_schema_of_another_version_is_noticed(
    database: Database, tmp_path: Path, change: str, words: str, advice: str
):
    with database.transaction():
        assert database.run(change)

    found = examine(database, tmp_path)

    assert found["schema"].verdict == Verdict.FAIL
    assert words in found["schema"].found
    assert advice in found["schema"].advice
    assert "queue" not in found  # It may not be where this program looks for it.


def test_files_that_others_can_read_are_noticed(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    database = Database(f"sqlite:///{home / 'fbali.db'}")
    database.migrate()
    database.close()
    home.chmod(0o755)
    (home / "fbali.db").chmod(0o644)
    settings = read_settings({"FBALI_DATA_DIR": str(home)})

    found = Doctor(settings).examine(5)[0]
    (home / "fbali.db").chmod(0o600)
    mended = Doctor(settings).examine(5)[0]

    assert (found.check, found.verdict) == ("files", Verdict.FAIL)
    assert "chmod" in found.advice
    assert mended.verdict == Verdict.WARN


def test_redis_that_may_lose_or_is_away_is_noticed(
    database: Database, tmp_path: Path, redis_url: str
):
    good = examine(database, tmp_path, BROKER_URL=redis_url)["broker"]
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            bad = examine(database, tmp_path, BROKER_URL=redis_url)["broker"]
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    away = examine(database, tmp_path, BROKER_URL="unix:///nowhere/redis")["broker"]

    assert (good.verdict, bad.verdict, away.verdict) == (Verdict.OK, Verdict.FAIL, Verdict.FAIL)
    assert good.found == "reachable, maxmemory-policy noeviction, nothing kept on disk"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


def run_doctor(folder: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    environment = own_environment(os.environ, DATA_DIR=str(folder), **settings)
    done = subprocess.run(
        [sys.executable, "-m", "app.main", "doctor", *arguments],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.long
def test_services_that_never_answer_do_not_hold_it_up(tmp_path: Path, silent_port: int):
    started = time.monotonic()

    code, said = run_doctor(
        tmp_path,
        DATABASE_URL=f"postgresql://u:{SECRET}@127.0.0.1:{silent_port}/d",
        BROKER_URL=f"redis://:{SECRET}@127.0.0.1:{silent_port}/0",
    )

    assert code == 2
    assert time.monotonic() - started < 40
    assert said.count("fail") == 2
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@127.0.0.1:1/d",
        "postgresql://u:s3cr3t%zz@127.0.0.1:1/d",
        "postgresql://127.0.0.1:1/d?user=u&password=s3cr3t",
        "postgresql://127.0.0.1:1/d?user=u&password=s3cr3t&password=",
        "postgresql://u:s3cr3t@[::1/d",
    ],
)
def test_no_secret_is_told_whatever_is_wrong_with_an_address(tmp_path: Path, url: str):
    code, said = run_doctor(tmp_path, "-o", "json", DATABASE_URL=url, TRACKING_TOKEN="s3cr3t-t")

    assert code == 2
    assert "s3cr3t" not in said


def test_program_says_it_as_json_with_its_exit_code(tmp_path: Path):
    code, said = run_doctor(tmp_path / "none", "-o", "json")

    told = json.loads(said)
    assert (code, told["verdict"]) == (2, "fail")
    assert told["checks"][-1]["check"] == "database"
    assert told["checks"][-1]["advice"] == "run `fbali-server init`"
    assert not (tmp_path / "none").exists()


def test_wrong_settings_are_a_failure(tmp_path: Path):
    code, said = run_doctor(tmp_path, LISTEN="nowhere")

    assert code == 2
    assert "FBALI_LISTEN" in said


def test_looking_at_a_fresh_postgresql_makes_nothing(postgres_url: str, tmp_path: Path):
    found = examine(Database(postgres_url), tmp_path)

    assert found["schema"].verdict == Verdict.FAIL
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall() == []  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [(("ok", "ok"), 0), (("ok", "warn"), 1), (("fail", "warn"), 2), (("warn", "fail", "ok"), 2)],
)
def test_worst_finding_decides(verdicts: tuple[str, ...], code: int):
    findings = [Finding("queue", Verdict(verdict), "found", "do it") for verdict in verdicts]

    assert exit_code(findings) == code
    assert as_text(findings).count("\n") == len(verdicts) - 1
    assert json.loads(as_json(findings))["verdict"] == max(verdicts, key=("ok warn fail").find)
