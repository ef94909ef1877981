"""The first shape of the database.

Written out rather than made from the models, so that it stays what it was when the models move on;
a test compares what the migrations arrive at with the models, on both databases.
"""

from pathlib import Path

from peewee import Database, SqliteDatabase
from playhouse.migrate import SchemaMigrator

_SQLITE = {
    "bigint": "INTEGER",
    "boolean": "INTEGER",
    "bytes": "BLOB",
    "serial": "INTEGER",
}
_POSTGRESQL = {
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "bytes": "BYTEA",
    "serial": "BIGSERIAL",
}


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Create every table and index."""
    types = _SQLITE if isinstance(db, SqliteDatabase) else _POSTGRESQL
    text = Path(__file__).with_suffix(".sql").read_text("utf-8")
    for statement in text.format_map(types).split(";\n"):
        if statement.strip():
            db.execute_sql(statement)
