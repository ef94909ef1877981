"""Many orders out of a few: copies with ids and instants of their own, all references kept.

Every id of the seed holds the same few characters for its time (see oms/domain/ids.py). A copy is
older by a number of steps of that time, in its ids as in its instants, and else the same.
"""

from dataclasses import dataclass

from oms.storage.database import Database

STEP_MS = 2**28  # What the fourth character of an id's time stands for: three days.
_TIME = slice(1, 5)  # Those four characters, behind the letter.
_DIGITS = "0123456789abcdefghijklmnopqrstuv"


@dataclass(frozen=True, slots=True)
class Copied:
    """The columns of a table that differ between copies: ids, instants, and other unique ones."""

    ids: tuple[str, ...]
    instants: tuple[str, ...] = ("created_at",)
    unique: tuple[str, ...] = ()


_COPIED = {
    "orders": Copied(
        ("id",), ("placed_at", "store_updated_at", "created_at"), ("external_id", "number")
    ),
    "order_detail": Copied(("order_id",), ()),
    "order_line": Copied(("id", "order_id"), ()),
    "allocation": Copied(("id", "order_id"), ("accepted_at", "closed_at", "created_at")),
    "allocation_line": Copied(("allocation_id", "line_id"), ()),
    "package": Copied(
        ("id", "allocation_id", "order_id"),
        (
            "handed_over_at",
            "delivered_at",
            "last_event_at",
            "next_poll_at",
            "created_at",
            "first_scan_at",
        ),
        ("tracking_number", "live_number"),
    ),
    "package_line": Copied(("package_id", "line_id"), ()),
    "tracking_event": Copied(("package_id",), ("occurred_at", "created_at")),
    "cost_entry": Copied(("id", "allocation_id", "order_id")),
    "sale": Copied(("order_id", "line_id"), ("placed_at",)),
    "event": Copied(("order_id", "subject", "details", "allocation_id")),
    "order_word": Copied(("order_id",), ()),
}
# Words that are numbers of an order or of its parcels, which differ between copies.
_WORDS_OF_NUMBERS = (
    "SELECT o.number AS word FROM orders o UNION SELECT '#' || o.number FROM orders o"
    " UNION SELECT LOWER(p.tracking_number) FROM package p"
)


def multiply(url: str, times: int) -> None:
    """Turn the orders of a database into `times` as many, the oldest copies first."""
    db = Database(url)
    with db.transaction():
        row = db.one("SELECT MIN(id), MAX(id) FROM orders")
        assert row is not None
        seed = row[0][_TIME]
        assert row[1][_TIME] == seed, "the seed's ids share their time"
        for table in _COPIED:
            db.run(f"CREATE TEMPORARY TABLE seed_{table} AS SELECT * FROM {table}")
        db.run(f"CREATE TEMPORARY TABLE seed_number AS {_WORDS_OF_NUMBERS}")
        for steps in range(times - 1, 0, -1):
            for table in _COPIED:
                _copy(db, table, seed, steps)
    db.close()


def _copy(db: Database, table: str, seed: str, steps: int) -> None:
    copied = _COPIED[table]
    cursor = db.peewee.execute_sql(f"SELECT * FROM seed_{table} LIMIT 0")
    columns = [column[0] for column in cursor.description if column[0] != "sequence"]
    values = [_value(copied, column, seed, steps) for column in columns]
    db.run(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM seed_{table}"
    )


def _value(copied: Copied, column: str, seed: str, steps: int) -> str:
    if column in copied.ids:
        return f"REPLACE({column}, '{seed}', '{_older(seed, steps)}')"
    if column in copied.instants:
        return f"{column} - {steps * STEP_MS}"
    if column == "word":
        number = "word IN (SELECT n.word FROM seed_number n)"
        return f"word || CASE WHEN {number} THEN '-{steps}' ELSE '' END"
    return f"{column} || '-{steps}'" if column in copied.unique else column


def _older(seed: str, steps: int) -> str:
    number = int(seed, 32) - steps
    return "".join(_DIGITS[number >> shift & 31] for shift in (15, 10, 5, 0))
