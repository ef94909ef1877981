"""Words that many orders have are found by walking the list, with the same answer."""

import pytest

from oms.domain.search_words import sketch_of
from oms.storage.order_filter import OrderFilter, Sorting
from oms.storage.order_page import page_statement

ORDERS = 2_600  # Two in three have "lamp": more than are looked up one by one.


def words_of(number):
    lamp, mat = number % 3 != 0, number % 5 == 0
    return ["order", *["lamp"] * lamp, *["mat"] * mat, *["rug"] * (not lamp), str(number)]


@pytest.fixture
def many(database):
    with database.transaction():
        database.run("INSERT INTO merchant VALUES ('m', 'M', 1)")
        database.run(
            "INSERT INTO store (id, merchant_id, display_name, platform, base_url, state,"
            " processing, sync_interval_seconds, version, created_at)"
            " VALUES ('s', 'm', 'S', 'woocommerce', 'u', 'CONNECTED', 'AUTOMATIC', 60, 1, 1)"
        )
        database.many(
            "INSERT INTO orders (id, merchant_id, store_id, external_id, number, store_status,"
            " admission, status, has_open_units, currency, total_minor, customer_name, country,"
            " placed_at, store_updated_at, content_hash, version, created_at) VALUES (?, 'm', 's',"
            " ?, ?, 'p', 'ADMITTED', 'PENDING', TRUE, 'USD', ?, 'C', 'DE', ?, 1, 'h', 1, 1)",
            [(f"o{n:05}", str(n), str(n), n * 7 % 50, n // 2) for n in range(ORDERS)],
        )
        database.many(
            "INSERT INTO order_word (merchant_id, word, order_id, sketch) VALUES ('m', ?, ?, ?)",
            [
                (word, f"o{n:05}", sketch_of(words_of(n)))
                for n in range(ORDERS)
                for word in words_of(n)
            ],
        )
    return database


KEYS = {
    Sorting.NEWEST: lambda n: (-(n // 2), -n),
    Sorting.OLDEST: lambda n: (n // 2, n),
    Sorting.TOTAL: lambda n: (-(n * 7 % 50), -n),
}


@pytest.mark.parametrize("sorting", Sorting)
@pytest.mark.parametrize(
    "words", [("lamp",), ("order", "lamp"), ("lamp", "mat"), ("lamp", "rug"), ("la", "or", "ma")]
)
def test_pages_of_frequent_words_are_those_of_a_plain_look_at_all(many, sorting, words):
    expected = sorted(
        (n for n in range(ORDERS) if all(any(w.startswith(q) for w in words_of(n)) for q in words)),
        key=KEYS[sorting],
    )
    wanted = OrderFilter("m", words=words, sorting=sorting)
    column = 2 if sorting == Sorting.TOTAL else 1
    found, after = [], None

    with many.session():
        for _ in range(4):
            sql, parameters = page_statement("o.id, o.placed_at, o.total_minor", wanted, after, 300)
            rows = many.all(sql, *parameters)
            found += [int(row[0][1:]) for row in rows]
            after = (rows[-1][column], rows[-1][0]) if rows else after

    assert found == expected[:1200]
