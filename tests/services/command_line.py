"""Runs the command line `fbali`: as a process, on a terminal of its own, or in this process."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from fbali.cli.command import Verb, load_command
from fbali.cli.main import REGISTRY

PROGRAM = [sys.executable, "-m", "fbali.cli"]
SECONDS_MAX = 60


@dataclass(frozen=True)
class Outcome:
    """How a run ended and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str


def environment_of(folder: Path, **variables: str) -> dict[str, str]:
    """Make an environment in which nothing of this person's is found."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "TZ": "Europe/Berlin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),  # The program is the one under test.
        **variables,
    }


def lay_out_files(folder: Path) -> None:
    """Write the files that examples in help texts read."""
    (folder / "orders_export.csv").write_text("Name\n")
    for name in ("broken-box.jpg", "label.png"):
        (folder / name).write_bytes(b"a picture")


def run_process(arguments: Sequence[str], environment: dict[str, str], stdin: str = "") -> Outcome:
    """Run it as a program whose output goes into pipes."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env=environment,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=SECONDS_MAX,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def run_on_terminal(
    arguments: Sequence[str],
    environment: dict[str, str],
    *,
    columns: int = 100,
    typed: Sequence[str] = (),
) -> Outcome:
    """Run it on a terminal, answering each prompt; all that it writes is in stdout."""
    answers = list(typed)
    with _terminal(columns) as (ours, theirs):
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            env={"TERM": "xterm-256color", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        written = b""
        for chunk in _chunks(ours):
            written += chunk
            if answers and written.endswith(b": "):
                os.write(ours, f"{answers.pop(0)}\n".encode())
        return Outcome(process.wait(SECONDS_MAX), written.decode().replace("\r\n", "\n"), "")


@contextmanager
def _terminal(columns: int) -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 200, columns, 0, 0))
    try:
        yield ours, theirs
    finally:
        os.close(ours)


def _chunks(terminal: int) -> Iterator[bytes]:
    try:
        while chunk := os.read(terminal, 65536):
            yield chunk
    except OSError:  # Linux reports the end of the other side like this.
        return


def all_verbs() -> dict[str, Verb]:
    """Give every command by the words that call it."""
    return {
        words: verb
        for noun, entry in REGISTRY.items()
        for words, verb in _verbs(noun, load_command(entry.path))
    }


def _verbs(words: str, command: click.Command) -> Iterator[tuple[str, Verb]]:
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from _verbs(f"{words} {name}", one)
    else:
        assert isinstance(command, Verb)
        yield words, command
