"""A database of the first release, with orders in it, becomes one of today and goes on."""

import shutil
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from oms.domain.ledger import ShippingStatus
from oms.domain.money import Money
from oms.storage import order_views, recounting
from oms.storage.database import MIGRATIONS, Database
from tests.storage.test_migrations import empty

__all__ = ["empty"]
FIRST_RELEASE = ("0001_initial", "0002_holds_and_words")
VALUES_OF = {"text": "", "integer": 0, "bigint": 0, "boolean": False, "bool": False}
DAY_MS = 86_400_000


def insert(db: Database, table: str, **values: object) -> None:
    """Insert a row; what is not named is empty, zero, false or NULL."""
    row = {
        column.name: VALUES_OF.get(column.data_type.lower(), b"")
        for column in db.peewee.get_columns(table)
        if not column.null and column.default is None
    } | values
    marks = ", ".join("?" * len(row))
    db.run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())


@pytest.fixture
def old(empty: Database, tmp_path: Path) -> Database:
    """Two orders: one delivered in two parcels by one vendor, one that waits."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name in FIRST_RELEASE:
        for ending in ("py", "sql"):
            shutil.copy(MIGRATIONS / f"{name}.{ending}", folder)
    with empty.session():
        assert list(Runner(empty.peewee, directory=str(folder)).up()) == list(FIRST_RELEASE)
    with empty.transaction():
        insert(empty, "merchant", id="m1", display_name="Merchant")
        insert(empty, "vendor", id="v1", display_name="Vendor")
        insert(empty, "store", id="s1", merchant_id="m1", platform="WOOCOMMERCE", state="CONNECTED")
        for number, status in (("1", "DELIVERED"), ("2", "PENDING")):
            add_order(empty, number, status)
        ship(empty)
    return empty


def add_order(db: Database, number: str, status: str) -> None:
    is_open = status == "PENDING"
    insert(
        db,
        "orders",
        id=f"o{number}",
        merchant_id="m1",
        store_id="s1",
        external_id=number,
        number=number,
        admission="ADMITTED",
        status=status,
        has_open_units=is_open,
        currency="USD",
        total_minor=5_000,
        placed_at=DAY_MS,
        version=1,
    )
    insert(db, "order_detail", order_id=f"o{number}", address="{}", document=b"{}")
    done = 0 if is_open else 3
    insert(
        db,
        "order_line",
        id=f"l{number}",
        order_id=f"o{number}",
        external_id=number,
        kind="ORIGINAL",
        product_id="u1",
        title="Lamp",
        sku="LAMP-1",
        price_minor=1_500,
        needs_shipping=True,
        ordered=3,
        wanted=3,
        open_units=3 - done,
        **dict.fromkeys(("packed", "handed_over", "delivered"), done),
    )


def ship(db: Database) -> None:
    whole = {"order_id": "o1", "vendor_id": "v1"}
    insert(db, "allocation", id="a1", merchant_id="m1", state="CLOSED", version=3, **whole)
    held = {"quantity": 3, "packed": 3, "unit_cost_minor": 400, "currency": "USD"}
    insert(db, "allocation_line", allocation_id="a1", line_id="l1", **held)
    cost = {"order_id": "o1", "allocation_id": "a1", "kind": "PRODUCT", "currency": "USD"}
    insert(db, "cost_entry", id="c1", source="QUOTED", amount_minor=1_200, **cost)
    insert(db, "cost_entry", id="c2", source="ACTUAL", amount_minor=1_290, **cost)
    for number, count in (("p1", 1), ("p2", 2)):
        instants = {"handed_over_at": 2 * DAY_MS, "delivered_at": 9 * DAY_MS}
        parcel = {"tracking_number": number, "live_number": number, "state": "DELIVERED"}
        insert(db, "package", id=number, allocation_id="a1", **whole, **parcel, **instants)
        insert(db, "package_line", package_id=number, line_id="l1", quantity=count)
        told = {"occurred_at": 9 * DAY_MS // 1000, "state": "DELIVERED", "source": "17track"}
        insert(db, "tracking_event", package_id=number, digest="d", **told)


def test_old_database_migrates_to_the_end_with_its_orders(old: Database):
    assert old.migrate()[0] == "0003_write_back"

    assert old.pending_migrations() == []
    with old.session():
        done, waiting = (order_views.get(old, "m1", order_id) for order_id in ("o1", "o2"))
        sales = old.all(
            "SELECT order_id, vendor_id, units, sales_minor, product_minor, refund_minor"
            " FROM sale ORDER BY order_id"
        )
        words = old.all("SELECT order_id FROM order_word WHERE word = 'lamp-1' ORDER BY order_id")
    assert (done.status, waiting.status) == (ShippingStatus.DELIVERED, ShippingStatus.PENDING)
    assert done.lines[0].ledger.delivered == 3
    assert done.margin is not None
    assert done.margin.amount_minor == 5_000 - 1_290
    [part] = done.allocations
    assert part.case_id == ""
    assert list(part.final_costs()) == [Money("USD", 1_290)]
    assert sales == [("o1", "v1", 3, 4_500, 1_290, 0), ("o2", "", 3, 4_500, 0, 0)]
    assert words == [("o1",), ("o2",)]


def test_recounting_a_migrated_order_changes_nothing_but_its_version(old: Database):
    old.migrate()
    with old.session():
        before = [order_views.get(old, "m1", order_id) for order_id in ("o1", "o2")]
        sold = old.all("SELECT * FROM sale ORDER BY order_id")

    with old.transaction():
        recounting.refresh(old, ["o1", "o2"])

    with old.session():
        after = [order_views.get(old, "m1", order_id) for order_id in ("o1", "o2")]
        assert old.all("SELECT * FROM sale ORDER BY order_id") == sold
    for one in before:
        one.version += 1
    assert after == before
