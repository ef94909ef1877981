"""The first shape of the database.

Written out rather than made from the models, so that it stays what it was when the models move on;
a test compares what the migrations arrive at with the models, on both databases.
"""

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.storage.dialects import statements_of


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Create every table and index."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
