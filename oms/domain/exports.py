"""An order as it is exported: what its store says of it, and how far it is here."""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.ledger import LineLedger
from oms.domain.snapshots import OrderSnapshot


@dataclass(frozen=True, slots=True)
class ExportedOrder:
    """The store's word, and beside it our own; `ledgers` and `vendors` are by the line's id there.

    Of an order that was admitted, the store's word is that of its lines: units that it took out are
    removed, and lines that it shipped are fulfilled. `order.raw` is empty.
    """

    id: str
    store_id: str
    order: OrderSnapshot
    admission: str
    shipping_status: str
    tracking_numbers: tuple[str, ...]
    ledgers: Mapping[str, LineLedger]
    vendors: Mapping[str, str]
