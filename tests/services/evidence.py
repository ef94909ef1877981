"""Cases that photos are attached to, written straight into the database."""

from typing import Any

from oms.domain.cases import CaseState
from oms.domain.ids import IdKind, new_id
from oms.storage.database import Database


def put_case(
    database: Database, order_id: str, vendor_id: str, state: CaseState = CaseState.DRAFT
) -> str:
    """Write a case of an order and return its id."""
    case_id = new_id(IdKind.ORDER, 1).replace("o", "k", 1)
    with database.transaction():
        row = database.one("SELECT merchant_id FROM orders WHERE id = ?", order_id)
        assert row is not None
        merchant_id = row[0]
        database.run(
            "INSERT INTO after_sales_case (id, merchant_id, order_id, vendor_id, state,"
            " submitted_at) VALUES (?, ?, ?, ?, ?, ?)",
            case_id,
            merchant_id,
            order_id,
            vendor_id,
            state.value,
            None if state == CaseState.DRAFT else 1,
        )
    return case_id


def move_case(database: Database, case_id: str, state: CaseState) -> None:
    with database.transaction():
        database.run(
            "UPDATE after_sales_case SET state = ?, submitted_at = COALESCE(submitted_at, 1)"
            " WHERE id = ?",
            state.value,
            case_id,
        )


def photo_count(database: Database, case_id: str) -> Any:
    with database.session():
        row = database.one("SELECT photo_count FROM after_sales_case WHERE id = ?", case_id)
    assert row is not None
    return row[0]
