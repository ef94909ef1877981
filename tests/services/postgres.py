"""A PostgreSQL cluster for the test run, and a fresh database for each test that asks for one."""

import importlib.util
import json
import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.services.session import (
    MissingServiceError,
    launch,
    locked,
    session_folder,
    wait_until_ready,
)

CONNECTIONS_MAX = 200
SETTINGS = {
    "fsync": "off",  # Nothing here has to survive the machine.
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": str(CONNECTIONS_MAX),
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class PostgresServer:
    """A running cluster, reached through the socket in a folder."""

    socket_folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://fbali@/{database}?host={self.socket_folder}"

    def new_database(self, template: str = "template0") -> str:
        """Create a database as a copy of a template and give its URL."""
        name = f"test_{uuid.uuid4().hex[:16]}"
        self._create(name, template)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)"), str(name))

    def template(self, name: str, build: Callable[[str], None]) -> str:
        """Have a database built once per test run, to be copied by new_database.

        `build` gets its URL and leaves no connection open.
        """
        with locked("postgres-template"):
            if not self._exists(name):
                url = self.new_database()
                build(url)
                draft = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
                self._execute(sql.SQL("ALTER DATABASE {} RENAME TO {}"), str(draft), name)
        return name

    def is_ready(self) -> bool:
        try:
            return self._exists("template0")
        except psycopg.OperationalError:
            return False

    def _create(self, name: str, template: str) -> None:
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}"), name, template)

    def _exists(self, name: str) -> bool:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(query, [name]).fetchone() is not None

    def _execute(self, statement: sql.SQL, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.format(*map(sql.Identifier, names)))


def postgres_server() -> PostgresServer:
    """Give the cluster of this test run; the first process that asks starts it."""
    folder = session_folder() / "postgres"
    server = PostgresServer(folder)
    with locked("postgres"):
        if not (folder / "pid").exists():
            shutil.rmtree(folder, ignore_errors=True)
            start_postgres(folder)
    return server


def start_postgres(folder: Path) -> PostgresServer:
    """Make a cluster in a folder and start it; its process id is in `pid` there.

    A test that breaks its server starts one of its own with this, in a folder directly below
    the session's, and `resume_postgres` starts it again after its end.
    """
    programs, data, user = _make_cluster(folder)
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(folder), *settings]
    (folder / "command").write_text(json.dumps([command, user]))
    return resume_postgres(folder)


def resume_postgres(folder: Path) -> PostgresServer:
    """Start a cluster that was stopped or killed."""
    command, user = json.loads((folder / "command").read_text())
    (folder / "pid").unlink(missing_ok=True)
    launch(command, folder, user=user)
    server = PostgresServer(folder)
    wait_until_ready(server.is_ready, folder)
    return server


def _make_cluster(folder: Path) -> tuple[Path, Path, int | None]:
    """Return where the programs and the data are, and the user to run as."""
    user = _unprivileged_user()
    folder.mkdir()
    if user is not None:
        os.chown(folder, user, user)
    programs = _find_programs(copy_to=None if user is None else folder / "programs")

    data = folder / "data"
    initdb = [programs / "initdb", "--username=fbali", "--auth=trust", "--no-sync"]
    options = ["--encoding=UTF8", "--locale=C", f"--pgdata={data}"]
    done = subprocess.run(
        [*map(str, initdb), *options],
        cwd=folder,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)

    return programs, data, user


def _unprivileged_user() -> int | None:
    """Name the user to run as when we are root, which PostgreSQL refuses to be."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _find_programs(copy_to: Path | None) -> Path:
    """Find PostgreSQL's programs: on the path, where Debian puts them, or in the pgserver wheel.

    The wheel may lie where the unprivileged user cannot read, so it is copied to `copy_to`.
    """
    if shutil.which("initdb") and shutil.which("postgres"):
        return Path(str(shutil.which("initdb"))).resolve().parent
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if installed:
        return max(installed, key=lambda path: float(path.parent.name))
    return _find_wheel(copy_to)


def _find_wheel(copy_to: Path | None) -> Path:
    wheel = importlib.util.find_spec("pgserver")
    if wheel is None or wheel.origin is None:
        raise MissingServiceError("PostgreSQL is not installed")

    site_packages = Path(wheel.origin).parent.parent
    if copy_to is None:
        return site_packages / "pgserver" / "pginstall" / "bin"
    for part in ("pgserver", "pgserver.libs"):  # The programs find their libraries beside them.
        shutil.copytree(site_packages / part, copy_to / part)
    subprocess.run(["chmod", "-R", "a+rX", copy_to], check=True)
    return copy_to / "pgserver" / "pginstall" / "bin"
