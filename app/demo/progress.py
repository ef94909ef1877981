"""Tells now and then how far all orders are, so that hundreds of them fit on a screen."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from app.demo.merchant import Merchant
from app.demo.narration import Narrator
from app.demo.vendors import Tally, VendorAgent
from fbali.v1.order_service_pb2 import OrderTag
from fbali.v1.store_pb2 import Store, SyncRunState

SECONDS_BETWEEN: Final = 3.0
_TAGS: Final[Mapping[str, OrderTag.ValueType]] = {
    "pending": OrderTag.ORDER_TAG_PENDING,
    "processing": OrderTag.ORDER_TAG_PROCESSING,
    "in transit": OrderTag.ORDER_TAG_IN_TRANSIT,
    "exception": OrderTag.ORDER_TAG_EXCEPTION,
    "delivered": OrderTag.ORDER_TAG_DELIVERED,
}


class Progress:
    """Compares what is with what was told last."""

    def __init__(
        self, narrator: Narrator, merchant: Merchant, store: Store, vendors: Sequence[VendorAgent]
    ) -> None:
        """Begin with the syncs that have been told already."""
        self._narrator = narrator
        self._merchant = merchant
        self._store = store
        self._vendors = vendors
        self._tallies = {vendor.options.display_name: vendor.tally for vendor in vendors}
        self._known_runs = {run.name for run in merchant.latest_sync_runs(store)}
        self._counts = ""
        self._next_at = time.monotonic() + SECONDS_BETWEEN

    def look(self) -> None:
        """Tell what is new, if the last time is long enough ago."""
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + SECONDS_BETWEEN
        self._tell_syncs()
        for vendor in self._vendors:
            self._tell_vendor(vendor)
        self.tell_counts()

    def tell_counts(self) -> None:
        """Tell how many orders have which status, if that has changed."""
        counts = summary(self._merchant.counts())
        if counts != self._counts:
            self._counts = counts
            self._narrator.say("FbAli", counts)

    def _tell_syncs(self) -> None:
        runs = self._merchant.latest_sync_runs(self._store)
        done = SyncRunState.SYNC_RUN_STATE_SUCCEEDED
        fresh = [run for run in runs if run.state == done and run.name not in self._known_runs]
        self._known_runs.update(run.name for run in fresh)
        orders = sum(run.created_count for run in fresh)
        if orders:
            self._narrator.say("FbAli", f"scheduled sync: {counted(orders, 'new order')}")

    def _tell_vendor(self, vendor: VendorAgent) -> None:
        name, now = vendor.options.display_name, vendor.tally
        words = work_done(self._tallies[name], now)
        self._tallies[name] = now
        if words:
            self._narrator.say(name, words)


def summary(counts: Mapping[OrderTag.ValueType, int]) -> str:
    """Put the product's five statuses into words."""
    total = counts[OrderTag.ORDER_TAG_UNSPECIFIED]
    parts = [f"{counts[tag]} {word}" for word, tag in _TAGS.items() if counts[tag]]
    return f"{counted(total, 'order')}: {', '.join(parts) or 'none under way'}"


def work_done(before: Tally, after: Tally) -> str:
    """Put what a vendor did between two moments into words; empty if that is nothing."""
    accepted = after.accepted - before.accepted
    rejected = after.rejected - before.rejected
    parcels = after.parcels - before.parcels
    outages = after.outages - before.outages
    parts = (
        f"accepts {accepted}" if accepted else "",
        f"rejects {rejected} (out of stock)" if rejected else "",
        f"ships {counted(parcels, 'parcel')}" if parcels else "",
        "waits for the server" if outages else "",
    )
    return ", ".join(part for part in parts if part)


def counted(number: int, noun: str) -> str:
    """Write 1 parcel, 2 parcels."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
