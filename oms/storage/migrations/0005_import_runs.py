"""Import runs, their broken rows, and an index to find variants by SKU."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.storage.dialects import statements_of


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add tables and the index."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
