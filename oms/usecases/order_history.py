"""What a store changed in an order, as rows of history: ids and numbers, no personal data."""

from collections.abc import Sequence

from oms.domain.stores import Store
from oms.storage.events import NewEvent
from oms.storage.orders import AppliedOrder, LineRecord

STORE_ACTOR = "store"


def line_history(store: Store, order: AppliedOrder, before: Sequence[LineRecord]) -> list[NewEvent]:
    """Tell of lines that came, went, or changed in the units that are to be shipped."""
    net_before = {line.id: line.ledger.net for line in before}
    net_after = {line.id: line.ledger.net for line in order.lines}
    rows = []
    for line_id in dict.fromkeys((*net_before, *net_after)):
        was, now = net_before.get(line_id), net_after.get(line_id)
        if was != now:
            details = {"before": str(was or 0), "after": str(now or 0)}
            rows.append(_row(store, order, _kind(was, now), f"/lines/{line_id}", details))
    return rows


def address_history(store: Store, order: AppliedOrder) -> NewEvent:
    """Tell that the address changed; the address itself is no history."""
    return _row(store, order, "order.address_changed", "", {})


def _kind(was: int | None, now: int | None) -> str:
    if was is None:
        return "line.added"
    return "line.removed" if now is None else "line.changed"


def _row(
    store: Store, order: AppliedOrder, kind: str, suffix: str, details: dict[str, str]
) -> NewEvent:
    subject = f"merchants/{store.merchant_id}/orders/{order.id}{suffix}"
    return NewEvent(store.merchant_id, order.id, kind, STORE_ACTOR, subject, details)
