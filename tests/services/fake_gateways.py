"""A store, a tracking service and a machine in memory, behind the ports of the use cases."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from oms.domain.imports import ExportFormat, ImportFormat
from oms.domain.snapshots import (
    MalformedOrder,
    OrderPage,
    OrderSnapshot,
    ProductPage,
    ProductSnapshot,
    StoreIdentity,
)
from oms.domain.tracking import Meaning, ParcelNumber, TrackingEvent, TrackingReport
from oms.domain.write_backs import ParcelWord, WriteBackMethod
from oms.gateways.stores.order_writers import WRITERS
from oms.gateways.stores.registry import FILES
from oms.usecases.ports import OrderFile, OrderWriter, StoreAddress


class WorkerKilled(BaseException):
    """Nothing catches it on its way out, so a worker that meets it writes nothing more."""


Fault = BaseException | Callable[[], object] | None


def meet(faults: deque[Fault]) -> None:
    """Raise or call the next fault, if there is one."""
    fault = faults.popleft() if faults else None
    if isinstance(fault, BaseException):
        raise fault
    if fault is not None:
        fault()


class FakeMachine:
    """A machine on which processes end when a test says so."""

    life = "here"

    def __init__(self) -> None:
        self.ended: set[str] = set()

    def has_ended(self, life: str) -> bool:
        return life in self.ended


class FakeStore:
    """A store whose orders and products are lists.

    `faults` are met by the next reads, one each: raised, or called; None lets a read through.
    Reads of pages are kept in `reads` as (what, since, cursor).
    """

    def __init__(self, *, page_size: int = 2, now: int = 1_800_000_000) -> None:
        self.orders: list[OrderSnapshot] = []
        self.malformed: list[MalformedOrder] = []
        self.products: list[ProductSnapshot] = []
        self.page_size = page_size
        self.now = now
        self.faults: deque[Fault] = deque()
        self.reads: list[tuple[str, int, str]] = []
        self.told: list[ParcelWord] = []
        self.completed: list[str] = []
        self.write_faults: deque[Fault] = deque()

    def identify(self) -> StoreIdentity:
        self._meet_fault()
        return StoreIdentity("Fake shop", "1.0", "USD")

    def read_orders(self, *, since: int, cursor: str) -> OrderPage:
        self._note("orders", since, cursor)
        window = [order for order in self.orders if order.updated_at >= since]
        start, end = self._bounds(cursor)
        return OrderPage(
            orders=tuple(window[start:end]),
            malformed=() if start else tuple(self.malformed),
            next_cursor=str(end) if end < len(window) else "",
            read_until=self.now,
            orders_total=len(window),
        )

    def read_products(self, *, since: int, cursor: str) -> ProductPage:
        self._note("products", since, cursor)
        window = [product for product in self.products if product.updated_at >= since]
        start, end = self._bounds(cursor)
        next_cursor = str(end) if end < len(window) else ""
        return ProductPage(tuple(window[start:end]), (), next_cursor, self.now)

    def choose_write_back(self, order_external_id: str) -> WriteBackMethod:
        return WriteBackMethod.CORE_FULFILLMENT

    def find_parcel(self, word: ParcelWord, method: WriteBackMethod) -> str | None:
        markers = [told.marker for told in self.told]
        return str(markers.index(word.marker) + 1) if word.marker in markers else None

    def tell_parcel(self, word: ParcelWord, method: WriteBackMethod) -> str:
        meet(self.write_faults)
        found = self.find_parcel(word, method)
        if found is None:
            self.told.append(word)
            found = str(len(self.told))
        meet(self.write_faults)  # The second one befalls an answer, after the write.
        return found

    def complete_order(self, order_external_id: str) -> None:
        if order_external_id not in self.completed:
            self.completed.append(order_external_id)

    def _bounds(self, cursor: str) -> tuple[int, int]:
        start = int(cursor or 0)
        return start, start + self.page_size

    def _note(self, what: str, since: int, cursor: str) -> None:
        self.reads.append((what, since, cursor))
        self._meet_fault()

    def _meet_fault(self) -> None:
        meet(self.faults)


class FakeStores:
    """One store behind every address."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.addresses: list[StoreAddress] = []

    def open(self, address: StoreAddress) -> FakeStore:
        self.addresses.append(address)
        return self.store

    def read_file(self, kind: ImportFormat, exported_at: int | None) -> OrderFile:
        """Files are read as they are."""
        return FILES[kind](exported_at)

    def write_file(self, kind: ExportFormat) -> OrderWriter:
        return WRITERS[kind]()


class FakeCarrier:
    """A tracking service that tells what a test wrote down, by tracking number."""

    name = "fake"

    def __init__(self, *, batch_size_max: int = 40) -> None:
        self.batch_size_max = batch_size_max
        self.refusals: dict[str, str] = {}
        self.events: dict[str, list[TrackingEvent]] = {}
        self.latest: dict[str, Meaning] = {}
        self.faults: deque[Fault] = deque()
        self.registered: list[str] = []
        self.fetched: list[str] = []

    def register(self, parcels: Sequence[ParcelNumber]) -> Mapping[ParcelNumber, str]:
        self._meet_fault()
        self.registered += [parcel.tracking_number for parcel in parcels]
        return {
            parcel: self.refusals[parcel.tracking_number]
            for parcel in parcels
            if parcel.tracking_number in self.refusals
        }

    def fetch(self, parcels: Sequence[ParcelNumber]) -> Sequence[TrackingReport]:
        self._meet_fault()
        self.fetched += [parcel.tracking_number for parcel in parcels]
        return [self._report(parcel) for parcel in parcels]

    def _report(self, parcel: ParcelNumber) -> TrackingReport:
        events = tuple(self.events.get(parcel.tracking_number, ()))
        latest = self.latest.get(parcel.tracking_number, Meaning(None))
        return TrackingReport(parcel, latest, "fake-status", events)

    def _meet_fault(self) -> None:
        meet(self.faults)
