"""`fbali-server demo` as a newcomer meets it: what it prints, and how it ends in every way."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.command_line import environment_of
from tests.services.stack import wait_for

PROGRAM = [sys.executable, "-m", "app.main", "demo", "--orders", "40"]
COLUMNS = 80
END_SECONDS_MAX = 60.0


class RunningDemo:
    """A demo whose folders are made in a folder of the test's, and whose output is a file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folders = folder / "temporary"
        self.folders.mkdir()
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*PROGRAM, *arguments],
                env={**_inherited(), "TMPDIR": str(self.folders), "LANG": "C.UTF-8"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text("utf-8")

    def wait_for_words(self, words: str) -> None:
        wait_for(lambda: words in self.output, seconds=END_SECONDS_MAX)

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        code = self.process.wait(END_SECONDS_MAX)
        assert "Traceback" not in self.output
        return code

    def server_pid(self) -> int:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return next(int(child) for child in children if b"run" in _arguments(child))

    def leftovers(self) -> list[str]:
        """Name the folders and the processes that are still there."""
        mark = f"TMPDIR={self.folders}".encode()
        processes = [
            " ".join(part.decode() for part in _arguments(entry.name))
            for entry in Path("/proc").glob("[0-9]*")
            if mark in _read(entry / "environ")
        ]
        return processes + [folder.name for folder in self.folders.iterdir()]


def _arguments(pid: str) -> list[bytes]:
    return _read(Path(f"/proc/{pid}/cmdline")).split(b"\0")


def _inherited() -> dict[str, str]:
    """Give what the program needs to be found, and to be the one under test."""
    return {name: os.environ.get(name, "") for name in ("PATH", "PYTHONPATH")}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # It ended meanwhile, or is somebody else's.
        return b""


@pytest.fixture
def _no_process_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    mark = f"TMPDIR={tmp_path}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        if mark in _read(entry / "environ"):
            os.kill(int(entry.name), signal.SIGKILL)


pytestmark = pytest.mark.usefixtures("_no_process_is_left")


def test_ends_with_a_delivered_order_of_two_vendors(tmp_path: Path):
    demo = RunningDemo(tmp_path, "--exit-when-done")

    assert demo.end() == 0
    told, _, shown = demo.output.partition(" in full, as `fbali orders show` prints it:\n")
    number = re.findall(r"\d+", told)[-1]
    assert f"order {number}: status is now Delivered" in told
    assert "units of the un-hosted products wait as Pending" in " ".join(told.split())
    in_one_line = " ".join(told.split())
    assert re.search(r"places \d+ orders? by hand: .*, which nobody hosts, goes to", in_one_line)
    assert re.search(r"order \d+ is cancelled by its customer; Lotus Co has accepted", in_one_line)
    assert re.search(r"asks Lotus Co to give back the \d+ units? of order \d+", in_one_line)
    assert "agrees to cancel: nothing of order" in in_one_line
    assert "hosts the rest: the orders that waited are released" in told
    assert f"order {number}: 1 x " in in_one_line
    told_of_damage = [
        "Opens a case with a photo of 480 x 360 pixels and asks for the money",
        "Red Pine order {}: offers",
        "merchant order {}: counters: the customer still wants it, send it again",
        "Red Pine order {}: agrees; the unit is allocated to it once more",
        "FbAli order {}: the case is resolved: what was sent again has arrived",
    ]
    said = re.sub(r" +", " ", in_one_line)
    places = [said.index(words.format(number)) for words in told_of_damage]
    assert places == sorted(places)
    assert f"Order {number}  delivered" in shown
    for vendor in ("Lotus Co", "Red Pine"):
        assert f"Vendor: {vendor}  closed" in shown
        assert f"{vendor}  accepts the invitation" in told
    closing = shown.partition("Try next, in a second terminal:")[2]
    assert len(re.findall(r"export FBALI_TOKEN=fba_\S+\n", closing)) == 3
    assert re.search(r"export FBALI_SERVER=127\.0\.0\.1:\d+\n", closing)
    assert " ".join(closing.split()).endswith(" is removed")
    assert demo.leftovers() == []


def test_story_fits_a_terminal_and_has_no_colour_in_a_file(tmp_path: Path):
    demo = RunningDemo(tmp_path)
    demo.wait_for_words("we follow it, in bold")

    demo.process.send_signal(signal.SIGTERM)

    assert demo.end() == 130
    assert "\x1b" not in demo.output
    assert [line for line in demo.output.splitlines() if len(line) > COLUMNS] == []


@pytest.mark.long
def test_keeps_running_and_what_it_suggests_works(tmp_path: Path):
    demo = RunningDemo(tmp_path)
    demo.wait_for_words("Everything keeps running")

    typed = demo.output.partition("Try next, in a second terminal:")[2].partition("Everything")[0]
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=re.sub("^ *As .*:$", "", typed, flags=re.MULTILINE),
        env=environment_of(tmp_path),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, typed.count("fbali ")) == (0, 9), done.stderr
    assert demo.process.poll() is None

    demo.process.send_signal(signal.SIGINT)

    assert demo.end() == 0
    assert demo.leftovers() == []


@pytest.mark.parametrize("seconds", [0.6, 1.2, 2.5, 4.5])
def test_interruption_at_any_moment_leaves_nothing_behind(tmp_path: Path, seconds: float):
    demo = RunningDemo(tmp_path)
    demo.wait_for_words("a demonstration")
    time.sleep(seconds - 0.5)

    demo.process.send_signal(signal.SIGINT)
    demo.process.send_signal(signal.SIGINT)  # Impatience changes nothing.

    assert demo.end() == 130
    assert demo.leftovers() == []


def test_death_of_the_server_is_said_in_plain_words(tmp_path: Path):
    demo = RunningDemo(tmp_path)
    demo.wait_for_words("connects the shop")

    os.kill(demo.server_pid(), signal.SIGKILL)

    assert demo.end() == 1
    assert "The demo cannot go on. The server was killed (Killed)." in demo.output
    assert "the folder is kept, see server.log in" in " ".join(demo.output.split())
    [kept] = demo.leftovers()
    assert (demo.folders / kept / "server.log").exists()


def test_death_of_the_demo_takes_the_server_along(tmp_path: Path):
    demo = RunningDemo(tmp_path)
    demo.wait_for_words("connects the shop")

    demo.process.kill()

    demo.process.wait()
    wait_for(lambda: len(demo.leftovers()) == 1)  # Nobody was left to remove the folder.


def test_taken_port_is_said_in_plain_words(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        demo = RunningDemo(tmp_path, "--port", str(port))

        assert demo.end() == 1
    assert f"Port {port} cannot be used: Address already in use." in " ".join(demo.output.split())
    assert demo.leftovers() == []


def test_ends_quietly_when_nobody_reads_any_more(tmp_path: Path):
    environment = {**_inherited(), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        PROGRAM, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()

        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(END_SECONDS_MAX) == 130
    assert list(tmp_path.iterdir()) == []
