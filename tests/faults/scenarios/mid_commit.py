"""SQLite: the process that writes gets kill -9 in the middle of its commits, again and again."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from oms.storage.database import Database
from tests.faults.scenarios.installation import Form
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size

SEED = 7
UP_SECONDS_MAX = 0.05  # How long it writes before it dies: nearly all of that is commits.
START_SECONDS_MAX = 30.0


def run(size: Size) -> Iterator[Result]:
    rng = random.Random(SEED)
    with TemporaryDirectory(prefix="fbali-faults-") as folder:
        url = f"sqlite:///{Path(folder) / 'fbali.db'}"
        database = Database(url)
        database.migrate()
        acknowledged: list[str] = []
        broken = 0
        started = time.monotonic()
        for number in range(size.commits):
            acknowledged += _write_and_die(url, number, rng.uniform(0, UP_SECONDS_MAX))
            with database.session():
                broken += database.all("PRAGMA integrity_check") != [("ok",)]
        with database.session():
            found = [row[0] for row in database.all("SELECT display_name FROM merchant")]
        database.close()
    yield Result(
        "SQLite: kill -9 in mid-commit",
        Form.EMBEDDED,
        f"{len(acknowledged)} acknowledged writes",
        f"{size.commits} kills",
        len(set(acknowledged) - set(found)),
        len(found) - len(set(found)),
        time.monotonic() - started,
        wrong=[f"{broken} integrity checks failed"] if broken else [],
    )


def _write_and_die(url: str, number: int, seconds: float) -> list[str]:
    """Let a process write until it is killed; return what it had acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.scenarios.writer", url, str(number)],
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    ready, _, _ = select.select([writer.stdout], [], [], START_SECONDS_MAX)
    assert ready, "the writer did not start"
    time.sleep(seconds)
    os.kill(writer.pid, signal.SIGKILL)
    said, _ = writer.communicate()
    whole, _, _torn = said.decode().rpartition("\n")
    return whole.splitlines()
