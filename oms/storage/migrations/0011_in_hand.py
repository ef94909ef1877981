"""Which process has a job in hand, when instants were written, and which systems are slow."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.storage.dialects import statements_of


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add the columns."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
