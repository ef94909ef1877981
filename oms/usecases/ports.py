"""What the use cases need from outside: clock, machine, stores, carriers, a place for photos."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oms.domain.exports import ExportedOrder
from oms.domain.imports import BrokenRow, ExportFormat, FileOrder, ImportFormat
from oms.domain.photos import Picture
from oms.domain.snapshots import OrderPage, ProductPage, StoreIdentity
from oms.domain.tracking import ParcelNumber, TrackingReport
from oms.domain.write_backs import ParcelWord, WriteBackMethod


class Clock(Protocol):
    """The time, injected so that tests decide it."""

    def now_ms(self) -> int:
        """Return UTC epoch milliseconds."""
        ...


class Machine(Protocol):
    """The machine that this process runs on, which knows for certain who of it has ended."""

    @property
    def life(self) -> str:
        """Name the life of this process, unlike any other one's; empty where that is not known."""
        ...

    def has_ended(self, life: str) -> bool:
        """Tell whether a life is over for certain; False for what another machine has to know.

        A process that sleeps, is stopped or is not answering lives.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a store is and how to get in. Credentials are never logged or shown."""

    platform: str
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)


class StoreGateway(Protocol):
    """One store. Every method is one bounded exchange and raises GatewayError when it fails.

    Implementations hold no state between calls that matters: a cursor is all that continues a
    window, in this process or in another. They never sleep for longer than a second: a store that
    asks for patience is answered by GatewayError with `retry_after_seconds`, and the job waits.
    """

    def identify(self) -> StoreIdentity:
        """Check address and credentials, and say which store answered."""
        ...

    def read_orders(self, *, since: int, cursor: str) -> OrderPage:
        """Read a page of the orders changed at or after `since` (UTC epoch seconds).

        An empty cursor opens a new window [since, store's now). Within a window every order that
        was changed in it is returned at least once, however many changed in one second, and also
        when orders change while it is read (those are returned by this window or by the next).
        """
        ...

    def read_products(self, *, since: int, cursor: str) -> ProductPage:
        """Read a page of the products changed at or after `since`, as `read_orders` does."""
        ...

    def choose_write_back(self, order_external_id: str) -> WriteBackMethod:
        """Find out, with an order of it, the best way in which this store is told of parcels."""
        ...

    def find_parcel(self, word: ParcelWord, method: WriteBackMethod) -> str | None:
        """Return the store's id of what it was told of a parcel; None when it was not told."""
        ...

    def tell_parcel(self, word: ParcelWord, method: WriteBackMethod) -> str:
        """Tell the store of a parcel, unless it knows; return the store's id of what it was told.

        What the store has is read first, so that repeating it after a lost answer says nothing
        twice. Units that do not fit into what the store still has to fulfil are refused, also
        where the store itself would take them.
        """
        ...

    def complete_order(self, order_external_id: str) -> None:
        """Set an order completed, unless it is already or was cancelled meanwhile."""
        ...


class OrderFile(Protocol):
    """Reads the bytes of one file of orders as they come, in memory that does not grow with it.

    Rows that cannot be read are given with their line number among the orders. Both methods raise
    InvalidInput when the file as a whole is not what it should be.
    """

    @property
    def line_count(self) -> int:
        """Return how many lines were read so far."""
        ...

    def feed(self, chunk: bytes) -> Iterator[FileOrder | BrokenRow]:
        """Give the orders that are complete with these bytes, in the order of the file."""
        ...

    def end(self) -> Iterator[FileOrder | BrokenRow]:
        """Give what is left when there are no more bytes."""
        ...


class OrderWriter(Protocol):
    """Writes orders as a file, one after the other."""

    def head(self) -> bytes:
        """Return what the file begins with."""
        ...

    def rows(self, order: ExportedOrder) -> bytes:
        """Return one order as it stands in the file."""
        ...


class StoreGateways(Protocol):
    """Makes the gateway of a store, and readers and writers of files of orders."""

    def open(self, address: StoreAddress) -> StoreGateway:
        """Return the gateway for the store's platform; raises InvalidInput for a bad address."""
        ...

    def read_file(self, kind: ImportFormat, exported_at: int | None) -> OrderFile:
        """Begin to read a file that was made at an instant (UTC epoch seconds), if that is known.

        Orders of a file that does not say when they changed are taken to be as old as the file.
        """
        ...

    def write_file(self, kind: ExportFormat) -> OrderWriter:
        """Begin to write a file."""
        ...


class CarrierGateway(Protocol):
    """One tracking service. Every method is one exchange and raises GatewayError when it fails."""

    name: str
    batch_size_max: int

    def register(self, parcels: Sequence[ParcelNumber]) -> Mapping[ParcelNumber, str]:
        """Ask to follow parcels, at most `batch_size_max`; registering twice is harmless.

        Return the refused ones with the carrier's words; the others are followed from now on.
        """
        ...

    def fetch(self, parcels: Sequence[ParcelNumber]) -> Sequence[TrackingReport]:
        """Read what is known of registered parcels, at most `batch_size_max`, in any order.

        A parcel of which nothing is known yet is reported without events.
        """
        ...


class PhotoStore(Protocol):
    """Where the bytes of photos are, shared by all processes.

    Whatever returns is durable. A method that finds the storage full raises LimitExceeded, one that
    finds it away Unavailable; either way nothing half done can be seen.
    """

    def require_room(self) -> None:
        """Refuse when there is no room for more photos."""
        ...

    def write(self, upload_id: str, offset: int, data: bytes) -> None:
        """Put bytes into an upload at an offset; the same bytes again change nothing."""
        ...

    def received(self, upload_id: str, size: int) -> bytes:
        """Read the first `size` bytes of an upload, or fewer if there are no more."""
        ...

    def drop(self, upload_id: str) -> None:
        """Forget the bytes of an upload; harmless when there are none."""
        ...

    def uploads(self, after: str) -> Sequence[str]:
        """List uploads that have bytes, in order, after one; empty at the end."""
        ...

    def put(self, data: bytes) -> str:
        """Keep a complete file under the SHA-256 of its bytes, in hex, which is returned.

        It is there wholly or not at all, also when it is put several times at once.
        """
        ...

    def has(self, key: str) -> bool:
        """Tell whether a file is there."""
        ...

    def read(self, key: str, offset: int, size: int) -> bytes:
        """Read a piece of a file, empty behind its end; raises NotFound."""
        ...

    def remove(self, key: str) -> None:
        """Remove a file; harmless when it is gone."""
        ...

    def keys(self, prefix: str) -> Sequence[str]:
        """List the files whose keys begin with two hexadecimal digits, in order."""
        ...

    def tidy(self) -> None:
        """Remove what processes left behind when they died."""
        ...


class PictureDecoder(Protocol):
    """Reads pictures that nobody vouches for, away from whoever asks.

    Both raise InvalidInput with a PhotoProblem as reason for what is no photo, and Unavailable when
    no decoder was free within the patience.
    """

    def clean(self, data: bytes, patience_seconds: float = 0.0) -> Picture:
        """Draw a picture anew, upright and without anything but its pixels."""
        ...

    def shrink(self, data: bytes, patience_seconds: float = 0.0) -> Picture:
        """Draw the thumbnail of a picture."""
        ...
