"""Run a server for as long as another process lives, then stop it and remove its folder.

A script of its own, detached from the test run: whatever way the test run ends, kill -9 included,
nothing it started is left behind.
"""

import argparse
import contextlib
import os
import select
import shutil
import signal
import subprocess
from pathlib import Path

STOP_SECONDS_MAX = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--owner", type=int, required=True, help="process id that must live")
    parser.add_argument("--folder", type=Path, required=True, help="working folder of the server")
    parser.add_argument("--user", type=int, help="user and group id to run the server as")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    owner = os.pidfd_open(options.owner)
    if os.fork():
        return
    os.setsid()
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # A shell's background jobs ignore it.
    run(options.command, options.folder, user=options.user, owner=owner)


def run(command: list[str], folder: Path, *, user: int | None, owner: int) -> None:
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    (folder / "pid").write_text(str(server.pid))

    first, _, _ = select.select([owner, os.pidfd_open(server.pid)], [], [])
    if owner in first:
        stop(server)
        remove(folder)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Stop at once: nothing the server holds is needed any more."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def remove(folder: Path) -> None:
    """Remove the folder, and the one around it when this was the last service in it."""
    shutil.rmtree(folder, ignore_errors=True)
    for lock in folder.parent.glob(f"{folder.name}*.lock"):
        lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


if __name__ == "__main__":
    main()
