"""What stores are told of parcels."""

import time

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.storage.dialects import statements_of


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add columns and a table; stores that are there are told of parcels from now on.

    What was handed over before was told by hand, if at all: customers must not hear of it again.
    """
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
    now_ms = int(time.time()) * 1000
    db.execute_sql(f"UPDATE store SET write_back_since_at = {db.param}", (now_ms,))
