"""The real thing as a child process: `fbali-server init` once, then `fbali-server run`."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from app.demo.endings import DemoError
from fbali.calls import CallPolicy
from fbali.client import Client
from fbali.errors import DeadlineExceeded, Unavailable
from fbali.v1.admin_service_pb2 import GetServerInfoRequest, GetServerInfoResponse

READY_SECONDS_MAX: Final = 30.0  # A slow machine needs some seconds.
STOP_SECONDS_MAX: Final = 25.0  # Longer than the server gives its own children.
SETUP_SECONDS_MAX: Final = 60.0
_POLL_SECONDS: Final = 0.05
_LOG_LINES: Final = 8  # How much of the log is worth showing to somebody.
_PROGRAM: Final = (sys.executable, "-m", "app.main")


def own_environment(environ: Mapping[str, str], **settings: str) -> dict[str, str]:
    """Take over an environment without its FBALI_ variables, and add those given."""
    foreign = {name: text for name, text in environ.items() if not name.startswith("FBALI_")}
    return foreign | {f"FBALI_{name}": text for name, text in settings.items()}


def choose_port(wanted: int) -> int:
    """Return a free port of this machine, or the wanted one.

    Raises:
        DemoError: The wanted one is taken.
    """
    with socket.socket() as trial:
        # As the server does: a port whose last connections linger is free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise DemoError(
                f"Port {wanted} cannot be used: {error.strerror}. Choose another one with --port,"
                " or leave --port out to get a free one."
            ) from error
        return int(trial.getsockname()[1])


class ServerProcess:
    """One installation in a folder. It ends when this process ends, in whatever way."""

    def __init__(self, folder: Path, port: int, environment: Mapping[str, str]) -> None:
        """Take what `own_environment` made; nothing is started yet."""
        self.address = f"127.0.0.1:{port}"
        self.log_file = folder / "server.log"
        self._environment = dict(environment) | {
            "FBALI_DATA_DIR": str(folder / "data"),
            "FBALI_LISTEN": self.address,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._leash = -1

    @property
    def pid(self) -> int:
        """The process id of `fbali-server run`."""
        assert self._process is not None
        return self._process.pid

    def init(self) -> str:
        """Set up the database; return the first operator token. Raises DemoError."""
        done = subprocess.run(  # noqa: S603 - our own program.
            [*_PROGRAM, "init"],
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SETUP_SECONDS_MAX,
            check=False,
            start_new_session=True,
        )
        if done.returncode:
            raise DemoError(f"`fbali-server init` failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def start(self) -> None:
        """Start it; its children and it write into the log file."""
        read_end, self._leash = os.pipe()
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program.
                [*_PROGRAM, "run", "--parent-fd", str(read_end)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[read_end],
                # Ctrl-C in a terminal reaches the whole group; this one is told when it is time.
                start_new_session=True,
            )
        os.close(read_end)

    def wait_until_ready(self, token: str, pause: Callable[[float], None]) -> GetServerInfoResponse:
        """Ask until it answers; raises DemoError when it ends before, or takes too long."""
        policy = CallPolicy(timeout_seconds=2.0, sleep=pause)
        until = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < until:
            self.check()
            if not self._is_listening():  # Asked first: a client that was refused waits longer.
                pause(_POLL_SECONDS)
                continue
            away = contextlib.suppress(Unavailable, DeadlineExceeded)
            with away, Client(self.address, token=token, policy=policy) as client:
                return client.admin.GetServerInfo(GetServerInfoRequest())
        raise DemoError(f"The server does not answer at {self.address}.\n{self.log_tail()}")

    def _is_listening(self) -> bool:
        host, _, port = self.address.partition(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    def check(self) -> None:
        """Raise DemoError if it has ended."""
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            how = f"was killed ({signal.strsignal(-code)})" if code < 0 else f"ended with {code}"
            raise DemoError(f"The server {how}.\n{self.log_tail()}")

    def kill(self) -> None:
        """Kill it like a power cut; its children notice and end too."""
        if self._process is not None:
            self._process.kill()
            self._forget()

    def stop(self) -> None:
        """Stop it in order, or kill it if that takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._forget()

    def _forget(self) -> None:
        assert self._process is not None
        self._process.wait()
        self._process = None
        os.close(self._leash)

    def log_tail(self) -> str:
        """Return the end of its log."""
        if not self.log_file.exists():
            return ""
        lines = self.log_file.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(f"  | {line}" for line in lines[-_LOG_LINES:])
