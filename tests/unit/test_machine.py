"""Who of this machine's processes has ended for certain: none that is stopped, or is new."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms.gateways.machine import LinuxMachine

SHOW_LIFE = (
    "import sys, time; from oms.gateways.machine import LinuxMachine;"
    "print(LinuxMachine().life, flush=True); time.sleep(600)"
)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SHOW_LIFE], stdout=subprocess.PIPE, encoding="ascii"
    ) as process:
        yield process
        process.kill()


def life_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_process_that_runs_or_is_stopped_has_not_ended(process):
    machine, life = LinuxMachine(), life_of(process)

    assert life != machine.life
    assert not machine.has_ended(life)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)

    assert not machine.has_ended(life)


def test_killed_process_has_ended_when_its_parent_has_taken_notice(process):
    machine, life = LinuxMachine(), life_of(process)

    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # Dead, and not yet noticed.
    assert not machine.has_ended(life)
    process.wait()

    assert machine.has_ended(life)


def test_number_that_another_process_got_since_is_told_apart():
    machine = LinuxMachine()
    place, _, began = machine.life.rpartition("-")

    assert not machine.has_ended(machine.life)
    assert machine.has_ended(f"{place}-{int(began) - 1}")


@pytest.mark.parametrize("part", [0, 1, 2], ids=["kernel", "host", "namespace"])
def test_process_of_elsewhere_is_not_judged(process, part):
    parts = life_of(process).split("/")
    process.kill()
    process.wait()
    assert LinuxMachine().has_ended("/".join(parts))

    parts[part] += "0"

    assert not LinuxMachine().has_ended("/".join(parts))


def test_process_of_somebody_else_lives():
    machine = LinuxMachine()
    place, _, _ = machine.life.rpartition("/")
    first = Path("/proc/1/stat").read_text("ascii", errors="replace")

    began = first.rpartition(")")[2].split()[19]

    assert not machine.has_ended(f"{place}/1-{began}")


def test_life_that_is_not_known_is_not_over():
    machine = LinuxMachine()
    place, _, _ = machine.life.rpartition("/")

    for life in ("", "/", f"{place}/", f"{place}/x-1", "x"):
        assert not machine.has_ended(life)
