"""History that was there before it could be followed is in the logs of its vendors as well."""

import importlib
import time

import pytest

from oms.domain.principals import Role
from oms.storage import event_log
from oms.storage.database import MIGRATIONS
from oms.storage.dialects import statements_of
from tests.storage.test_migrations import empty

__all__ = ["empty"]
DAY_MS = 86_400_000
ALLOCATION = "vendors/v1/allocations/a1"


@pytest.fixture
def old(empty):
    """A database of the first shape with history: lately, and of long ago."""
    now_ms = time.time_ns() // 1_000_000
    rows = [
        (ALLOCATION, now_ms - 30 * DAY_MS),
        (ALLOCATION, now_ms - 6 * DAY_MS),
        (f"{ALLOCATION}/packages/k1", now_ms - DAY_MS),
        ("merchants/m1/orders/o1", now_ms - DAY_MS),
    ]
    with empty.transaction():
        for statement in statements_of(str(MIGRATIONS / "0001_initial.py"), empty.peewee):
            empty.peewee.execute_sql(statement)
        empty.many(
            "INSERT INTO event (merchant_id, order_id, kind, actor, subject, details, created_at)"
            " VALUES ('m1', 'o1', 'test', 'system', ?, '{}', ?)",
            rows,
        )
    return empty


def test_migration_gives_late_history_to_its_vendors(old):
    with old.transaction():
        importlib.import_module("oms.storage.migrations.0010_event_log").up(None, old.peewee)

    with old.session():
        logs = {
            role: event_log.page(old, event_log.Log(role, owner), 0, 100, 100)
            for role, owner in ((Role.MERCHANT, "m1"), (Role.VENDOR, "v1"))
        }
    assert [item.event.sequence for item in logs[Role.MERCHANT]] == [1, 2, 3, 4]
    assert [item.event.sequence for item in logs[Role.VENDOR]] == [2, 3]
    assert {item.thing_id for item in logs[Role.VENDOR]} == {"a1"}
