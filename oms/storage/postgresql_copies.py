"""A whole PostgreSQL database saved by pg_dump while others write, and put back by pg_restore.

What is there is moved into a schema of its own before another database is put in its place, and
moved back when that fails. A restore that was killed is undone by the next one.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from oms.domain.errors import Refused, Unavailable
from oms.storage.database import Database

SECONDS_MAX: Final = 6 * 3_600
_FORMER: Final = "fbali_former"  # Where the former tables are while others come in their place.
_WORDS_MAX: Final = 500

_TABLES = (
    "SELECT 'TABLE', quote_ident(tablename) FROM pg_tables WHERE schemaname = '{schema}' UNION ALL"
    " SELECT 'FUNCTION', quote_ident(proname) || '(' || pg_get_function_identity_arguments(oid)"
    " || ')' FROM pg_proc f WHERE pronamespace = '{schema}'::regnamespace AND NOT EXISTS"
    " (SELECT 1 FROM pg_depend d WHERE d.objid = f.oid AND d.deptype = 'e')"
)


def save(db: Database, target: Path, read: Callable[[], None]) -> None:
    """Write a dump of one instant; `read` is called to read more from that same instant.

    Raises:
        Refused: pg_dump is missing, or failed; the message has its words.
    """
    program = _program("pg_dump")
    with db.snapshot():
        # This transaction waits for pg_dump as long as that takes.
        db.run("SET LOCAL idle_in_transaction_session_timeout = 0")
        db.run("SET LOCAL statement_timeout = 0")
        row = db.one("SELECT pg_export_snapshot()")
        assert row is not None
        read()
        _run(
            db,
            [
                program,
                "--format=custom",
                f"--exclude-schema={_FORMER}",
                "--no-owner",
                "--no-privileges",
                "--lock-wait-timeout=15s",
                f"--snapshot={row[0]}",
                f"--file={target}",
            ],
        )
    with target.open("rb") as dump:
        os.fsync(dump.fileno())


def require_alone(db: Database) -> None:
    """Refuse while another process of ours is connected; raises Refused."""
    with db.session():
        row = db.one(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND application_name = 'fbali'"
        )
    assert row is not None
    if row[0]:
        raise Refused(
            f"the database is in use by {row[0]} connections: stop every process of fbali-server"
            " on every host first"
        )


@contextmanager
def replaced(db: Database, dump: Path) -> Iterator[None]:
    """Put a dump in the place of what is there; whatever is raised meanwhile undoes it.

    Raises:
        Refused: pg_restore is missing, or failed; the message has its words.
    """
    program = _program("pg_restore")
    require_alone(db)
    with db.session():
        db.run("SET statement_timeout = 0")
        _undo(db)
        _put_aside(db)
        try:
            _run(
                db,
                [
                    program,
                    "--single-transaction",
                    "--exit-on-error",
                    "--no-owner",
                    "--no-privileges",
                    f"--dbname={_address(db)}",
                    str(dump),
                ],
            )
            yield
        except BaseException:
            _undo(db)
            raise
        with db.transaction():
            db.run(f"DROP SCHEMA {_FORMER} CASCADE")
        db.run("ANALYZE")  # Plans are made of what is there now.


def _put_aside(db: Database) -> None:
    with db.transaction():
        db.run(f"CREATE SCHEMA {_FORMER}")
        for kind, name in db.all(_TABLES.format(schema="public")):
            db.run(f"ALTER {kind} public.{name} SET SCHEMA {_FORMER}")


def _undo(db: Database) -> None:
    """Bring back what was put aside; without that, there is nothing to undo."""
    with db.transaction():
        if not db.one("SELECT 1 FROM pg_namespace WHERE nspname = ?", _FORMER):
            return
        for kind, name in db.all(_TABLES.format(schema="public")):
            db.run(f"DROP {kind} public.{name} CASCADE")
        for kind, name in db.all(_TABLES.format(schema=_FORMER)):
            db.run(f"ALTER {kind} {_FORMER}.{name} SET SCHEMA public")
        db.run(f"DROP SCHEMA {_FORMER}")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Refused(
            f"{name} is not on the path: install PostgreSQL's client programs (postgresql-client),"
            " of the server's version or newer"
        )
    return found


def _address(db: Database) -> str:
    """Write the address without the password, which every user of the machine could read."""
    parts = conninfo_to_dict(db.url)
    parts.pop("password", None)
    return make_conninfo("", **parts)


def _run(db: Database, command: list[str]) -> None:
    password = conninfo_to_dict(db.url).get("password")
    inherited = os.environ  # noqa: TID251 - variables of PostgreSQL's own programs.
    environment = {**inherited, **({"PGPASSWORD": str(password)} if password else {})}
    if not any(word.startswith("--dbname=") for word in command):
        command = [*command, f"--dbname={_address(db)}"]
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs.
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{name} did not end within {SECONDS_MAX // 3600} hours") from error
    if done.returncode:
        raise Refused(f"{name} failed: {done.stderr.strip()[-_WORDS_MAX:]}")
