"""The bare driver: the same rows into the same tables and indexes, and nothing else."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from oms.storage.database import Database

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows of one table as they are in the end."""

    table: str
    columns: tuple[str, ...]
    rows: Rows

    @property
    def sql(self) -> str:
        """Return the statement."""
        values = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self.table} ({', '.join(self.columns)}) VALUES ({values})"


@dataclass(frozen=True, slots=True)
class Update:
    """Rows that were there before; the first column is the key, the others are written."""

    table: str
    columns: tuple[str, ...]
    rows: Rows

    @property
    def sql(self) -> str:
        """Return the statement."""
        values = ", ".join(f"{column} = ?" for column in self.columns[1:])
        return f"UPDATE {self.table} SET {values} WHERE {self.columns[0]} = ?"


class BareDatabase:
    """One connection, set up as the product sets up its own."""

    def __init__(self, url: str) -> None:
        self._connection: Any
        self._mark = "?"
        if url.startswith("sqlite"):
            self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            for pragma in (
                "journal_mode=wal",
                "synchronous=full",
                "foreign_keys=1",
                "cache_size=-64000",
                "temp_store=memory",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
        else:
            self._connection = psycopg.connect(url, autocommit=True)
            self._mark = "%s"

    def write(self, changes: Sequence[Insert | Update]) -> float:
        """Write all in one transaction; return the seconds that it took."""
        ready = [(change.sql.replace("?", self._mark), _parameters(change)) for change in changes]
        started = time.perf_counter()
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self._mark == "?" else "BEGIN")
        for sql, rows in ready:
            cursor.executemany(sql, rows)
        cursor.execute("COMMIT")
        return time.perf_counter() - started

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def inserted(db: Database, table: str, key: str, values: Sequence[object]) -> Insert:
    """Read back the rows of a table by some key; numbers that the database gives are left out."""
    columns = tuple(column for column in columns_of(db, table) if column != "sequence")
    return Insert(table, columns, _read(db, table, columns, {key: values}))


def updated(
    db: Database, table: str, columns: tuple[str, ...], wanted: Mapping[str, Sequence[object]]
) -> Update:
    """Read back some columns of rows, the key first, by the values of one column."""
    return Update(table, columns, _read(db, table, columns, wanted))


def columns_of(db: Database, table: str) -> tuple[str, ...]:
    """Name the columns of a table."""
    cursor = db.peewee.execute_sql(f"SELECT * FROM {table} LIMIT 0")
    return tuple(column[0] for column in cursor.description)


def _read(
    db: Database, table: str, columns: Sequence[str], wanted: Mapping[str, Sequence[object]]
) -> Rows:
    [(key, values)] = wanted.items()
    marks = ", ".join("?" * len(values)) or "NULL"
    return db.all(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN ({marks})", *values)


def _parameters(change: Insert | Update) -> Rows:
    if isinstance(change, Insert):
        return change.rows
    return [(*row[1:], row[0]) for row in change.rows]
