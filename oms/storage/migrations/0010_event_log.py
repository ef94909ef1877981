"""History as a log that merchants and vendors follow, and what wakes its readers."""

import time

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from oms.storage.dialects import statements_of
from oms.storage.events import vendor_and_allocation

_READ_MS = 8 * 86_400_000  # Nobody follows what is older than 7 days.
_ROWS_AT_ONCE = 10_000  # Bounds the memory.

# A reader takes it that whoever drew a number had a transaction id by then: see event_tail.py.
_WAKE = (
    """
    CREATE FUNCTION event_wake() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        PERFORM pg_current_xact_id();
        PERFORM pg_notify('event_written', '');
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER event_written BEFORE INSERT ON event
    FOR EACH STATEMENT EXECUTE FUNCTION event_wake()
    """,
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add columns and indexes, say whose the rows of late are, and let a commit wake readers."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
    _fill(db, time.time_ns() // 1_000_000 - _READ_MS)
    if not isinstance(db, SqliteDatabase):
        for statement in _WAKE:
            db.execute_sql(statement)


def _fill(db: Database, since_ms: int) -> None:
    """Read the vendor and the allocation of each row out of its subject."""
    mark, last = db.param, 0
    while rows := db.execute_sql(
        f"SELECT sequence, subject FROM event WHERE sequence > {mark} AND created_at >= {mark}"
        f" AND subject LIKE {mark} ORDER BY sequence LIMIT {_ROWS_AT_ONCE}",
        (last, since_ms, "vendors/%"),
    ).fetchall():
        db.cursor().executemany(
            f"UPDATE event SET vendor_id = {mark}, allocation_id = {mark} WHERE sequence = {mark}",
            [(*vendor_and_allocation(subject), sequence) for sequence, subject in rows],
        )
        last = rows[-1][0]
