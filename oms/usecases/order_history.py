"""What a store changed in an order, as rows of history: ids and numbers, no personal data."""

from collections.abc import Sequence

from oms.domain.ledger import StoreWord
from oms.domain.stores import Store
from oms.storage.events import NewEvent
from oms.storage.orders import AppliedOrder, LineRecord

STORE_ACTOR = "store"


def line_history(store: Store, order: AppliedOrder, before: Sequence[LineRecord]) -> list[NewEvent]:
    """Tell of lines that came, went, or changed in the units that are to be shipped.

    `already_packed` are units that the store took out although they are in parcels: they go out all
    the same, and giving their money back moves no goods.
    """
    shown = {line.id: line for line in order.lines}
    rows = []
    for record in before:
        line = shown.pop(record.id, None)
        word = _GONE if line is None else line.word
        net = record.ledger.packed if line is None else line.ledger.net
        if word.wanted != record.word.wanted or net != record.ledger.net:
            details = {"before": str(record.ledger.net), "after": str(net)}
            if word.wanted < min(record.word.wanted, record.ledger.packed):
                details["already_packed"] = str(record.ledger.packed - word.wanted)
            kind = "line.removed" if line is None else "line.changed"
            rows.append(_row(store, order, kind, f"/lines/{record.id}", details))
    for line in shown.values():
        details = {"before": "0", "after": str(line.ledger.net)}
        rows.append(_row(store, order, "line.added", f"/lines/{line.id}", details))
    return rows


_GONE = StoreWord(0, is_fulfilled=False)  # Of a line that the store does not show any more.


def address_history(store: Store, order: AppliedOrder) -> NewEvent:
    """Tell that the address changed; the address itself is no history."""
    return _row(store, order, "order.address_changed", "", {})


def _row(
    store: Store, order: AppliedOrder, kind: str, suffix: str, details: dict[str, str]
) -> NewEvent:
    subject = f"merchants/{store.merchant_id}/orders/{order.id}{suffix}"
    return NewEvent(store.merchant_id, order.id, kind, STORE_ACTOR, subject, details)
