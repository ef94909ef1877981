"""Lanes of jobs, turns at outside systems, processes, and what wakes the relays."""

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

from oms.storage.dialects import statements_of

# Only what makes a job due earlier is news; claims and leases are not.
_WAKE = (
    """
    CREATE FUNCTION job_wake() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('job_due', ''); RETURN NULL; END $$
    """,
    "CREATE TRIGGER job_written AFTER INSERT ON job FOR EACH ROW EXECUTE FUNCTION job_wake()",
    """
    CREATE TRIGGER job_hastened AFTER UPDATE OF due_at ON job FOR EACH ROW
    WHEN (NEW.state = 'PENDING' AND NEW.lease_token IS NULL AND
        (NEW.due_at < OLD.due_at OR OLD.lease_token IS NOT NULL OR OLD.state <> 'PENDING'))
    EXECUTE FUNCTION job_wake()
    """,
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add columns and tables; on PostgreSQL, let a commit wake the relays."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
    if not isinstance(db, SqliteDatabase):
        for statement in _WAKE:
            db.execute_sql(statement)
