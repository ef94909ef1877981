"""A database that watches in which order transactions lock rows; ARCHITECTURE.md says the order.

It works on SQLite too, which needs no locks: the statements are the same there but for the clause.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from oms.domain.ids import IdKind
from oms.storage.database import Database, Row

LOCK = " FOR NO KEY UPDATE"
# Tables whose rows transactions share, in the order in which rows of them are locked or written
# for the first time. What belongs to an order is covered by its order's lock.
RANKS = {
    name: rank
    for rank, names in enumerate(
        [
            ("request",),
            ("import_run",),
            ("store",),
            ("vendor",),
            ("orders",),
            ("hosting", "partnership"),
            ("schedule",),
            ("job, as a trigger",),
            ("sync_run",),
            ("job",),  # The one that is run, or that the operator decides on.
            ("turn",),
        ]
    )
    for name in names
}
OWNED = {
    *("order_detail", "order_line", "order_word", "allocation", "allocation_line", "cost_entry"),
    *("package", "package_line", "tracking_event", "write_back", "hold", "sale", "event"),
    *("after_sales_case", "case_item", "case_refund", "case_resend", "case_proposal", "case_term"),
    *("case_message", "photo"),
}
_ID = re.compile(r"[a-z][0-9a-v]{26}")
_OWNED_KINDS = {
    *(IdKind.ALLOCATION, IdKind.PACKAGE, IdKind.LINE, IdKind.WRITE_BACK, IdKind.HOLD),
    IdKind.CASE,
}
_WRITE = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_FROM = re.compile(r"FROM (\w+)")


@dataclass
class Seen:
    """What one transaction has locked or written so far."""

    tables: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)  # Orders.
    inserted: set[str] = field(default_factory=set)  # Orders.


class LockRecorder(Database):
    """Writes down every step aside as a sentence in `faults`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.lock_rows = LOCK
        self.faults: list[str] = []
        self.locks: set[str] = set()  # Tables of which rows were locked.
        self.written: set[str] = set()
        self._order_of: dict[str, str] = {}  # What belongs to an order -> the order.
        self._thread = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._noted is not None:
            with super().transaction():
                yield
            return
        self._thread.seen = Seen()
        try:
            with super().transaction():
                yield
        finally:
            self._thread.seen = None

    def all(self, sql: str, *parameters: object) -> list[Row]:
        rows = super().all(self._runnable(sql), *parameters)
        self._note(sql, parameters, rows)
        return rows

    def one(self, sql: str, *parameters: object) -> Row | None:
        row = super().one(self._runnable(sql), *parameters)
        self._note(sql, parameters, [row] if row else [])
        return row

    def run(self, sql: str, *parameters: object) -> int:
        self._note(sql, parameters, [])
        return super().run(self._runnable(sql), *parameters)

    def many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        batch = list(rows)
        for row in batch:
            self._note(sql, row, [])
        super().many(self._runnable(sql), batch)

    @property
    def _noted(self) -> Seen | None:
        return getattr(self._thread, "seen", None)

    def _runnable(self, sql: str) -> str:
        return re.sub(f"{LOCK}( OF \\w+| SKIP LOCKED)*", "", sql) if self.is_sqlite else sql

    def _note(self, sql: str, parameters: Sequence[object], rows: Sequence[Row]) -> None:
        write = _WRITE.match(sql)
        if write is not None:
            is_trigger = sql.startswith("INSERT INTO job ")
            self._enter("job, as a trigger" if is_trigger else write[2], sql)
            self._note_write(write[1], write[2], parameters)
        elif LOCK in sql and "SKIP LOCKED" not in sql:
            table = _FROM.findall(sql)[-1]
            self._enter(table, sql)
            self.locks.add(table)
            if table == "orders":
                self._note_locked([_order_in(row) for row in rows])

    def _enter(self, table: str, sql: str) -> None:
        seen = self._noted
        if table not in RANKS or seen is None or table in seen.tables:
            return
        later = [name for name in seen.tables if RANKS[name] > RANKS[table]]
        if later:
            self.faults.append(f"{table} after {', '.join(later)}: {sql}")
        seen.tables.append(table)

    def _note_locked(self, order_ids: Sequence[str]) -> None:
        seen = self._noted
        if seen is None:
            self.faults.append("orders are locked outside a transaction")
            return
        new = [order_id for order_id in order_ids if order_id not in seen.locked]
        if [*seen.locked, *new] != sorted([*seen.locked, *new]):
            self.faults.append(f"orders {new} are locked after {seen.locked}")
        seen.locked += new

    def _note_write(self, verb: str, table: str, parameters: Sequence[object]) -> None:
        if table != "orders" and table not in OWNED:
            return
        self.written.add(table)
        seen = self._noted or Seen()
        ids = [str(item) for item in parameters if _ID.fullmatch(str(item))]
        if (verb, table) == ("INSERT INTO", "orders"):
            seen.inserted.add(ids[0])
            return
        owners = {item if item[0] == "o" else self._order_of.get(item, "") for item in ids} - {""}
        if ids and not owners:  # Without ids it is an empty list, and nothing is written.
            self.faults.append(f"{verb} {table} of an order that is not known: {ids}")
        for order_id in owners - {*seen.locked, *seen.inserted}:
            self.faults.append(f"{verb} {table} of {order_id}, which is not locked")
        if verb == "INSERT INTO" and len(owners) == 1 and ids[0][0] in _OWNED_KINDS:
            self._order_of.setdefault(ids[0], *owners)


def _order_in(row: Any) -> str:
    [order_id] = [item for item in row if _ID.fullmatch(str(item)) and str(item)[0] == "o"]
    return str(order_id)
