"""What a database could not do and what that is to a caller: one table for both drivers.

Whatever is not in it is an error of ours and travels on as it is.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import peewee
import psycopg

from oms.domain.errors import FbaliError, LimitExceeded, Unavailable

Refusal = Callable[[], FbaliError]


def _busy_or_away() -> FbaliError:
    return Unavailable("the database is busy or away; nothing was done")


def _full() -> FbaliError:
    return LimitExceeded("the database is full; nothing was written", limit="storage")


# SQLite's primary result code -> the refusal.
SQLITE: Final[Mapping[int, Refusal]] = {
    sqlite3.SQLITE_BUSY: _busy_or_away,
    sqlite3.SQLITE_LOCKED: _busy_or_away,
    sqlite3.SQLITE_PROTOCOL: _busy_or_away,
    sqlite3.SQLITE_IOERR: _busy_or_away,
    sqlite3.SQLITE_CANTOPEN: _busy_or_away,
    sqlite3.SQLITE_FULL: _full,
}

# PostgreSQL's SQLSTATE, or its class (the first two characters) -> the refusal.
POSTGRESQL: Final[Mapping[str, Refusal]] = {
    "08": _busy_or_away,  # The connection is gone or was never made.
    "25006": _busy_or_away,  # A standby that is not yet the new primary.
    "25P03": _busy_or_away,  # A transaction that did nothing for too long.
    "40": _busy_or_away,  # A deadlock, or a snapshot that cannot be kept.
    "53": _busy_or_away,  # Too many connections, no memory.
    "53100": _full,
    "55P03": _busy_or_away,  # A lock was not to be had in time.
    "57": _busy_or_away,  # It shuts down, starts up, or a statement took too long.
    "58": _busy_or_away,  # Its disk or its machine fails.
}

# Failures after which every other connection must be taken for dead too.
_CONNECTION_CLASSES: Final = ("08", "57P")


def refusal_of(error: peewee.PeeweeException) -> FbaliError | None:
    """Return what a caller is told; None for an error of ours."""
    for cause in _causes(error):
        refusal = _lookup(cause)
        if refusal is not None:
            return refusal()
    return None


def is_connection_lost(error: peewee.PeeweeException) -> bool:
    """Tell whether the server is gone rather than unable to do one thing."""
    return any(
        isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        and (cause.sqlstate or "08").startswith(_CONNECTION_CLASSES)
        for cause in _causes(error)
    )


def _lookup(cause: BaseException) -> Refusal | None:
    if isinstance(cause, sqlite3.Error):
        code: int | None = getattr(cause, "sqlite_errorcode", None)
        return None if code is None else SQLITE.get(code & 0xFF)
    if not isinstance(cause, psycopg.Error):
        return None
    state = cause.sqlstate
    if state is None:  # The driver itself speaks: there is no connection.
        is_away = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        return _busy_or_away if is_away else None
    return POSTGRESQL.get(state) or POSTGRESQL.get(state[:2])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the drivers' own errors, the first one that happened first.

    A rollback that fails because the connection is gone hides why it was needed. What an earlier
    refusal was about is over.
    """
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and not isinstance(link, FbaliError):
        chain.append(link)
        link = link.__context__
    for link in reversed(chain):
        if isinstance(link, sqlite3.Error | psycopg.Error):
            yield link
