"""What tables share: their root, references, and columns that hold the words of an enum."""

from enum import StrEnum
from typing import Any

from peewee import SQL, Check, Model, TextField


class Table(Model):
    """The root of every table; bound to a database by those who create or query models."""


class BytewiseTextField(TextField):
    """Texts that are compared byte by byte, whatever the language of the database."""

    def ddl_datatype(self, ctx: Any) -> SQL:
        """Name the order of bytes for PostgreSQL; it is that of SQLite unless it is told."""
        is_postgresql = ctx.state.field_types.get("BLOB") == "BYTEA"
        return SQL('TEXT COLLATE "C"' if is_postgresql else "TEXT")


def one_of(column: str, words: type[StrEnum]) -> Any:
    """Allow the words of an enum, and NULL where the column allows it."""
    return Check(f"{column} IN ({', '.join(repr(word.value) for word in words)})")


def refers_to(table: str) -> TextField:
    """Make a column that holds the id of a row of another table."""
    return TextField(constraints=[SQL(f"REFERENCES {table} (id)")])
