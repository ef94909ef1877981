"""Follows the log of events without a gap, although PostgreSQL's numbers commit out of order.

An event's number is drawn while its order is locked, so within one order numbers grow in the order
of the locks; delivering strictly by number keeps it. SQLite has one writer: the order of numbers is
the order of commits. On PostgreSQL a number may be missing because its transaction still runs, or
because it was rolled back. Nothing tells which, so a reader waits until all transactions are over
that ran when the gap was seen: it draws a transaction id then, and waits for all below it. That is
sound because

- a number below a visible one was drawn before it, so before the gap was seen, and
- whoever draws a number has its transaction id by then (the trigger of migration 0010 sees to it),
  which is therefore below the one that the reader draws.

The snapshot's own xmax would not do: it is one more than the highest id that is over, and others
above it may run. Neither would `sequence > ?` alone nor a pair of transaction id and sequence: the
lower number may commit later, and the lower transaction id may have waited for the order's lock.
"""

from collections.abc import Callable, Sequence
from typing import Final

from oms.storage import event_log
from oms.storage.database import Database, Row
from oms.storage.event_log import COLUMNS

ROWS_AT_ONCE: Final = 500  # Of one read; it bounds what is in memory.

_XMIN = "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)"
_DRAW_XID = "SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)"
_ROWS = f"SELECT {COLUMNS} FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?"
# One statement, so that rows and transactions are of one moment.
_ROWS_AND_XMIN = (
    f"SELECT now.xmin, e.* FROM (SELECT {_XMIN} AS xmin) now LEFT JOIN ({_ROWS}) e ON TRUE"
    " ORDER BY e.sequence"
)


class Settling:
    """Decides how far visible numbers may be delivered; `position` is how far they were."""

    def __init__(self, position: int) -> None:
        """Begin after a position up to which every number is there or will never be."""
        self.position = position
        self._closed = position  # Up to here, what is missing will never come.
        self._mark: tuple[int, int] | None = None  # (number, what xmin must reach to close it).

    @property
    def waits(self) -> bool:
        """Tell whether something visible is held back by a gap."""
        return self._mark is not None

    def deliverable(self, numbers: Sequence[int], xmin: int, draw_xid: Callable[[], int]) -> int:
        """Count how many of the visible numbers after the position may be delivered; move there.

        All transactions below `xmin` were over when the numbers were seen; `draw_xid` returns an
        id above all that were drawn.
        """
        if self._mark is not None and xmin >= self._mark[1]:
            self._closed, self._mark = self._mark[0], None
        count = self._count(numbers)
        if count < len(numbers) and self._mark is None:
            self._mark = (numbers[-1], draw_xid())
        if count:
            self.position = numbers[count - 1]
        return count

    def _count(self, numbers: Sequence[int]) -> int:
        expected = self.position + 1
        for count, number in enumerate(numbers):
            if number != expected and number > self._closed:
                return count
            expected = number + 1
        return len(numbers)


class EventTail:
    """Reads each event once, in the order of their numbers; used by one thread."""

    def __init__(self, db: Database) -> None:
        """Begin at the end of the log, with the first read."""
        self._db = db
        self._settling: Settling | None = None
        self._start: tuple[int, int] | None = None

    @property
    def position(self) -> int | None:
        """Return up to where the log was read; None until it is known where to begin."""
        return None if self._settling is None else self._settling.position

    @property
    def waits(self) -> bool:
        """Tell whether a transaction that runs holds up what is there already."""
        return self._settling is None or self._settling.waits

    def read(self) -> list[Row]:
        """Return the next rows of COLUMNS, ROWS_AT_ONCE at the most."""
        with self._db.session():
            if self._settling is None:
                self._begin()
                return []
            if self._db.is_sqlite:
                rows = self._db.all(_ROWS, self._settling.position, ROWS_AT_ONCE)
                if rows:
                    self._settling.position = rows[-1][0]
                return rows
            return self._read_settled(self._settling)

    def _read_settled(self, settling: Settling) -> list[Row]:
        waited = settling.waits
        found = self._db.all(_ROWS_AND_XMIN, settling.position, ROWS_AT_ONCE)
        rows = [row[1:] for row in found if row[1] is not None]
        numbers = [row[0] for row in rows]
        count = settling.deliverable(numbers, found[0][0], self._draw_xid)
        if settling.waits and not (waited or count):
            return self._read_settled(settling)  # Most gaps are dead when they are seen.
        return rows[:count]

    def _begin(self) -> None:
        """Begin at the end, once all are over that ran when it was looked at."""
        if self._db.is_sqlite:
            self._settling = Settling(event_log.highest(self._db))
            return
        if self._start is None:
            end = event_log.highest(self._db)  # First, so that who drew it has a lower id.
            self._start = (end, self._draw_xid())
        if self._one(f"SELECT {_XMIN}") >= self._start[1]:
            self._settling = Settling(self._start[0])

    def _draw_xid(self) -> int:
        return self._one(_DRAW_XID)

    def _one(self, sql: str) -> int:
        row = self._db.one(sql)
        assert row is not None
        return int(row[0])
