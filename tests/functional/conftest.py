"""Fixtures of the functional tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oms.domain.principals import Role
from oms.storage.database import Database
from tests.functional.estate import Estate, settle
from tests.functional.home import Home
from tests.functional.shopkeeper import Shopkeeper
from tests.services.postgres import PostgresServer
from tests.services.stack import Stack

# Where it matters what SQL does, PostgreSQL is tried with every run of the tests. Other files are
# about the edge, the client or the outside, or tests/storage tries their SQL on both; they try
# PostgreSQL with `make test-long`.
SQL_MATTERS = {
    *("test_after_sales", "test_after_sales_figures", "test_brokers", "test_concurrency"),
    *("test_journey", "test_lock_order", "test_many_packages", "test_margins"),
    *("test_order_tags", "test_sales_report", "test_statement_counts", "test_store_changes"),
    *("test_vendor_changes",),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test` leaves to `make test-long`."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        is_of_postgresql = "postgresql" in parameters.values()
        is_here = item.path.parent == Path(__file__).parent
        if is_here and is_of_postgresql and item.path.stem not in SQL_MATTERS:
            item.add_marker(pytest.mark.long)


@pytest.fixture
def stack(database: Database, tmp_path: Path) -> Iterator[Stack]:
    """A running product with nothing in it but accounts, on each kind of database."""
    with Stack(database, tmp_path) as running:
        yield running


@pytest.fixture
def estate(stack: Stack) -> Estate:
    """What the first merchant and vendor A own after a first day of work."""
    return settle(stack, stack.merchant, stack.vendor_a)


@pytest.fixture
def keeper(stack: Stack) -> Shopkeeper:
    """A store that is told of each parcel."""
    return Shopkeeper(stack)


@pytest.fixture
def foreign_estate(stack: Stack) -> Estate:
    """The same of the other merchant and the other vendor."""
    return settle(stack, stack.other_merchant, stack.other_vendor)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A running product that the tests of a module share; each moves into a home of its own."""
    folder = tmp_path_factory.mktemp("shared")
    if request.param == "sqlite":
        with Stack(_migrated(f"sqlite:///{folder / 'fbali.db'}"), folder) as running:
            yield running
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    with Stack(_migrated(url), folder) as running:
        yield running
    server.drop_database(url)


def _migrated(url: str) -> Database:
    database = Database(url)
    database.migrate()
    return database


@pytest.fixture
def home(shared_stack: Stack) -> Home:
    """A merchant and a vendor of this test's own, with what they own."""
    return _move_in(shared_stack)


@pytest.fixture(scope="module")
def shared_home(shared_stack: Stack) -> Home:
    """The same for all tests of a module that change nothing."""
    return _move_in(shared_stack)


def _move_in(stack: Stack) -> Home:
    merchant = stack.merchant_named("Merchant of this test")
    vendor = stack.vendor("Vendor of this test", merchant)
    estate = settle(stack, merchant, vendor)
    callers = {Role.MERCHANT: merchant, Role.VENDOR: vendor, Role.OPERATOR: stack.operator}
    return Home(stack, estate, callers)
