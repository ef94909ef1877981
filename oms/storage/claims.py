"""What of an order may be claimed, and what was paid for it."""

from dataclasses import dataclass

from oms.domain.cases import OPEN_STATES, CaseState
from oms.domain.claims import Claim, ParcelUnits
from oms.domain.costs import CostKind, CostSource
from oms.domain.ledger import LineKind
from oms.domain.money import Money
from oms.domain.settlements import PaidLine, PaidPart
from oms.domain.tracking import PackageState
from oms.storage import after_sales_policies
from oms.storage.database import Database, marks

_OPEN = sorted(state.value for state in OPEN_STATES)


@dataclass(frozen=True, slots=True)
class ClaimedLine:
    """A line of an order as people know it; `unpacked` units are to be shipped and are not yet."""

    id: str
    title: str
    sku: str
    is_replacement: bool
    unpacked: int


@dataclass(frozen=True, slots=True)
class PaidUnits:
    """The line and the vendor's part in which units were paid."""

    line_id: str
    allocation_id: str


def lines_of(db: Database, order_id: str) -> dict[str, ClaimedLine]:
    """Read the lines of an order by id, in their order."""
    rows = db.all(
        "SELECT id, title, sku, kind, ordered - removed - elsewhere - excluded - packed"
        " FROM order_line WHERE order_id = ? ORDER BY position, id",
        order_id,
    )
    return {
        row[0]: ClaimedLine(row[0], row[1], row[2], row[3] == LineKind.REPLACEMENT, max(0, row[4]))
        for row in rows
    }


def parcels_of(db: Database, merchant_id: str, order_id: str) -> list[ParcelUnits]:
    """Read the units of an order in parcels that are not void, with the claims on them."""
    rows = db.all(
        "SELECT pl.line_id, p.id, p.vendor_id, pl.quantity, p.state, p.created_at,"
        " p.handed_over_at, p.delivered_at FROM package p JOIN package_line pl"
        " ON pl.package_id = p.id JOIN order_line l ON l.id = pl.line_id"
        " WHERE p.order_id = ? AND p.state <> 'VOIDED' ORDER BY l.position, l.id, p.id",
        order_id,
    )
    claims = _claims(db, order_id)
    vendor_ids = sorted({row[2] for row in rows})
    policies = after_sales_policies.of_vendors(db, merchant_id, vendor_ids)
    return [
        ParcelUnits(
            line_id=row[0],
            package_id=row[1],
            vendor_id=row[2],
            quantity=row[3],
            state=PackageState(row[4]),
            announced_at=row[5],
            handed_over_at=row[6],
            delivered_at=row[7],
            policy=policies[row[2]],
            claims=tuple(claims.get((row[0], row[1]), ())),
        )
        for row in rows
    ]


def _claims(db: Database, order_id: str) -> dict[tuple[str, str], list[Claim]]:
    found: dict[tuple[str, str], list[Claim]] = {}
    for line_id, package_id, case_id, quantity, state in db.all(
        "SELECT i.line_id, i.package_id, c.id, i.quantity, c.state FROM after_sales_case c"
        " JOIN case_item i ON i.case_id = c.id WHERE c.order_id = ?"
        f" AND (c.state IN ({marks(_OPEN)}) OR i.is_settled)"
        " ORDER BY c.id, i.number",
        order_id,
        *_OPEN,
    ):
        claim = Claim(case_id, quantity, is_settled=CaseState(state) not in OPEN_STATES)
        found.setdefault((line_id, package_id), []).append(claim)
    return found


def paid_units(db: Database, order_id: str) -> dict[tuple[str, str], PaidUnits]:
    """Say by (line id, parcel id) where units of an order were paid.

    A resend costs the merchant nothing: its units were paid with those that they replace.
    """
    rows = db.all(
        "SELECT pl.line_id, p.id, COALESCE(i.paid_line_id, pl.line_id),"
        " COALESCE(i.paid_allocation_id, p.allocation_id) FROM package p"
        " JOIN package_line pl ON pl.package_id = p.id"
        " LEFT JOIN case_resend r ON r.line_id = pl.line_id"
        " LEFT JOIN case_item i ON i.case_id = r.case_id AND i.number = r.number"
        " WHERE p.order_id = ?",
        order_id,
    )
    return {(row[0], row[1]): PaidUnits(row[2], row[3]) for row in rows}


def allocations_of_parcels(db: Database, order_id: str) -> dict[str, str]:
    """Return the vendors' parts that the parcels of an order belong to, by parcel id."""
    rows = db.all("SELECT id, allocation_id FROM package WHERE order_id = ?", order_id)
    return {row[0]: row[1] for row in rows}


def paid_part(db: Database, allocation_id: str) -> PaidPart:
    """Read what was paid for a vendor's part, and what cases gave back of it."""
    lines = {
        row[0]: PaidLine(row[1], _quote(row[2], row[3], row[4]))
        for row in db.all(
            "SELECT line_id, quantity - returned, unit_cost_minor, shipping_cost_minor, currency"
            " FROM allocation_line WHERE allocation_id = ?",
            allocation_id,
        )
    }
    refunded: dict[str, dict[str, int]] = {}
    for line_id, currency, amount in db.all(
        "SELECT i.paid_line_id, r.currency, SUM(r.amount_minor) FROM case_item i"
        " JOIN case_refund r ON r.case_id = i.case_id AND r.number = i.number"
        " WHERE i.paid_allocation_id = ? GROUP BY i.paid_line_id, r.currency",
        allocation_id,
    ):
        refunded.setdefault(line_id, {})[currency] = int(amount)
    return PaidPart(lines, _paid(db, allocation_id), refunded)


def _quote(unit_minor: int | None, shipping_minor: int | None, currency: str) -> Money | None:
    if unit_minor is None and shipping_minor is None:
        return None
    return Money(currency, (unit_minor or 0) + (shipping_minor or 0))


def _paid(db: Database, allocation_id: str) -> dict[str, int]:
    """Sum what counts, as for every other purpose: recorded costs, or without any the quoted."""
    found: dict[str, dict[str, int]] = {}
    for source, currency, amount in db.all(
        "SELECT source, currency, SUM(amount_minor) FROM cost_entry WHERE allocation_id = ?"
        " AND kind <> ? GROUP BY source, currency",
        allocation_id,
        CostKind.REFUND.value,
    ):
        found.setdefault(source, {})[currency] = int(amount)
    return found.get(CostSource.ACTUAL) or found.get(CostSource.QUOTED) or {}


def refunded_by(db: Database, case_id: str) -> dict[int, dict[str, int]]:
    """Return what a case itself gave back, by item and currency."""
    found: dict[int, dict[str, int]] = {}
    for number, currency, amount in db.all(
        "SELECT number, currency, amount_minor FROM case_refund WHERE case_id = ?", case_id
    ):
        found.setdefault(number, {})[currency] = amount
    return found


def refunded_before(db: Database, case_id: str) -> dict[int, dict[str, int]]:
    """Return by item what was given back for what may be the same units, by currency.

    That is for the item itself, for units of its parcel that were compensated and are still in the
    game, and for the units that it replaces.
    """
    found: dict[int, dict[str, int]] = {}
    for number, currency, amount in db.all(
        "SELECT i.number, r.currency, SUM(r.amount_minor) FROM case_item i JOIN case_item e"
        " ON e.paid_allocation_id = i.paid_allocation_id AND e.paid_line_id = i.paid_line_id"
        " JOIN case_refund r ON r.case_id = e.case_id AND r.number = e.number"
        " WHERE i.case_id = ? AND ((e.case_id = i.case_id AND e.number = i.number)"
        " OR (e.line_id = i.line_id AND e.package_id = i.package_id AND NOT e.is_settled"
        " AND e.case_id <> i.case_id)"
        " OR EXISTS (SELECT 1 FROM case_resend s WHERE s.line_id = i.line_id"
        " AND s.case_id = e.case_id AND s.number = e.number))"
        " GROUP BY i.number, r.currency",
        case_id,
    ):
        found.setdefault(number, {})[currency] = int(amount)
    return found
