"""The folder that all processes of one test run share, and the servers that live in it."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

READY_SECONDS_MAX = 30
POLL_SECONDS = 0.02

_VARIABLE = "FBALI_TEST_SESSION"


class MissingServiceError(Exception):
    """A server that tests need is not installed."""


def skip_or_fail(missing: MissingServiceError) -> NoReturn:
    """A service may be missing on a desk, not where the tests are the proof."""
    if os.environ.get("CI"):
        pytest.fail(f"{missing}, and CI is set")
    pytest.skip(str(missing))


def open_session() -> None:
    """Make the shared folder; called once, by the process that outlives the workers of xdist."""
    folder = Path(tempfile.mkdtemp(prefix="fbali-tests-"))
    folder.chmod(0o755)  # The database server may run as another user.
    os.environ[_VARIABLE] = f"{os.getpid()}:{folder}"


def close_session() -> None:
    """Remove the shared folder if no service came to live in it; else the leashes remove it."""
    if not any(session_folder().glob("*/pid")):
        shutil.rmtree(session_folder(), ignore_errors=True)


def session_folder() -> Path:
    return Path(os.environ[_VARIABLE].partition(":")[2])


def session_owner() -> int:
    return int(os.environ[_VARIABLE].partition(":")[0])


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one process of the test run pass at a time."""
    with (session_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def launch(command: list[str], folder: Path, *, user: int | None = None) -> None:
    """Start a server that ends with the test run."""
    leash = Path(__file__).with_name("leash.py")
    options = [f"--owner={session_owner()}", f"--folder={folder}"]
    if user is not None:
        options.append(f"--user={user}")
    subprocess.run([sys.executable, "-I", str(leash), *options, "--", *command], check=True)


def wait_until_ready(is_ready: Callable[[], bool], folder: Path) -> None:
    """Wait for a server, or raise with what it logged."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    pid = folder / "pid"
    while not (pid.exists() and pid.stat().st_size and is_ready()):
        if time.monotonic() > deadline:
            log = (folder / "log").read_text(errors="replace")
            message = f"{folder.name} did not start within {READY_SECONDS_MAX} s:\n{log[-2000:]}"
            raise TimeoutError(message)
        time.sleep(POLL_SECONDS)
