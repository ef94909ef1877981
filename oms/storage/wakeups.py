"""Waits for what others write: PostgreSQL tells of it in the commit, SQLite is asked."""

import logging
import time
from enum import StrEnum
from typing import Any, Final

import psycopg

from oms.storage.database import Database
from oms.storage.postgresql import connection_settings

log = logging.getLogger(__name__)

ASK_SECONDS: Final = 0.02  # How late what another process wrote is noticed on SQLite.
SLOW_ASK_SECONDS: Final = 1.0  # The same on PostgreSQL when it could not say so.


class News(StrEnum):
    """What can be waited for; triggers of the database name it."""

    JOB_DUE = "job_due"
    EVENT_WRITTEN = "event_written"


class Wakeups:
    """Used by one thread; keeps a connection of its own on PostgreSQL."""

    def __init__(self, db: Database, news: News = News.JOB_DUE) -> None:
        """Connect at the first wait."""
        self._news = news
        self._settings = None if db.is_sqlite else connection_settings(db.url)
        self._connection: psycopg.Connection[Any] | None = None

    def wait(self, seconds: float) -> None:
        """Return when there may be news, and after `seconds` or a bound of ours anyway.

        A server that is away makes this a plain pause.
        """
        if self._settings is None:
            time.sleep(min(seconds, ASK_SECONDS))
            return
        try:
            connection = self._connection or self._listen(self._settings)
            for _ in connection.notifies(timeout=min(seconds, SLOW_ASK_SECONDS), stop_after=1):
                pass
        except psycopg.Error as error:
            log.warning("not told of %s: %s", self._news, error)
            self.close()
            time.sleep(min(seconds, SLOW_ASK_SECONDS))

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listen(self, settings: dict[str, Any]) -> psycopg.Connection[Any]:
        self._connection = psycopg.connect(**settings, autocommit=True)
        self._connection.execute(f"LISTEN {self._news}")
        return self._connection
