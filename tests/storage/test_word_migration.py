"""Orders that were there before words were kept are found by them after the migration."""

import importlib

import pytest

from oms.storage.database import MIGRATIONS
from oms.storage.dialects import statements_of
from tests.storage.test_migrations import empty

__all__ = ["empty"]
ORDERS = 1_001  # More than are filled at once.


@pytest.fixture
def old(empty):
    """A database of the first shape with orders, of which the first has a line."""
    with empty.transaction():
        for statement in statements_of(str(MIGRATIONS / "0001_initial.py"), empty.peewee):
            empty.peewee.execute_sql(statement)
        empty.run("INSERT INTO merchant VALUES ('m', 'M', 1)")
        empty.run(
            "INSERT INTO store VALUES"
            " ('s', 'm', 'S', 'WOOCOMMERCE', 'u', 'CONNECTED', 'AUTOMATIC', 60, NULL, NULL, 1, 1)"
        )
        empty.many(
            "INSERT INTO orders VALUES (?, 'm', 's', ?, ?, 'processing', 'ADMITTED', 'PENDING',"
            " FALSE, 'USD', 1, 'Zoë', 'DE', 1, 1, 'h', 1, 1)",
            [(f"o{number}", str(number), f"#{number}") for number in range(ORDERS)],
        )
        empty.run(
            "INSERT INTO order_line VALUES ('l', 'o0', '1', 0, 'ORIGINAL', 'p', '', 'Red Mug',"
            " 'MUG-1', 1, TRUE, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, FALSE, '')"
        )
    return empty


def test_migration_writes_the_words_of_orders_that_are_there(old):
    with old.transaction():
        importlib.import_module("oms.storage.migrations.0002_holds_and_words").up(None, old.peewee)

    with old.session():
        words = old.all("SELECT word FROM order_word WHERE order_id = 'o0' ORDER BY word")
        [(count,)] = old.all("SELECT COUNT(DISTINCT order_id) FROM order_word")
    assert [row[0] for row in words] == ["#0", "0", "mug", "mug-1", "red", "zoe"]
    assert count == ORDERS
