"""The example programs: built with the ordinary tools of their languages, and run as processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.session import MissingServiceError, locked

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BUILD_SECONDS_MAX = 900
END_SECONDS_MAX = 20


@dataclass(frozen=True)
class Language:
    """How programs of a language are made; `command` starts the one that is in examples/."""

    tools: Sequence[str]
    command: Sequence[str]


LANGUAGES: Mapping[str, Language] = {
    "go": Language(["go"], [str(EXAMPLES / "go/build/vendor")]),
    "java": Language(["java", "mvn"], ["java", "-jar", str(EXAMPLES / "java/target/vendor.jar")]),
    "typescript": Language(
        ["node", "npm"], ["node", str(EXAMPLES / "typescript/dist/merchant.js")]
    ),
}


def build(name: str) -> None:
    """Build the example of a language unless it is as its sources are.

    Raises:
        MissingServiceError: A tool of the language is not installed.
    """
    missing = [tool for tool in ("make", *LANGUAGES[name].tools) if not shutil.which(tool)]
    if missing:
        tools = " and ".join(missing)
        raise MissingServiceError(f"the example in {name} needs {tools}, not found on PATH")
    buf = Path(sys.executable).with_name("buf")
    with locked(f"example-{name}"):
        done = subprocess.run(
            ["make", "-C", str(EXAMPLES), name, f"BUF={buf}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS_MAX,
            check=False,
        )
    assert done.returncode == 0, done.stdout


class Program:
    """One running example; what it says on standard output is kept over all its runs."""

    def __init__(self, language: str, folder: Path, **settings: str) -> None:
        """Start it in a folder of its own; settings are named without FBALI_."""
        self.folder = folder
        folder.mkdir()
        self._command = LANGUAGES[language].command
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "FBALI_STATE_FILE": str(folder / "resume-token"),
            **{f"FBALI_{name}": value for name, value in settings.items()},
        }
        self.start()

    def start(self) -> None:
        with (self.folder / "output").open("ab") as out, (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=self.folder, stdout=out, stderr=log
            )

    def done(self, did: str) -> list[dict[str, Any]]:
        """List what it said it did, of one kind, in its order."""
        return [line for line in self.lines() if line["did"] == did]

    def lines(self) -> list[dict[str, Any]]:
        written = (self.folder / "output").read_text("utf-8")
        complete = written[: written.rfind("\n") + 1]
        return [json.loads(line) for line in complete.splitlines()]

    def kill(self) -> None:
        """End it like a power cut."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to end; return the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self) -> int:
        """Wait for its end; return the exit code."""
        return self._process.wait(END_SECONDS_MAX)

    def check(self) -> None:
        """Fail with what it logged if it has ended."""
        assert self._process.poll() is None, self.log()

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", errors="replace")[-4000:]
