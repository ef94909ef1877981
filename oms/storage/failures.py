"""What a database could not do and what that is to a caller: one table for both drivers.

Whatever is not in it is an error of ours and travels on as it is.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import peewee
import psycopg

from oms.domain.errors import Contended, FbaliError, LimitExceeded, Unavailable

Refusal = Callable[[], FbaliError]


def _busy() -> FbaliError:
    return Unavailable("the database is busy or not ready; nothing was done")


def _away() -> FbaliError:
    # It may have been lost between a commit and its answer.
    return Unavailable(
        "the database was lost, and whether this was done is not known; repeat it with the same"
        " request id, which does it once"
    )


def _contended() -> FbaliError:
    return Contended("too many change the same at the same time; nothing was done")


def _full() -> FbaliError:
    return LimitExceeded("the database is full; nothing was written", limit="storage")


# SQLite's primary result code -> the refusal.
SQLITE: Final[Mapping[int, Refusal]] = {
    sqlite3.SQLITE_BUSY: _busy,
    sqlite3.SQLITE_LOCKED: _busy,
    sqlite3.SQLITE_PROTOCOL: _busy,
    sqlite3.SQLITE_IOERR: _away,
    sqlite3.SQLITE_CANTOPEN: _busy,
    sqlite3.SQLITE_FULL: _full,
}

# PostgreSQL's SQLSTATE, or its class (the first two characters) -> the refusal.
POSTGRESQL: Final[Mapping[str, Refusal]] = {
    "08": _away,  # The connection is gone or was never made.
    "25006": _busy,  # A standby that is not yet the new primary.
    "25P03": _busy,  # A transaction that did nothing for too long.
    "40": _away,
    "40001": _contended,  # A snapshot that cannot be kept.
    "40P01": _contended,  # A deadlock.
    "53": _busy,  # Too many connections, no memory.
    "53100": _full,
    "55P03": _busy,  # A lock was not to be had in time.
    "57014": _busy,  # A statement took too long.
    "57P03": _busy,  # It starts up.
    "57": _away,  # It shuts down.
    "58": _away,  # Its disk or its machine fails.
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
        return _away if is_away else None
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
