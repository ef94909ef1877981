"""Cases as they are shown: pages in three statements, one case with everything about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oms.domain.case_views import CaseItemView, CaseView, MessageView, ProposalView
from oms.domain.cases import FINAL_STATES, CaseState
from oms.domain.claims import IssueType
from oms.domain.errors import NotFound
from oms.domain.money import Money
from oms.domain.principals import Principal, Role
from oms.domain.settlements import ResolutionMode, Term
from oms.storage import after_sales_policies, events
from oms.storage.cases import scope
from oms.storage.database import Database, Row, marks
from oms.storage.resends import RESENT_UNITS

_CASE = (
    "SELECT c.id, c.merchant_id, c.order_id, o.number, c.vendor_id, m.display_name,"
    " v.display_name, c.state, c.description, c.policy, c.deadline_at, c.missed_at,"
    " c.reject_reason, c.photo_count, c.version, c.created_at, c.submitted_at, c.updated_at,"
    " c.closed_at, c.group_id FROM after_sales_case c JOIN orders o ON o.id = c.order_id"
    " JOIN merchant m ON m.id = c.merchant_id JOIN vendor v ON v.id = c.vendor_id"
)
_FINAL = sorted(state.value for state in FINAL_STATES)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which of the cases that a caller sees; empty matches all.

    An overdue case is open, and its vendor missed a deadline.
    """

    states: tuple[CaseState, ...] = ()
    merchant_id: str = ""
    vendor_id: str = ""
    order_id: str = ""
    is_overdue: bool = False


def page(
    db: Database, caller: Principal, wanted: CaseFilter, now_ms: int, before: str, limit: int
) -> list[CaseView]:
    """Return cases with their items, newest first, older than the id `before`."""
    condition, parameters = _where(caller, wanted, now_ms)
    if before:
        condition += " AND c.id < ?"
        parameters.append(before)
    rows = db.all(f"{_CASE} WHERE {condition} ORDER BY c.id DESC LIMIT ?", *parameters, limit)
    items = _items(db, [row[0] for row in rows])
    return [_case(row, items=tuple(items.get(row[0], ()))) for row in rows]


def count(
    db: Database, caller: Principal, merchant_id: str, now_ms: int
) -> tuple[dict[CaseState, int], int]:
    """Count a caller's cases per state, and those that are overdue."""
    condition, parameters = _where(caller, CaseFilter(merchant_id=merchant_id), now_ms)
    is_late, late_parameters = _lateness(now_ms)
    rows = db.all(
        f"SELECT c.state, COUNT(*), SUM(CASE WHEN {is_late} THEN 1 ELSE 0 END)"
        f" FROM after_sales_case c WHERE {condition} GROUP BY c.state",
        *late_parameters,
        *parameters,
    )
    counts = {CaseState(row[0]): row[1] for row in rows}
    return counts, sum(int(row[2]) for row in rows)


def _where(caller: Principal, wanted: CaseFilter, now_ms: int) -> tuple[str, list[object]]:
    condition, parameters = scope(caller)
    if wanted.states:
        condition += f" AND c.state IN ({marks(wanted.states)})"
        parameters += [state.value for state in wanted.states]
    for column, value in (
        ("merchant_id", wanted.merchant_id),
        ("vendor_id", wanted.vendor_id),
        ("order_id", wanted.order_id),
    ):
        if value:
            condition += f" AND c.{column} = ?"
            parameters.append(value)
    if wanted.is_overdue:
        is_late, late_parameters = _lateness(now_ms)
        condition += f" AND {is_late}"
        parameters += late_parameters
    return condition, parameters


def _lateness(now_ms: int) -> tuple[str, list[object]]:
    """Say when a vendor is late; the job that escalates may not have come round yet."""
    condition = (
        f"(c.missed_at IS NOT NULL AND c.state NOT IN ({marks(_FINAL)})"
        " OR c.state IN ('SUBMITTED', 'COUNTERED') AND c.deadline_at <= ?)"
    )
    return condition, [*_FINAL, now_ms]


def get(db: Database, caller: Principal, name: str) -> CaseView:
    """Read everything about a case that the caller sees; raises NotFound."""
    _, merchant_id, _, case_id = name.split("/")
    condition, parameters = scope(caller)
    row = db.one(
        f"{_CASE} WHERE c.id = ? AND (? = '-' OR c.merchant_id = ?) AND {condition}",
        case_id,
        merchant_id,
        merchant_id,
        *parameters,
    )
    if row is None:
        raise NotFound.of(name)
    return _case(
        row,
        items=tuple(_items(db, [case_id]).get(case_id, ())),
        proposals=_proposals(db, case_id),
        messages=_messages(db, case_id),
        linked_ids=_linked(db, caller, row),
        allocation_ids=_allocations(db, case_id),
        history=events.of_subject(db, row[2], f"merchants/{row[1]}/cases/{case_id}"),
    )


def _linked(db: Database, caller: Principal, row: Row) -> tuple[str, ...]:
    """Other vendors' cases are no vendor's business."""
    if caller.role == Role.VENDOR:
        return ()
    condition, parameters = scope(caller)
    rows = db.all(
        f"SELECT c.id FROM after_sales_case c WHERE c.group_id = ? AND c.id <> ? AND {condition}"
        " ORDER BY c.id",
        row[19],
        row[0],
        *parameters,
    )
    return tuple(other[0] for other in rows)


def _allocations(db: Database, case_id: str) -> tuple[str, ...]:
    rows = db.all(
        "SELECT id FROM allocation WHERE case_id = ? AND case_id <> '' ORDER BY id", case_id
    )
    return tuple(row[0] for row in rows)


def _items(db: Database, case_ids: Sequence[str]) -> dict[str, list[CaseItemView]]:
    found: dict[str, list[CaseItemView]] = {}
    refunds = _refunds(db, case_ids)
    resends = _resends(db, case_ids)
    for row in db.all(
        "SELECT i.case_id, i.number, i.line_id, i.package_id, p.allocation_id, l.title, l.sku,"
        " i.quantity, i.type, i.agreed_mode, i.is_done FROM case_item i"
        " JOIN order_line l ON l.id = i.line_id JOIN package p ON p.id = i.package_id"
        f" WHERE i.case_id IN ({marks(case_ids)}) ORDER BY i.case_id, i.number",
        *case_ids,
    ):
        sent = resends.get((row[0], row[1]), [])
        found.setdefault(row[0], []).append(
            CaseItemView(
                number=row[1],
                line_id=row[2],
                package_id=row[3],
                allocation_id=row[4],
                title=row[5],
                sku=row[6],
                quantity=row[7],
                type=IssueType(row[8]),
                agreed_mode=ResolutionMode(row[9]) if row[9] else None,
                is_done=bool(row[10]),
                refunds=tuple(refunds.get((row[0], row[1]), ())),
                resend_line_ids=tuple(line_id for line_id, _ in sent),
                resent=sum(units for _, units in sent),
            )
        )
    return found


def _refunds(db: Database, case_ids: Sequence[str]) -> dict[tuple[str, int], list[Money]]:
    found: dict[tuple[str, int], list[Money]] = {}
    for case_id, number, currency, amount in db.all(
        "SELECT case_id, number, currency, amount_minor FROM case_refund"
        f" WHERE case_id IN ({marks(case_ids)}) ORDER BY currency",
        *case_ids,
    ):
        found.setdefault((case_id, number), []).append(Money(currency, amount))
    return found


def _resends(db: Database, case_ids: Sequence[str]) -> dict[tuple[str, int], list[tuple[str, int]]]:
    found: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for case_id, number, line_id, units in db.all(
        f"SELECT r.case_id, r.number, l.id, {RESENT_UNITS} FROM case_resend r"
        f" JOIN order_line l ON l.id = r.line_id WHERE r.case_id IN ({marks(case_ids)})"
        " ORDER BY l.id",
        *case_ids,
    ):
        found.setdefault((case_id, number), []).append((line_id, units))
    return found


def _proposals(db: Database, case_id: str) -> tuple[ProposalView, ...]:
    terms: dict[int, list[Term]] = {}
    for row in db.all(
        "SELECT number, item, mode, amount_minor, currency, quantity, note FROM case_term"
        " WHERE case_id = ? ORDER BY number, item",
        case_id,
    ):
        amount = None if row[3] is None else Money(row[4], row[3])
        term = Term(row[1], ResolutionMode(row[2]), amount, row[5], row[6])
        terms.setdefault(row[0], []).append(term)
    rows = db.all(
        "SELECT number, role, created_at FROM case_proposal WHERE case_id = ? ORDER BY number",
        case_id,
    )
    return tuple(
        ProposalView(row[0], Role(row[1]), row[2], tuple(terms.get(row[0], ()))) for row in rows
    )


def _messages(db: Database, case_id: str) -> tuple[MessageView, ...]:
    rows = db.all(
        "SELECT number, author, role, action, body, created_at FROM case_message"
        " WHERE case_id = ? ORDER BY number DESC LIMIT ?",
        case_id,
        MESSAGES_SHOWN_MAX,
    )
    return tuple(
        MessageView(row[0], row[1], Role(row[2]), row[3], row[4], row[5]) for row in reversed(rows)
    )


MESSAGES_SHOWN_MAX = 300  # Bounds the answer; what is said freely is bounded to less.


def _case(row: Row, **more: Any) -> CaseView:
    """Build a case with `more` fields."""
    return CaseView(
        id=row[0],
        merchant_id=row[1],
        order_id=row[2],
        order_number=row[3],
        vendor_id=row[4],
        merchant_display_name=row[5],
        vendor_display_name=row[6],
        state=CaseState(row[7]),
        description=row[8],
        policy=after_sales_policies.decode(row[9]),
        deadline_at=row[10],
        missed_at=row[11],
        reject_reason=row[12],
        photo_count=row[13],
        version=row[14],
        created_at=row[15],
        submitted_at=row[16],
        updated_at=row[17],
        closed_at=row[18],
        **more,
    )
