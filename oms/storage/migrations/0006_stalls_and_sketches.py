"""Stalled parcels, words with a sketch of their order, and shorter ways to lists."""

from collections.abc import Iterator, Sequence
from typing import Any

from peewee import Database
from playhouse.migrate import SchemaMigrator

from oms.domain.search_words import SearchedOrder, sketch_of, words_of_order
from oms.storage.dialects import statements_of

_ORDERS_AT_ONCE = 500  # Bounds the memory, and the parameters of a statement.


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Add columns and indexes, and write the words of all orders anew."""
    for statement in statements_of(__file__, db):
        db.execute_sql(statement)
    for orders in _batches(db):
        _write_words(db, orders)
    db.execute_sql("CREATE UNIQUE INDEX order_word_order_id_word ON order_word (order_id, word)")


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
    rows = []
    for order_id, merchant_id, number, customer_name in orders:
        words = words_of_order(
            SearchedOrder(
                number=number,
                customer_name=customer_name,
                tracking_numbers=numbers[order_id],
                skus=skus[order_id],
                titles=titles[order_id],
            )
        )
        sketch = sketch_of(words)
        rows += [(merchant_id, word, order_id, sketch) for word in words]
    marks = ", ".join([db.param] * 4)
    db.cursor().executemany(
        f"INSERT INTO order_word (merchant_id, word, order_id, sketch) VALUES ({marks})", rows
    )


def _texts(db: Database, select: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read (order id, text) of some orders, by order id."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(ids, ())
    marks = ", ".join([db.param] * len(ids))
    rows = db.execute_sql(f"{select} WHERE order_id IN ({marks}) ORDER BY order_id, id", ids)
    for order_id, text in rows.fetchall():
        found[order_id] = (*found[order_id], text)
    return found
