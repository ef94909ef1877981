"""Exchange rates, refunds, what every line sold and cost, and what scorecards measure."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.domain.money import parse_money
from oms.storage import sales
from oms.storage.dialects import statements_of

_ORDERS_AT_ONCE = 200  # Bounds the memory, and the parameters of a statement.


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add columns and tables, and fill them for the orders that are there."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
    for order_ids in _batches(db):
        _write_charges(db, order_ids)
        sales.refresh(_Statements(db), order_ids)


class _Statements:
    """The part of our database that refreshing needs, on a connection that migrates."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self, sql: str, *parameters: object) -> list[Any]:
        rows: list[Any] = self._db.execute_sql(self._own(sql), parameters).fetchall()
        return rows

    def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            self._db.cursor().executemany(self._own(sql), rows)

    def _own(self, sql: str) -> str:
        return sql.replace("?", self._db.param)


def _batches(db: Database) -> Iterator[list[str]]:
    last_id = ""
    while rows := db.execute_sql(
        f"SELECT id FROM orders WHERE id > {db.param} ORDER BY id LIMIT {_ORDERS_AT_ONCE}",
        (last_id,),
    ).fetchall():
        yield [row[0] for row in rows]
        last_id = rows[-1][0]


def _write_charges(db: Database, order_ids: Sequence[str]) -> None:
    """Take the refunds out of the documents; of an order that is gone nothing is charged."""
    marks = ", ".join([db.param] * len(order_ids))
    rows = db.execute_sql(
        "SELECT o.id, o.currency, o.total_minor, d.document, (SELECT COUNT(*) FROM order_line l"
        " WHERE l.order_id = o.id AND l.wanted > 0) FROM orders o JOIN order_detail d"
        f" ON d.order_id = o.id WHERE o.id IN ({marks}) ORDER BY o.id",
        order_ids,
    ).fetchall()
    written = []
    for order_id, currency, total_minor, document, wanted_lines in rows:
        refunded = _refunded_minor(bytes(document), currency)
        written.append((refunded, total_minor if wanted_lines else refunded, order_id))
    db.cursor().executemany(
        f"UPDATE orders SET refunded_minor = {db.param}, charged_minor = {db.param}"
        f" WHERE id = {db.param}",
        written,
    )


def _refunded_minor(document: bytes, currency: str) -> int:
    """Sum what WooCommerce's documents say was refunded; 0 when they say nothing readable."""
    try:
        refunds = json.loads(document).get("refunds") or []
        return sum(-parse_money(str(one["total"]), currency).amount_minor for one in refunds)
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
