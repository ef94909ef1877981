"""Column types that differ between the databases, filled into the SQL of migrations."""

from collections.abc import Iterator
from pathlib import Path

from peewee import Database, SqliteDatabase

_SQLITE = {
    "bytewise_text": "TEXT",
    "bigint": "INTEGER",
    "boolean": "INTEGER",
    "bytes": "BLOB",
    "serial": "INTEGER",
}
_POSTGRESQL = {
    "bytewise_text": 'TEXT COLLATE "C"',
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "bytes": "BYTEA",
    "serial": "BIGSERIAL",
}


def statements_of(migration: str, db: Database) -> Iterator[str]:
    """Yield the statements of the SQL file beside a migration, in the database's own types."""
    types = _SQLITE if isinstance(db, SqliteDatabase) else _POSTGRESQL
    text = Path(migration).with_suffix(".sql").read_text("utf-8")
    for statement in text.format_map(types).split(";\n"):
        if statement.strip():
            yield statement
