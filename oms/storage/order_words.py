"""The words that orders are found by: one row for each word of an order."""

from collections.abc import Iterable, Sequence

from oms.domain.search_words import SearchedOrder, sketch_of, words_of_code, words_of_order
from oms.storage.database import Database, Row, marks
from oms.storage.orders import AppliedOrder


def insert(db: Database, merchant_id: str, orders: Sequence[AppliedOrder]) -> None:
    """Write the words of orders that were never seen before."""
    rows: list[Row] = []
    for order in orders:
        words = words_of_order(
            SearchedOrder(
                number=order.snapshot.number,
                customer_name=order.snapshot.customer_name,
                skus=tuple(line.sku for line in order.snapshot.lines),
                titles=tuple(line.title for line in order.snapshot.lines),
            )
        )
        sketch = sketch_of(words)
        rows += [(merchant_id, word, order.id, sketch) for word in words]
    _add(db, rows)


def add_tracking_number(db: Database, merchant_id: str, order_id: str, number: str) -> None:
    """Let a locked order be found by one more number; one that is known changes nothing."""
    words = words_of_code(number)
    row = db.one("SELECT sketch FROM order_word WHERE order_id = ? LIMIT 1", order_id)
    before = 0 if row is None else row[0]
    sketch = before | sketch_of(words)
    if sketch != before:
        db.run("UPDATE order_word SET sketch = ? WHERE order_id = ?", sketch, order_id)
    _add(db, [(merchant_id, word, order_id, sketch) for word in words])


def refresh(db: Database, order_ids: Sequence[str]) -> None:
    """Bring the words of locked orders in line with what is written of them."""
    if not order_ids:
        return
    wanted = _wanted(db, order_ids)
    written = set(
        db.all(
            "SELECT merchant_id, word, order_id, sketch FROM order_word"
            f" WHERE order_id IN ({marks(order_ids)})",
            *order_ids,
        )
    )
    # An order with another sketch has all its words written anew.
    db.many(
        "DELETE FROM order_word WHERE merchant_id = ? AND word = ? AND order_id = ? AND sketch = ?",
        sorted(written - wanted),
    )
    _add(db, sorted(wanted - written))


def _wanted(db: Database, order_ids: Sequence[str]) -> set[Row]:
    which = f"IN ({marks(order_ids)})"
    skus: dict[str, list[str]] = {}
    titles: dict[str, list[str]] = {}
    numbers: dict[str, list[str]] = {}
    for order_id, sku, title in db.all(
        f"SELECT order_id, sku, title FROM order_line WHERE order_id {which}"
        " ORDER BY order_id, position, id",
        *order_ids,
    ):
        skus.setdefault(order_id, []).append(sku)
        titles.setdefault(order_id, []).append(title)
    for order_id, number in db.all(
        f"SELECT order_id, tracking_number FROM package WHERE order_id {which} ORDER BY id",
        *order_ids,
    ):
        numbers.setdefault(order_id, []).append(number)
    rows = db.all(
        f"SELECT id, merchant_id, number, customer_name FROM orders WHERE id {which}", *order_ids
    )
    found: set[Row] = set()
    for order_id, merchant_id, number, customer_name in rows:
        words = words_of_order(
            SearchedOrder(
                number=number,
                customer_name=customer_name,
                tracking_numbers=tuple(numbers.get(order_id, ())),
                skus=tuple(skus.get(order_id, ())),
                titles=tuple(titles.get(order_id, ())),
            )
        )
        sketch = sketch_of(words)
        found |= {(merchant_id, word, order_id, sketch) for word in words}
    return found


def _add(db: Database, rows: Iterable[Row]) -> None:
    db.many(
        "INSERT INTO order_word (merchant_id, word, order_id, sketch) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        rows,
    )
