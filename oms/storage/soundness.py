"""Whether a whole database is what it ought to be, and its life after it was put back."""

from collections.abc import Mapping
from typing import Final

import peewee

from oms.domain.allocations import LIVE_STATES
from oms.storage.database import Database

_LIVE: Final = ", ".join(f"'{state.value}'" for state in sorted(LIVE_STATES))

# What must not be -> the rows that show it. The constraints of the tables are looked at besides.
_WRONG: Final[Mapping[str, str]] = {
    "lines whose units do not add up": (
        "SELECT id FROM order_line WHERE NOT over_allocated"
        " AND excluded + allocated + packed > ordered - removed - elsewhere"
    ),
    "lines that count other units as allocated than their vendors have": (
        "SELECT id FROM order_line l LEFT JOIN (SELECT al.line_id,"
        " SUM(al.quantity - al.packed - al.returned) AS units FROM allocation_line al"
        f" JOIN allocation a ON a.id = al.allocation_id WHERE a.state IN ({_LIVE})"
        " GROUP BY al.line_id) counted ON counted.line_id = l.id"
        " WHERE l.allocated <> COALESCE(counted.units, 0)"
    ),
    "lines that count other units as packed than their parcels hold": (
        "SELECT id FROM order_line l LEFT JOIN (SELECT pl.line_id, SUM(pl.quantity) AS units"
        " FROM package_line pl JOIN package p ON p.id = pl.package_id WHERE p.state <> 'VOIDED'"
        " GROUP BY pl.line_id) counted ON counted.line_id = l.id"
        " WHERE l.packed <> COALESCE(counted.units, 0)"
    ),
}


def row_counts(db: Database) -> dict[str, int]:
    """Count the rows of every table, in the open transaction."""
    return {name: _count(db, f'SELECT COUNT(*) FROM "{name}"') for name in sorted(_tables(db))}


def has_data(db: Database) -> bool:
    """Tell whether there is a row in any table but the list of migrations.

    What cannot be read may have been data.
    """
    try:
        with db.session():
            names = [name for name in _tables(db) if name != "schema_migration"]
            return any(db.one(f'SELECT 1 FROM "{name}" LIMIT 1') for name in names)
    except peewee.DatabaseError:
        return True


def problems(db: Database) -> list[str]:
    """Say in words what is wrong with the file, the constraints or the ledgers; read everything."""
    with db.snapshot():
        found = _sqlite_problems(db) if db.is_sqlite else _unproven_constraints(db)
        if found or "order_line" not in _tables(db):
            return found
        for words, sql in _WRONG.items():
            count = _count(db, f"SELECT COUNT(*) FROM ({sql}) wrong")
            if count:
                found.append(f"{count} {words}")
    return found


def begin_anew(db: Database) -> None:
    """Let nobody hold anything: jobs that ran can be claimed at once, which counts as no crash."""
    tables = _tables(db)
    if "job" in tables:
        # What was under way was due when its lease ran out; now it is due from the beginning.
        db.run(
            "UPDATE job SET lease_token = NULL, lease_until = 0, due_at = created_at"
            " WHERE state = 'PENDING' AND lease_token IS NOT NULL"
        )
    if "turn" in tables:
        db.run("UPDATE turn SET holder = NULL, held_until = 0")
    if "process" in tables:
        db.run("DELETE FROM process")


def _tables(db: Database) -> list[str]:
    return list(db.peewee.get_tables())


def _count(db: Database, sql: str) -> int:
    row = db.one(sql)
    assert row is not None
    return int(row[0])


def _sqlite_problems(db: Database) -> list[str]:
    """Read every page and every row, with their CHECKs and references."""
    found = [str(row[0]) for row in db.all("PRAGMA integrity_check(10)")]
    lost = db.all("PRAGMA foreign_key_check")
    if lost:
        found.append(f"{len(lost)} rows refer to what is not there, first in {lost[0][0]}")
    return [words for words in found if words != "ok"]


def _unproven_constraints(db: Database) -> list[str]:
    """PostgreSQL proves every constraint while it is filled, unless somebody told it not to."""
    rows = db.all("SELECT conname FROM pg_constraint WHERE NOT convalidated")
    return [f"constraint {row[0]} is not proven" for row in rows]
