"""Resends: lines that a case adds to its order, outside of what the store knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.ledger import LineKind
from oms.storage.database import Database, marks

# Units of a resent line `l` that are owed, or that a vendor has although they are not any more.
RESENT_UNITS = (
    "CASE WHEN l.over_allocated THEN l.allocated + l.packed ELSE l.ordered - l.removed END"
)


@dataclass(frozen=True, slots=True)
class NewResend:
    """Units of an item that are sent again, before they are written."""

    line_id: str
    case_id: str
    number: int
    of_line_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Goods:
    """What the vendor needs to know to send units of a line again."""

    hosting_id: str
    product_id: str
    variant_id: str
    vendor_sku: str
    purchase_url: str


@dataclass(frozen=True, slots=True)
class ResendRecord:
    """A resent line: units that are owed, open, packed, and arrived or settled by another case."""

    line_id: str
    number: int
    owed: int
    open: int
    packed: int
    ended: int


def insert(db: Database, order_id: str, resends: Sequence[NewResend]) -> None:
    """Write lines of a locked order that repeat others, free of charge; a recount follows."""
    db.many(
        "INSERT INTO order_line (id, order_id, external_id, position, kind, product_id, variant_id,"
        " title, sku, price_minor, needs_shipping, ordered, removed, elsewhere, excluded,"
        " allocated, packed, handed_over, delivered, settled, open_units, over_allocated,"
        " pending_reason, wanted, is_fulfilled) SELECT ?, ?, ?, (SELECT MAX(position) + 1 FROM"
        " order_line WHERE order_id = ?), ?, product_id, variant_id, title, sku, 0, needs_shipping,"
        " ?, 0, 0, 0, 0, 0, 0, 0, 0, ?, FALSE, '', ?, FALSE FROM order_line WHERE id = ?",
        [
            (
                resend.line_id,
                order_id,
                f"resend:{resend.line_id}",
                order_id,
                LineKind.REPLACEMENT.value,
                resend.quantity,
                resend.quantity,
                resend.quantity,
                resend.of_line_id,
            )
            for resend in resends
        ],
    )
    db.many(
        "INSERT INTO case_resend (line_id, case_id, number) VALUES (?, ?, ?)",
        [(resend.line_id, resend.case_id, resend.number) for resend in resends],
    )


def goods_of(db: Database, allocation_id: str, line_id: str) -> Goods:
    """Read what a vendor was told of the goods when it first sent them."""
    row = db.one(
        "SELECT al.hosting_id, l.product_id, l.variant_id, al.vendor_sku, al.purchase_url"
        " FROM allocation_line al JOIN order_line l ON l.id = al.line_id"
        " WHERE al.allocation_id = ? AND al.line_id = ?",
        allocation_id,
        line_id,
    )
    assert row is not None
    return Goods(*row)


def cases_behind(db: Database, case_id: str) -> list[str]:
    """Return the cases that sent again what a case is about."""
    rows = db.all(
        "SELECT DISTINCT r.case_id FROM case_item i JOIN case_resend r ON r.line_id = i.line_id"
        " WHERE i.case_id = ? ORDER BY r.case_id",
        case_id,
    )
    return [row[0] for row in rows]


def of_case(db: Database, case_id: str) -> list[ResendRecord]:
    """Read the resent lines of a case whose order is locked."""
    rows = db.all(
        "SELECT l.id, r.number, l.ordered - l.removed, l.open_units, l.packed,"
        " l.delivered + l.settled"
        " FROM case_resend r JOIN order_line l ON l.id = r.line_id WHERE r.case_id = ?"
        " ORDER BY r.number, l.id",
        case_id,
    )
    return [ResendRecord(*row) for row in rows]


def owe_what_is_held(db: Database, case_id: str, numbers: Sequence[int]) -> None:
    """Owe of items what vendors have, no more and no less; a recount follows.

    That is again what was taken back and not given back yet, and no more what was given back.
    """
    db.run(
        "UPDATE order_line SET wanted = packed + allocated WHERE id IN"
        f" (SELECT line_id FROM case_resend WHERE case_id = ? AND number IN ({marks(numbers)}))",
        case_id,
        *numbers,
    )


def take_back(db: Database, case_id: str) -> None:
    """Owe of a case's resends only what is in parcels already; a recount follows."""
    db.run(
        "UPDATE order_line SET wanted = packed WHERE id IN"
        " (SELECT line_id FROM case_resend WHERE case_id = ?)",
        case_id,
    )
