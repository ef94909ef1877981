"""Holds, cancellations, and words to find orders by."""

from collections.abc import Iterator, Sequence
from typing import Any

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.domain.search_words import SearchedOrder, words_of_order
from oms.storage.dialects import statements_of

_ORDERS_AT_ONCE = 500  # Bounds the memory, and the parameters of a statement.


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add columns and tables, and the words of the orders that are there."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
    for orders in _batches(db):
        _write_words(db, orders)


def _batches(db: Database) -> Iterator[Sequence[Any]]:
    last_id = ""
    while orders := db.execute_sql(
        "SELECT id, merchant_id, number, customer_name FROM orders"
        f" WHERE id > {db.param} ORDER BY id LIMIT {_ORDERS_AT_ONCE}",
        (last_id,),
    ).fetchall():
        yield orders
        last_id = orders[-1][0]


def _write_words(db: Database, orders: Sequence[Any]) -> None:
    ids = [order[0] for order in orders]
    skus = _texts(db, "SELECT order_id, sku FROM order_line", ids)
    titles = _texts(db, "SELECT order_id, title FROM order_line", ids)
    numbers = _texts(db, "SELECT order_id, tracking_number FROM package", ids)
    rows = [
        (merchant_id, word, order_id)
        for order_id, merchant_id, number, customer_name in orders
        for word in words_of_order(
            SearchedOrder(
                number=number,
                customer_name=customer_name,
                tracking_numbers=numbers[order_id],
                skus=skus[order_id],
                titles=titles[order_id],
            )
        )
    ]
    db.cursor().executemany(
        "INSERT INTO order_word (merchant_id, word, order_id)"
        f" VALUES ({db.param}, {db.param}, {db.param})",
        rows,
    )


def _texts(db: Database, select: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read (order id, text) of some orders, by order id."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(ids, ())
    marks = ", ".join([db.param] * len(ids))
    rows = db.execute_sql(f"{select} WHERE order_id IN ({marks}) ORDER BY order_id, id", ids)
    for order_id, text in rows.fetchall():
        found[order_id] = (*found[order_id], text)
    return found
