"""The database itself refuses a ledger that cannot be, whoever writes it."""

import peewee
import pytest

from oms.domain.allocations import AllocationState
from oms.domain.ledger import LineLedger
from oms.storage import orders
from tests.services.scene import Scene
from tests.services.snapshots import line_snapshot, order_snapshot

ORDER_LINE = [
    "ordered = -1, open_units = -4",
    "removed = -1, open_units = 4",
    "elsewhere = -1, open_units = 4",
    "excluded = -1, open_units = 4",
    "allocated = -1, open_units = 4",
    "packed = -1, open_units = 4",
    "handed_over = -1",
    "delivered = -1",
    "settled = -1",
    "removed = 2, elsewhere = 2, over_allocated = (1 = 1), open_units = 0",
    "handed_over = 1",
    "packed = 1, open_units = 2, handed_over = 1, delivered = 1, settled = 1",
    "packed = 1, open_units = 2, handed_over = 2",
    "allocated = 4, open_units = -1",
    "allocated = 4, open_units = 0",
    "packed = 2, allocated = 1, excluded = 1, open_units = 0",
    "removed = 1",  # One unit less is open.
    "open_units = 2",
    "allocated = 4, over_allocated = (1 = 1), open_units = 1",
]
ALLOCATION_LINE = [
    "quantity = 0, packed = 0, returned = 0",
    "quantity = -1",
    "packed = -1",
    "returned = -1",
    "packed = 4",
    "packed = 2, returned = 2",
]
WORDS = [
    ("orders", "admission = 'MAYBE'"),
    ("orders", "status = 'LOST'"),
    ("allocation", "state = 'LOST'"),
    ("package", "state = 'LOST'"),
    ("package_line", "quantity = 0"),
    ("partnership", "state = 'LOST'"),
    ("job", "state = 'RUNNING'"),
]


@pytest.fixture
def scene(database):
    """An order of three mugs, allocated, and announced in a parcel; and one of plates."""
    scene = Scene(database)
    vendor = scene.new_vendor()
    scene.host(vendor)
    scene.take(order_snapshot("1001", line_snapshot(quantity=3)))
    [part] = scene.allocations(vendor)
    scene.pack(vendor, part.id, "T1", lines=[(part.lines[0].line_id, 1)])
    scene.take(order_snapshot("1002", line_snapshot("l2", "plate", quantity=3)))
    return scene


def refuses(scene, table, change, where="1 = 1"):
    """Tell whether a change is refused and leaves everything as it was."""
    before = scene.dump()
    with pytest.raises(peewee.IntegrityError), scene.db.transaction():
        assert scene.db.run(f"UPDATE {table} SET {change} WHERE {where}") > 0
    assert scene.dump() == before


@pytest.mark.parametrize("change", ORDER_LINE)
def test_line_refuses_counters_that_cannot_be(scene, change):
    refuses(scene, "order_line", change, "external_id = 'l2'")


@pytest.mark.parametrize("change", ALLOCATION_LINE)
def test_allocation_line_refuses_units_that_cannot_be(scene, change):
    refuses(scene, "allocation_line", change)


@pytest.mark.parametrize(("table", "change"), WORDS)
def test_columns_refuse_words_that_their_enum_lacks(scene, table, change):
    refuses(scene, table, change)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("order_line", "order_id"),
        ("allocation", "order_id"),
        ("allocation_line", "line_id"),
        ("package", "allocation_id"),
        ("package_line", "package_id"),
        ("orders", "store_id"),
        ("partnership", "vendor_id"),
    ],
)
def test_rows_refer_to_rows_that_are_there(scene, table, column):
    refuses(scene, table, f"{column} = 'x'")


@pytest.mark.parametrize(
    "ledger",
    [
        LineLedger(3, allocated=3),
        LineLedger(3, removed=1, allocated=3),
        LineLedger(3, removed=1, elsewhere=1, excluded=1),
        LineLedger(3, packed=3, handed_over=3, delivered=2, settled=1),
        LineLedger(3, removed=3, packed=1),
    ],
)
def test_ledgers_that_the_domain_makes_are_taken(scene, ledger):
    [row] = scene.db.all("SELECT id FROM order_line WHERE external_id = 'l2'")

    with scene.db.transaction():
        orders.write_ledgers(scene.db, [(row[0], ledger)])

    assert scene.order("1002").lines[0].ledger == ledger
    assert scene.db.one("SELECT open_units FROM order_line WHERE id = ?", row[0]) == (ledger.open,)


def test_every_state_of_an_allocation_is_taken(scene):
    for state in AllocationState:
        assert scene.db.run("UPDATE allocation SET state = ?", state.value) == 1
