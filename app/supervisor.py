"""Child processes that live and die with this one."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time

log = logging.getLogger(__name__)

RESTART_PAUSE_SECONDS = 0.5
STOP_GRACE_SECONDS = 15.0
_POLL_SECONDS = 0.1


def supervise(commands: list[str]) -> int:
    """Run `fbali-server` commands until SIGTERM or SIGINT, and replace the ones that die.

    Each child holds the reading end of a pipe whose writing end is open here only: when this
    process is killed, the pipe closes and the children end too.
    """
    is_stopping = False

    def stop(*_: object) -> None:
        # A plain flag: an event has a lock, which the code that is interrupted here may hold.
        nonlocal is_stopping
        is_stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    read_end, write_end = os.pipe()
    children = {command: _start(command, read_end) for command in commands}
    while not is_stopping:
        time.sleep(_POLL_SECONDS)
        for command, child in children.items():
            if child.poll() is not None:
                log.warning("%s ended with %s; starting it again", command, child.returncode)
                time.sleep(RESTART_PAUSE_SECONDS)
                children[command] = _start(command, read_end)
    _stop(list(children.values()))
    os.close(write_end)
    return 0


def end_with_parent(parent_fd: int) -> None:
    """End this process as soon as its parent is gone, whatever it is doing.

    Ending at any instant loses nothing, and a successor must find the port and the leases free.
    """

    def watch() -> None:
        os.read(parent_fd, 1)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _start(command: str, read_end: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own program.
        [sys.executable, "-m", "app.main", command, "--parent-fd", str(read_end)],
        pass_fds=[read_end],
        # Ctrl-C in a terminal reaches the whole group; the children are told by us, in order.
        start_new_session=True,
    )


def _stop(children: "list[subprocess.Popen[bytes]]") -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + STOP_GRACE_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
