"""Orders that were there before reports were are in them after the migration."""

import importlib
import json

import pytest

from oms.storage.database import MIGRATIONS
from oms.storage.dialects import statements_of
from tests.storage.test_migrations import empty

__all__ = ["empty"]
ORDERS = 401  # More than are filled at once.


@pytest.fixture
def old(empty):
    """A database of the second shape: orders with a refund, the last one gone from the store."""
    with empty.transaction():
        for name in ("0001_initial", "0002_holds_and_words"):
            for statement in statements_of(str(MIGRATIONS / f"{name}.py"), empty.peewee):
                empty.peewee.execute_sql(statement)
        empty.run("INSERT INTO merchant VALUES ('m', 'M', 1)")
        empty.run(
            "INSERT INTO store VALUES"
            " ('s', 'm', 'S', 'WOOCOMMERCE', 'u', 'CONNECTED', 'AUTOMATIC', 60, NULL, NULL, 1, 1)"
        )
        ids = [f"o{number:03}" for number in range(ORDERS)]
        empty.many(
            "INSERT INTO orders VALUES (?, 'm', 's', ?, '1', 'processing', 'ADMITTED', 'PENDING',"
            " FALSE, 'USD', 5000, 'Zoë', 'DE', 1, 1, 'h', 1, 1, NULL, FALSE)",
            [(order_id, order_id) for order_id in ids],
        )
        document = json.dumps({"refunds": [{"total": "-1.50"}, {"total": "-0.25"}]}).encode()
        empty.many(
            "INSERT INTO order_detail VALUES (?, '', '', '{}', ?)",
            [(order_id, document if order_id == "o000" else b"?") for order_id in ids],
        )
        empty.many(
            "INSERT INTO order_line VALUES (?, ?, '1', 0, 'ORIGINAL', 'p', '', 'Mug', 'M', 2000,"
            " TRUE, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2, FALSE, '', ?, FALSE)",
            [(f"l{order_id}", order_id, int(order_id != ids[-1])) for order_id in ids],
        )
    return empty


def test_migration_derives_what_reports_add_up(old):
    with old.transaction():
        importlib.import_module("oms.storage.migrations.0004_exchange_rates").up(None, old.peewee)

    with old.session():
        charged = old.all("SELECT id, refunded_minor, charged_minor FROM orders ORDER BY id")
        [(rows, units, sold)] = old.all("SELECT COUNT(*), SUM(units), SUM(sales_minor) FROM sale")
    assert charged[0] == ("o000", 175, 5000)
    assert charged[1] == ("o001", 0, 5000)
    assert charged[-1] == ("o400", 0, 0)
    assert (rows, units, sold) == (ORDERS, 2 * ORDERS, 4000 * ORDERS)
