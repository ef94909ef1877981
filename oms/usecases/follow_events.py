"""Following the log of events: one reader for all who watch, and what they ask besides."""

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from oms.domain.allocations import LIVE_STATES
from oms.domain.errors import NotFound, Unavailable
from oms.domain.principals import Role
from oms.domain.views import AllocationView, OrderView
from oms.storage import accounts, allocation_views, event_log, order_views
from oms.storage.allocation_views import AllocationFilter
from oms.storage.database import Database, Row
from oms.storage.event_log import Log, LoggedEvent, owners, seen_by
from oms.storage.event_tail import ROWS_AT_ONCE, EventTail
from oms.storage.order_page import PageKey
from oms.storage.wakeups import News, Wakeups
from oms.usecases.context import Oms

__all__ = ["EventReader", "Log", "LoggedEvent", "owners", "seen_by"]

log = logging.getLogger(__name__)

KEPT_MS = 7 * 86_400_000  # How long a position may be gone on from.
WAIT_SECONDS = 0.2  # How long a reader that is to stop may go on.
_GAP_ASK_SECONDS = 0.02  # A transaction that is rolled back wakes nobody.
_GAP_TOLD_SECONDS = 5.0  # A gap that stays for so long is told of.


@dataclass(frozen=True, slots=True)
class LogNews:
    """What a reader found; `position` is up to where all is known, None until that is known."""

    rows: Sequence[Row]
    position: int | None
    now_ms: int


class EventReader:
    """Reads the log for a whole process; used by one thread, with connections of its own."""

    def __init__(self, oms: Oms) -> None:
        """Begin at the end of the log, with the first read."""
        self._oms = oms
        self._db = Database(oms.db.url)
        self._tail = EventTail(self._db)
        self._wakeups = Wakeups(self._db, News.EVENT_WRITTEN)
        self._is_behind = True
        self._held_up_since: float | None = None

    def next(self) -> LogNews:
        """Wait a moment for news; a database that is away is waited for as well."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            if not self._is_behind:
                seconds = _GAP_ASK_SECONDS if self._tail.waits else WAIT_SECONDS
                self._wakeups.wait(min(seconds, WAIT_SECONDS))
            rows = self._read()
            self._is_behind = len(rows) == ROWS_AT_ONCE
            if rows or time.monotonic() >= until:
                return LogNews(rows, self._tail.position, self._oms.clock.now_ms())

    def close(self) -> None:
        """Let go of the connections of this thread."""
        self._wakeups.close()
        self._db.close()
        self._oms.db.close()

    def _read(self) -> Sequence[Row]:
        try:
            rows = self._tail.read()
        except Unavailable as error:
            log.warning("the log of events cannot be read: %s", error)
            time.sleep(WAIT_SECONDS)
            return ()
        self._tell_of_gap()
        return rows

    def _tell_of_gap(self) -> None:
        if not self._tail.waits:
            self._held_up_since = None
            return
        now = time.monotonic()
        if self._held_up_since is None:
            self._held_up_since = now
        elif now - self._held_up_since > _GAP_TOLD_SECONDS:
            log.warning("a transaction has held up the log of events for %g s", _GAP_TOLD_SECONDS)
            self._held_up_since = now


def read_log(oms: Oms, wanted: Log, after: int, upto: int, limit: int) -> list[LoggedEvent]:
    """Return what happened after a position, up to one that a reader has reached."""
    return event_log.page(oms.db, wanted, after, upto, limit)


def oldest_position(oms: Oms, upto: int) -> int:
    """Return the position before what happened in the last 7 days."""
    found = event_log.position_before(oms.db, oms.clock.now_ms() - KEPT_MS)
    return upto if found is None else min(found, upto)


def is_reached(oms: Oms, position: int) -> bool:
    """Tell whether a position can have been given out by this database."""
    return position <= event_log.highest(oms.db)


def require_followed(oms: Oms, wanted: Log) -> None:
    """Refuse to follow what is not the owner's; raises NotFound."""
    if wanted.ids and (missing := event_log.missing(oms.db, wanted)):
        things = "orders" if wanted.role == Role.MERCHANT else "allocations"
        raise NotFound.of(f"{wanted.role.value.lower()}s/{wanted.owner_id}/{things}/{missing[0]}")


def unfinished_orders(oms: Oms, wanted: Log, after: PageKey | None, limit: int) -> list[OrderView]:
    """Return admitted orders that are not finished, the oldest first."""
    return order_views.unfinished(oms.db, wanted.owner_id, sorted(wanted.ids), after, limit)


def unfinished_allocations(oms: Oms, wanted: Log, before: str, limit: int) -> list[AllocationView]:
    """Return allocations with which the vendor is not done, the newest first."""
    states = tuple(sorted(LIVE_STATES))
    filtered = AllocationFilter(wanted.owner_id, states, ids=tuple(sorted(wanted.ids)))
    return allocation_views.page(oms.db, filtered, before, limit)


def valid_tokens(oms: Oms, token_ids: Collection[str]) -> set[str]:
    """Tell which tokens still work."""
    return accounts.valid_tokens(oms.db, token_ids, oms.clock.now_ms())
