"""A backup that was taken while orders arrived and were allocated restores to a sound state."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.demo.server_process import own_environment
from oms.storage.database import Database
from tests.faults.battered_journey import BatteredJourney
from tests.faults.unsound import RESTORE_SECONDS_MAX, held_jobs, unsound
from tests.services.stack import wait_for

SEED = int(os.environ.get("FBALI_TEST_SEED") or time.time_ns() % 1_000_000)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty PostgreSQL database; nothing is SQLite in the server's own folder."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


def run(url: str, folder: Path, *arguments: str) -> str:
    environment = own_environment(os.environ, DATABASE_URL=url, DATA_DIR=str(folder / "data"))
    command = [sys.executable, "-m", "app.main", *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def counter(db: Database) -> Callable[[str], int]:
    def count(table: str) -> int:
        with db.session():
            row = db.one(f"SELECT COUNT(*) FROM {table}")
        assert row is not None
        return int(row[0])

    return count


def wrong_at_rest(db: Database) -> list[str]:
    """List what is wrong with a database that nobody uses."""
    found = [*unsound(db), *held_jobs(db)]
    db.close()
    return found


@pytest.mark.timeout(300)
def test_backup_under_load_restores_to_a_sound_state(tmp_path: Path, database_url: str):
    print(f"FBALI_TEST_SEED={SEED}")
    with BatteredJourney(SEED, database_url) as journey:
        folder = journey.scene.folder
        url = database_url or f"sqlite:///{journey.database_file}"
        db = Database(url)
        count = counter(db)
        with journey.business():
            wait_for(lambda: count("allocation") > 10, seconds=30)
            events = count("event")
            for number in range(3):
                print(run(url, folder, "backup", str(tmp_path / f"backup{number}")))
            wait_for(lambda: count("event") > events)  # The load went on meanwhile.
        journey.send_vendors_home()
        journey.server.stop()
        events = count("event")
        db.close()

        started = time.monotonic()
        print(run(url, folder, "restore", "--force", str(tmp_path / "backup1")))

        assert time.monotonic() - started < RESTORE_SECONDS_MAX
        assert 0 < count("event") < events
        assert count("allocation") > 10
        assert wrong_at_rest(db) == []

        journey.server.start()
        journey.wait_until_up()
        # What came after the backup is read from the shop again.
        wait_for(lambda: count("orders") == len(journey.shop_orders()), seconds=60)
        journey.server.stop()
        assert wrong_at_rest(db) == []
