"""Cases: found within what the caller may see, read for decisions, and every write to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oms.domain.cases import FINAL_STATES, CaseState
from oms.domain.claims import AfterSalesPolicy, IssueType
from oms.domain.errors import NotFound
from oms.domain.money import Money
from oms.domain.principals import Principal, Role
from oms.domain.settlements import ResolutionMode, Term
from oms.storage import after_sales_policies
from oms.storage.database import Database, Row
from oms.storage.resends import RESENT_UNITS


@dataclass(frozen=True, slots=True)
class NewItem:
    """Units that are claimed, before they are written."""

    number: int
    line_id: str
    package_id: str
    paid_line_id: str
    paid_allocation_id: str
    quantity: int
    type: IssueType


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item as decisions need it; `resent` units of it are sent again, or were."""

    number: int
    line_id: str
    package_id: str
    paid_line_id: str
    paid_allocation_id: str
    quantity: int
    type: IssueType
    is_done: bool
    resent: int


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case whose order is locked, as decisions need it."""

    id: str
    merchant_id: str
    order_id: str
    vendor_id: str
    state: CaseState
    policy: AfterSalesPolicy
    photo_count: int
    deadline_at: int | None
    version: int
    items: tuple[ItemRecord, ...]

    @property
    def name(self) -> str:
        """Return the resource name."""
        return f"merchants/{self.merchant_id}/cases/{self.id}"


@dataclass(frozen=True, slots=True)
class NewCase:
    """A draft before it is written."""

    id: str
    merchant_id: str
    order_id: str
    vendor_id: str
    group_id: str
    description: str
    policy: AfterSalesPolicy
    deadline_at: int


def scope(caller: Principal) -> tuple[str, list[object]]:
    """Return the condition on `c` that holds for the cases a caller may see, and its parameters."""
    if caller.role == Role.MERCHANT:
        return "c.merchant_id = ?", [caller.id]
    if caller.role == Role.VENDOR:
        return "c.vendor_id = ? AND c.submitted_at IS NOT NULL", [caller.id]
    return "c.submitted_at IS NOT NULL", []


def order_of(db: Database, caller: Principal, name: str) -> tuple[str, str]:
    """Return (case id, order id) of a case that the caller sees; the order is to be locked.

    Raises:
        NotFound: absent, another's, or a draft of somebody else.
    """
    _, merchant_id, _, case_id = name.split("/")
    condition, parameters = scope(caller)
    row = db.one(
        "SELECT c.order_id FROM after_sales_case c WHERE c.id = ?"
        f" AND (? = '-' OR c.merchant_id = ?) AND {condition}",
        case_id,
        merchant_id,
        merchant_id,
        *parameters,
    )
    if row is None:
        raise NotFound.of(name)
    return case_id, str(row[0])


def order_id_of(db: Database, case_id: str) -> str:
    """Return the order of a case, whoever it is shown to."""
    row = db.one("SELECT order_id FROM after_sales_case WHERE id = ?", case_id)
    assert row is not None
    return str(row[0])


def record(db: Database, case_id: str) -> CaseRecord:
    """Read a case whose order is locked."""
    row = db.one(
        "SELECT id, merchant_id, order_id, vendor_id, state, policy, photo_count, deadline_at,"
        " version FROM after_sales_case WHERE id = ?",
        case_id,
    )
    assert row is not None
    items = db.all(
        "SELECT i.number, i.line_id, i.package_id, i.paid_line_id, i.paid_allocation_id,"
        f" i.quantity, i.type, i.is_done, (SELECT COALESCE(SUM({RESENT_UNITS}), 0)"
        " FROM case_resend r JOIN order_line l ON l.id = r.line_id WHERE r.case_id = i.case_id"
        " AND r.number = i.number) FROM case_item i WHERE i.case_id = ? ORDER BY i.number",
        case_id,
    )
    return CaseRecord(
        id=row[0],
        merchant_id=row[1],
        order_id=row[2],
        vendor_id=row[3],
        state=CaseState(row[4]),
        policy=after_sales_policies.decode(row[5]),
        photo_count=row[6],
        deadline_at=row[7],
        version=row[8],
        items=tuple(_item(item) for item in items),
    )


def _item(row: Row) -> ItemRecord:
    return ItemRecord(
        number=row[0],
        line_id=row[1],
        package_id=row[2],
        paid_line_id=row[3],
        paid_allocation_id=row[4],
        quantity=row[5],
        type=IssueType(row[6]),
        is_done=bool(row[7]),
        resent=int(row[8]),
    )


def insert(db: Database, case: NewCase, now_ms: int) -> None:
    """Write a draft without items."""
    db.run(
        "INSERT INTO after_sales_case (id, merchant_id, order_id, vendor_id, group_id, state,"
        " description, policy, deadline_at, reject_reason, photo_count, version, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, 'DRAFT', ?, ?, ?, '', 0, 1, ?, ?)",
        case.id,
        case.merchant_id,
        case.order_id,
        case.vendor_id,
        case.group_id,
        case.description,
        after_sales_policies.encode(case.policy),
        case.deadline_at,
        now_ms,
        now_ms,
    )


def replace_items(
    db: Database, case_id: str, items: Sequence[NewItem], terms: Sequence[Term], now_ms: int
) -> None:
    """Write the items of a draft with what is asked for them, in place of what was there."""
    for table in ("case_term", "case_proposal", "case_item"):
        db.run(f"DELETE FROM {table} WHERE case_id = ?", case_id)
    db.many(
        "INSERT INTO case_item (case_id, number, line_id, package_id, paid_line_id,"
        " paid_allocation_id, quantity, type, agreed_mode, is_done, is_settled)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', FALSE, FALSE)",
        [
            (
                case_id,
                item.number,
                item.line_id,
                item.package_id,
                item.paid_line_id,
                item.paid_allocation_id,
                item.quantity,
                item.type.value,
            )
            for item in items
        ],
    )
    propose(db, case_id, Role.MERCHANT, terms, now_ms)


def describe(db: Database, case_id: str, description: str) -> None:
    """Write the words of a draft."""
    db.run("UPDATE after_sales_case SET description = ? WHERE id = ?", description, case_id)


def propose(db: Database, case_id: str, role: Role, terms: Sequence[Term], now_ms: int) -> None:
    """Append a proposal of one side to a case whose order is locked."""
    row = db.one("SELECT COALESCE(MAX(number), 0) FROM case_proposal WHERE case_id = ?", case_id)
    assert row is not None
    number = row[0] + 1
    db.run(
        "INSERT INTO case_proposal (case_id, number, role, created_at) VALUES (?, ?, ?, ?)",
        case_id,
        number,
        role.value,
        now_ms,
    )
    db.many(
        "INSERT INTO case_term (case_id, number, item, mode, amount_minor, currency, quantity,"
        " note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                case_id,
                number,
                term.item,
                term.mode.value,
                None if term.amount is None else term.amount.amount_minor,
                "" if term.amount is None else term.amount.currency,
                term.quantity,
                term.note,
            )
            for term in terms
        ],
    )


def last_terms(db: Database, case_id: str, role: Role) -> tuple[Term, ...]:
    """Read what one side last proposed."""
    rows = db.all(
        "SELECT item, mode, amount_minor, currency, quantity, note FROM case_term"
        " WHERE case_id = ? AND number = (SELECT MAX(number) FROM case_proposal"
        " WHERE case_id = ? AND role = ?) ORDER BY item",
        case_id,
        case_id,
        role.value,
    )
    return tuple(
        Term(
            item=row[0],
            mode=ResolutionMode(row[1]),
            amount=None if row[2] is None else Money(row[3], row[2]),
            quantity=row[4],
            note=row[5],
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class CaseMove:
    """What a change of state writes besides it; None leaves the reason and when it was missed."""

    state: CaseState
    deadline_at: int | None
    reject_reason: str | None = None
    missed_at: int | None = None


def move(db: Database, case_id: str, move: CaseMove, now_ms: int) -> None:
    """Write a state that the table gave; its version grows."""
    db.run(
        "UPDATE after_sales_case SET state = ?, deadline_at = ?, version = version + 1,"
        " updated_at = ?, submitted_at = CASE WHEN ? THEN COALESCE(submitted_at, ?)"
        " ELSE submitted_at END, closed_at = ?, missed_at = COALESCE(?, missed_at),"
        " reject_reason = COALESCE(?, reject_reason) WHERE id = ?",
        move.state.value,
        move.deadline_at,
        now_ms,
        move.state == CaseState.SUBMITTED,
        now_ms,
        now_ms if move.state in FINAL_STATES else None,
        move.missed_at,
        move.reject_reason,
        case_id,
    )


def touch(db: Database, case_id: str, now_ms: int) -> None:
    """Let the version of a case grow whose order is locked."""
    db.run(
        "UPDATE after_sales_case SET version = version + 1, updated_at = ? WHERE id = ?",
        now_ms,
        case_id,
    )


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Something that was said, before it is written."""

    author: str
    role: Role
    action: str
    text: str


def say(db: Database, case_id: str, message: NewMessage, now_ms: int) -> None:
    """Append a message to a case whose order is locked."""
    db.run(
        "INSERT INTO case_message (case_id, number, author, role, action, body, created_at)"
        " SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ?, ?, ?, ? FROM case_message"
        " WHERE case_id = ?",
        case_id,
        message.author,
        message.role.value,
        message.action,
        message.text,
        now_ms,
        case_id,
    )


def free_message_count(db: Database, case_id: str) -> int:
    """Count the messages of a case that went with no action."""
    row = db.one("SELECT COUNT(*) FROM case_message WHERE case_id = ? AND action = ''", case_id)
    assert row is not None
    return int(row[0])


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What became of an item; no mode when it is to be decided again."""

    number: int
    mode: ResolutionMode | None
    is_done: bool
    is_settled: bool


def write_outcomes(db: Database, case_id: str, outcomes: Iterable[ItemOutcome]) -> None:
    """Write what became of items; a recount of the order follows."""
    db.many(
        "UPDATE case_item SET agreed_mode = ?, is_done = ?, is_settled = ?"
        " WHERE case_id = ? AND number = ?",
        [
            (
                "" if outcome.mode is None else outcome.mode.value,
                outcome.is_done,
                outcome.is_settled,
                case_id,
                outcome.number,
            )
            for outcome in outcomes
        ],
    )


def add_refund(db: Database, case_id: str, number: int, amount: Money) -> None:
    """Note what was given back for an item, on top of what was before."""
    db.run(
        "INSERT INTO case_refund (case_id, number, currency, amount_minor) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (case_id, number, currency) DO UPDATE SET"
        " amount_minor = case_refund.amount_minor + excluded.amount_minor",
        case_id,
        number,
        amount.currency,
        amount.amount_minor,
    )


def agreed_modes(db: Database, case_id: str) -> dict[int, ResolutionMode]:
    """Read how the items of an agreed case are settled."""
    rows = db.all(
        "SELECT number, agreed_mode FROM case_item WHERE case_id = ? AND agreed_mode <> ''", case_id
    )
    return {row[0]: ResolutionMode(row[1]) for row in rows}


def out_of_time(db: Database, now_ms: int, limit: int) -> list[tuple[str, str]]:
    """Return (case id, order id) of cases whose deadline has passed, the oldest first."""
    rows = db.all(
        "SELECT id, order_id FROM after_sales_case WHERE deadline_at IS NOT NULL"
        " AND deadline_at <= ? ORDER BY deadline_at LIMIT ?",
        now_ms,
        limit,
    )
    return [(row[0], row[1]) for row in rows]
