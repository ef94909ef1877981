"""The machine's own word on which processes live: Linux tells it in /proc, others do not tell."""

import os
import socket
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_START: Final = 19  # The field of /proc/PID/stat, counted from the one behind the name: ticks.


class LinuxMachine:
    """Names a process by kernel start, host, process namespace, number, and when it began.

    So a number that was given to another process, or means another one in another container, is
    told apart. Only who runs beside this process, in the same namespace of the same kernel, is
    judged; and one that was killed counts when its parent has taken notice, since not before that
    all of its threads are sure to have stopped.
    """

    def __init__(self) -> None:
        """Look at nothing yet."""
        self.life = _life(os.getpid())

    def has_ended(self, life: str) -> bool:
        """Tell whether a process of this machine is gone for certain."""
        here, _, me = self.life.rpartition("/")
        there, _, other = life.rpartition("/")
        number, _, began = other.partition("-")
        if not me or here != there or not number.isdecimal():
            return False
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # It is somebody else's, and there.
            pass
        now_began = _began(int(number))
        return bool(now_began) and now_began != began


def _life(number: int) -> str:
    try:
        kernel = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = (_PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return ""
    began = _began(number)
    return began and f"{kernel}/{socket.gethostname()}/{namespace}/{number}-{began}"


def _began(number: int) -> str:
    """Return when a process began; empty where that cannot be read."""
    try:
        text = (_PROC / str(number) / "stat").read_text("ascii", errors="replace")
    except OSError:
        return ""
    # The name stands in parentheses and may hold anything, parentheses too.
    return text.rpartition(")")[2].split()[_START]
