"""Background work: its kinds, how failures are spaced, and when it is given up."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

LEASE_MS = 8_000  # A worker that dies holds a job back for this long at most.
REDISPATCH_MS = 10_000  # A wake-up that was lost is repeated after this long at most.
SLICE_MS = 2_000  # A job of the outside lane lets others go first after this long.
CRASHES_MAX = 3  # A job that killed its worker this often without progress is quarantined.
SUSPECT_PAUSE_MS = 500  # A job that saw a worker die lets another such one of its lane end first.
FAILURES_MAX = 10  # A job that failed this often in a row is quarantined.
BATCH_ORDERS_MAX = 50  # Orders of one allocation job: one short transaction.
BACK_OFF_FIRST_MS = 1_000
BACK_OFF_MAX_MS = 300_000


Cursor = dict[str, Any]  # What a step saves for the next one; JSON.


class JobKind(StrEnum):
    """The kinds of work; each is an actor of its own."""

    SYNC_STORE = "sync_store"
    ALLOCATE_ORDERS = "allocate_orders"
    RELEASE_LINES = "release_lines"
    POLL_TRACKING = "poll_tracking"
    WRITE_BACK = "write_back"
    EXPIRE_ALLOCATIONS = "expire_allocations"
    EXPIRE_CANCELLATIONS = "expire_cancellations"
    EXPIRE_HOLDS = "expire_holds"
    EXPIRE_CASES = "expire_cases"
    ADVANCE_CASE = "advance_case"
    PRUNE = "prune"
    MAKE_THUMBNAIL = "make_thumbnail"
    PURGE_PHOTOS = "purge_photos"


# What it means to discard a job, for the operator: what is not done, and what does it instead.
IF_DISCARDED: Final[Mapping[JobKind, str]] = {
    JobKind.SYNC_STORE: (
        "this sync ends as failed; the store's next one reads what it would have read, so no order"
        " is lost"
    ),
    JobKind.ALLOCATE_ORDERS: (
        "no order is lost, but no vendor gets its orders by itself: their open units stay Pending,"
        " marked QUARANTINED, until they are placed by hand"
    ),
    JobKind.RELEASE_LINES: (
        "no order is lost, but units that waited for this change of hosting stay Pending until the"
        " next change, or until they are placed by hand"
    ),
    JobKind.POLL_TRACKING: "nothing is lost; the timetable asks for the same parcels again",
    JobKind.WRITE_BACK: (
        "the store is not told of the order's parcels: its write-backs are FAILED, and the merchant"
        " may retry them"
    ),
    JobKind.EXPIRE_ALLOCATIONS: "nothing is lost; the timetable does the same within a minute",
    JobKind.EXPIRE_CANCELLATIONS: "nothing is lost; the timetable does the same within a minute",
    JobKind.EXPIRE_CASES: "nothing is lost; the timetable does the same within a minute",
    JobKind.ADVANCE_CASE: (
        "no money and no unit is lost, but the case stays as it is until its order changes again or"
        " ResolveCase ends it"
    ),
    JobKind.MAKE_THUMBNAIL: "the photo has no thumbnail; the photo itself is there",
    JobKind.PURGE_PHOTOS: "nothing is lost; the timetable does the same within an hour",
    JobKind.EXPIRE_HOLDS: "nothing is lost; the timetable does the same within a minute",
    JobKind.PRUNE: "nothing is lost; the timetable does the same within an hour",
}


class Lane(StrEnum):
    """Which threads run a kind: those that wait for outside systems never hold up the others."""

    INSIDE = "INSIDE"
    OUTSIDE = "OUTSIDE"


OUTSIDE_KINDS = frozenset({JobKind.SYNC_STORE, JobKind.POLL_TRACKING, JobKind.WRITE_BACK})


def lane_of(kind: JobKind) -> Lane:
    """Tell the lane of a kind."""
    return Lane.OUTSIDE if kind in OUTSIDE_KINDS else Lane.INSIDE


class JobState(StrEnum):
    """How far a job has come. RUNNING is a PENDING job whose lease somebody holds."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    QUARANTINED = "QUARANTINED"
    DISCARDED = "DISCARDED"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the operator sees it. Instants are epoch milliseconds."""

    id: str
    kind: str
    merchant_id: str
    state: JobState
    failures: int
    crashes: int
    last_error: str
    due_at: int
    created_at: int
    finished_at: int | None


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job whose lease this worker holds.

    `args` never change; `cursor` is what the last finished step saved, empty at first. `crashes`
    counts the workers that died, and `failures` the errors, since the last progress. `generation`
    is the newest trigger that this run covers.
    """

    id: str
    kind: JobKind
    merchant_id: str
    args: dict[str, Any]
    cursor: dict[str, Any]
    crashes: int
    failures: int
    generation: int
    lease_token: str


def back_off_ms(failures: int, jitter: float) -> int:
    """Return how long to wait after the n-th failure in a row; `jitter` is in [0, 1)."""
    delay = min(BACK_OFF_FIRST_MS * 2 ** max(0, failures - 1), BACK_OFF_MAX_MS)
    return int(delay * (0.75 + jitter / 2))
