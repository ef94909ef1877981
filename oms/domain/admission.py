"""Whether an order that a store shows is processed here."""

from enum import StrEnum

from oms.domain.snapshots import OrderSnapshot


class Admission(StrEnum):
    """Admitted, or why not (yet). Once admitted, an order stays so."""

    ADMITTED = "ADMITTED"
    UNPAID = "UNPAID"
    CANCELLED = "CANCELLED"
    FULFILLED_ELSEWHERE = "FULFILLED_ELSEWHERE"
    NOTHING_TO_SHIP = "NOTHING_TO_SHIP"


def admit(snapshot: OrderSnapshot) -> Admission:
    """Admit an order that is paid and unfulfilled and has something to ship."""
    if snapshot.is_cancelled:
        return Admission.CANCELLED
    if snapshot.is_fulfilled:
        return Admission.FULFILLED_ELSEWHERE
    if not snapshot.is_paid:
        return Admission.UNPAID
    left = [line for line in snapshot.lines if line.removed_quantity < line.quantity]
    if snapshot.lines and not left:
        return Admission.CANCELLED
    if not any(line.needs_shipping and not line.is_fulfilled for line in left):
        return Admission.NOTHING_TO_SHIP
    return Admission.ADMITTED


def admission_problem(snapshot: OrderSnapshot) -> str:
    """Say why an order that would be admitted cannot be processed, or return an empty text."""
    for line in snapshot.lines:
        if line.needs_shipping and not line.product_id:
            return (
                f"line {line.external_id} ({line.title!r}) refers to a product that the store has"
                " deleted: restore the product, or change the line in the store"
            )
    return ""
