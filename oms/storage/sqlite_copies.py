"""A whole SQLite database copied while others write, and put in the place of another one."""

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import peewee

from oms.domain.errors import Refused, Unavailable
from oms.storage.database import Database

BUSY_SECONDS_MAX: Final = 60.0
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_LOGS: Final = ("-wal", "-shm", "-journal")


def save(db: Database, target: Path) -> None:
    """Copy the database of one instant into a new file; writers go on meanwhile.

    All pages are copied in one step: in several, every commit of another process would make it
    begin again.

    Raises:
        Unavailable: somebody locks all others out for a minute.
        Refused: the file is damaged.
    """
    until = time.monotonic() + BUSY_SECONDS_MAX

    def look(status: int, _remaining: int, _total: int) -> None:
        if status in _BUSY and time.monotonic() > until:
            raise Unavailable("the database is locked, for a migration perhaps; nothing was saved")

    try:
        with db.session(), closing(sqlite3.connect(target)) as copy:
            db.peewee.connection().backup(copy, progress=look)
            copy.execute("PRAGMA journal_mode = DELETE")  # One file, without a log beside it.
    except (sqlite3.DatabaseError, peewee.DatabaseError) as error:
        raise Refused(f"{db.file} cannot be read: {error}") from error
    flush(target)


def settle(file: Path) -> None:
    """Move the log of a file that nobody else uses into it.

    Raises:
        Refused: somebody does use it.
    """
    with closing(sqlite3.connect(file, timeout=1)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY:
                raise
            raise Refused(
                f"{file} is in use ({error}): stop every process of fbali-server first"
            ) from error


def put_in_place(draft: Path, target: Path) -> None:
    """Put a complete file in the place of another one that nobody uses, at one stroke.

    Raises:
        Refused: somebody uses the other one.
    """
    if target.exists() and target.stat().st_size:
        with suppress(sqlite3.DatabaseError):  # It is damaged, which is why it is replaced.
            settle(target)
    for suffix in _LOGS:
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    flush(draft)
    draft.replace(target)
    flush(target.parent)


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
