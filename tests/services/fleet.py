"""Processes of `fbali-server` that a test starts, signals and kills, one by one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from app.demo.server_process import own_environment
from app.demo.shop import CONSUMER_KEY, CONSUMER_SECRET, PretendShop
from fbali.client import Client
from fbali.v1.admin_service_pb2 import CreateMerchantRequest, IssueTokenRequest
from fbali.v1.hosting_service_pb2 import ConnectStoreRequest
from fbali.v1.store_pb2 import STORE_PLATFORM_WOOCOMMERCE
from fbali.v1.token_pb2 import ROLE_MERCHANT
from tests.services.stack import wait_for

STOP_SECONDS_MAX = 30.0


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Member:
    """One process; `children` are those that it has started itself."""

    def __init__(self, command: str, environment: Mapping[str, str], log_file: Path, leash: int):
        self.command = command
        self.log_file = log_file
        with log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.main", *command.split(), "--parent-fd", str(leash)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[leash],
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8", errors="replace")

    @property
    def children(self) -> list[int]:
        pid = self.process.pid
        with suppress(OSError):
            return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def wait_for_words(self, words: str) -> None:
        wait_for(lambda: words in self.log or self.process.poll() is not None)
        assert words in self.log, self.log

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for its end; return the exit code."""
        return self.process.wait(STOP_SECONDS_MAX)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Fleet:
    """One installation of many processes. They end when this process ends, in whatever way."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self._folder = folder
        self._read_end, self._leash = os.pipe()
        self._members: list[Member] = []
        self.environment = own_environment(
            os.environ,
            DATA_DIR=str(folder / "data"),
            DATABASE_URL=database_url,
            LOG_FORMAT="text",
            **settings,
        )

    def run(self, command: str) -> str:
        """Run a command to its end; return what it wrote to standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "app.main", *command.split()],
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout.strip()

    def start(self, command: str, **settings: str) -> Member:
        environment = self.environment | {f"FBALI_{name}": text for name, text in settings.items()}
        log_file = self._folder / f"{len(self._members)}.log"
        member = Member(command, environment, log_file, self._read_end)
        self._members.append(member)
        return member

    def start_api(self, port: int) -> Member:
        member = self.start("api", LISTEN=f"127.0.0.1:{port}")
        member.wait_for_words("listening")
        return member

    def ended(self) -> list[str]:
        """Name the commands of those that do not run any more."""
        return [m.command for m in self._members if m.process.poll() is not None]

    def stop(self) -> None:
        """Ask everybody to end, and wait until they have."""
        running = [member for member in self._members if member.process.poll() is None]
        for member in running:
            member.signal(signal.SIGTERM)
        for member in running:
            member.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        for member in self._members:
            if member.process.poll() is None:
                member.signal(signal.SIGKILL)
                member.process.wait()
        os.close(self._leash)
        os.close(self._read_end)


@contextmanager
def merchant_of(operator: Client, port: int) -> Iterator[tuple[Client, str]]:
    """Give a merchant's client, and the merchant's name."""
    made = operator.admin.CreateMerchant(CreateMerchantRequest(display_name="Shop owner"))
    issued = operator.admin.IssueToken(
        IssueTokenRequest(role=ROLE_MERCHANT, principal=made.merchant.name, display_name="t")
    )
    with Client(f"127.0.0.1:{port}", token=issued.secret) as merchant:
        yield merchant, made.merchant.name


def connect_request(merchant: str, shop: PretendShop) -> ConnectStoreRequest:
    return ConnectStoreRequest(
        parent=merchant,
        platform=STORE_PLATFORM_WOOCOMMERCE,
        base_url=shop.url,
        consumer_key=CONSUMER_KEY,
        consumer_secret=CONSUMER_SECRET,
    )
