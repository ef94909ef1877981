"""After-sales cases."""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.storage.dialects import statements_of


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add the tables of cases and policies."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
