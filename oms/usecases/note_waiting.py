"""Say why units of orders wait, on their lines and, when that changes, in the order's history.

Whoever follows the log learns so that an order is the merchant's to decide on: it was admitted
before anybody had looked who is to fulfil it.
"""

from collections.abc import Mapping

from oms.domain.ledger import PendingReason
from oms.storage import events, orders
from oms.storage.events import NewEvent
from oms.usecases.context import Transaction

Reasons = Mapping[str, PendingReason]  # By line id.


def note_waiting(tx: Transaction, merchant_id: str, waiting: Mapping[str, Reasons]) -> None:
    """Write the reasons of a merchant's locked orders, by order id; known ones change nothing."""
    order_ids = [order_id for order_id, reasons in waiting.items() if reasons]
    if not order_ids:
        return
    known = orders.pending_reasons(tx.db, order_ids)
    news = {
        order_id: changed
        for order_id, reasons in waiting.items()
        if (changed := {line: why for line, why in reasons.items() if known.get(line) != why})
    }
    orders.write_pending_reasons(
        tx.db, [reason for changed in news.values() for reason in changed.items()]
    )
    events.append(
        tx.db,
        [
            NewEvent(
                merchant_id,
                order_id,
                "order.waiting",
                tx.actor,
                f"merchants/{merchant_id}/orders/{order_id}",
                {"reason": ",".join(sorted({why.value for why in changed.values()}))},
            )
            for order_id, changed in news.items()
        ],
        tx.now_ms,
    )
