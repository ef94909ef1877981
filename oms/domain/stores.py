"""Stores and the runs that pull them, as they are stored. Instants are epoch milliseconds."""

from dataclasses import dataclass
from enum import StrEnum

FILES_PLATFORM = "files"  # No web store behind it: orders come from files.


class StoreState(StrEnum):
    """Whether a store is pulled."""

    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"


class Processing(StrEnum):
    """What happens to new orders."""

    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class WriteBackMode(StrEnum):
    """When a store is told of parcels."""

    SEPARATE = "SEPARATE"  # Each as soon as a carrier has it.
    TOGETHER = "TOGETHER"  # All of an order when nothing of it waits any more.
    OFF = "OFF"


class SyncRunState(StrEnum):
    """How far a pull has come."""

    QUEUED = "QUEUED"  # Waits for a worker.
    RUNNING = "RUNNING"  # Reads the store.
    WAITING = "WAITING"  # The store failed; tried again at `next_attempt_at`.
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"  # Given up; the next run catches up.


UNFINISHED_RUN_STATES = (SyncRunState.QUEUED, SyncRunState.RUNNING, SyncRunState.WAITING)


@dataclass(frozen=True, slots=True)
class Store:
    """A web store of a merchant.

    Everything that changed in it before `synced_until_at` has been read; None before the first
    complete sync. It is told of parcels that were handed over at `write_back_since_at` or later.
    """

    id: str
    merchant_id: str
    display_name: str
    platform: str
    base_url: str
    state: StoreState
    processing: Processing
    sync_interval_seconds: int
    synced_until_at: int | None
    products_synced_until_at: int | None
    version: int
    created_at: int
    latest_sync_run_id: str = ""
    write_back_mode: WriteBackMode = WriteBackMode.SEPARATE
    write_back_since_at: int = 0

    @property
    def is_pulled(self) -> bool:
        """Tell whether there is a web store to read."""
        return self.platform != FILES_PLATFORM


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One pull of a store, with its counters and its last problem."""

    id: str
    merchant_id: str
    store_id: str
    state: SyncRunState
    product_count: int
    order_count: int
    order_count_expected: int
    created_count: int
    changed_count: int
    unchanged_count: int
    quarantined_count: int
    problem_reason: str
    problem_message: str
    problem_at: int | None
    failure_count: int
    next_attempt_at: int | None
    created_at: int
    started_at: int | None
    finished_at: int | None


@dataclass(frozen=True, slots=True)
class QuarantinedOrder:
    """An order that could not be taken, and why."""

    id: str
    merchant_id: str
    store_id: str
    external_id: str
    problem: str
    created_at: int
    updated_at: int
