"""Cases that photos are attached to, written straight into the database."""

from typing import Any

from oms.domain.cases import CaseState
from oms.domain.claims import AfterSalesPolicy
from oms.domain.ids import IdKind, new_id
from oms.storage import cases
from oms.storage.cases import CaseMove, NewCase
from oms.storage.database import Database

NOW_MS = 1_800_000_000_000


def put_case(database: Database, order_id: str, vendor_id: str) -> str:
    """Write a draft without items for an order, and return its id."""
    case_id = new_id(IdKind.CASE, NOW_MS)
    with database.transaction():
        row = database.one("SELECT merchant_id FROM orders WHERE id = ?", order_id)
        assert row is not None
        case = NewCase(
            id=case_id,
            merchant_id=row[0],
            order_id=order_id,
            vendor_id=vendor_id,
            group_id=new_id(IdKind.CASE_GROUP, NOW_MS),
            description="The box is broken",
            policy=AfterSalesPolicy(),
            deadline_at=NOW_MS,
        )
        cases.insert(database, case, NOW_MS)
    return case_id


def move_case(database: Database, case_id: str, state: CaseState) -> None:
    """Bring a case into a state, whatever its table says; all but drafts were submitted."""
    with database.transaction():
        if state != CaseState.DRAFT:
            cases.move(database, case_id, CaseMove(CaseState.SUBMITTED, None), NOW_MS)
        cases.move(database, case_id, CaseMove(state, None), NOW_MS)


def photo_count(database: Database, case_id: str) -> Any:
    with database.session():
        row = database.one("SELECT photo_count FROM after_sales_case WHERE id = ?", case_id)
    assert row is not None
    return row[0]
