"""Photos of cases, the uploads they come by, and the files they are kept in."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.storage.dialects import statements_of


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add the tables."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
