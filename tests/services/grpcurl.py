"""The program grpcurl, built once with Go into the user's cache."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.services.session import MissingServiceError

MODULE = "github.com/fullstorydev/grpcurl/cmd/grpcurl"
VERSION = "v1.9.3"
BUILD_SECONDS_MAX = 540


def grpcurl() -> Path:
    """Give the program; raises MissingServiceError where it is neither built nor can be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fbali-tests"
    program = cache / f"grpcurl-{VERSION}" / "grpcurl"
    program.parent.mkdir(parents=True, exist_ok=True)
    with (cache / "grpcurl.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # One process of the test run builds.
        if not program.exists():
            _build(program)
    return program


def _build(program: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise MissingServiceError("grpcurl needs go to be built, and there is none on PATH")
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        done = subprocess.run(
            [go, "install", f"{MODULE}@{VERSION}"],
            env={**os.environ, "GOBIN": folder, "GOFLAGS": "-mod=mod"},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS_MAX,
            check=False,
        )
        if done.returncode:
            raise MissingServiceError(f"grpcurl was not built:\n{done.stderr[-2000:]}")
        (Path(folder) / "grpcurl").rename(program)
