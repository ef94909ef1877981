"""Named places between two lasting effects, so that tests can end the process at each of them.

In production a place is a call that does nothing: no setting and no variable is read here, and
nothing in the product arms it. The tests bring their own start-up hook (tests/services/crashing).
"""

from collections.abc import Callable, Mapping
from typing import Final

POINTS: Final[Mapping[str, str]] = {
    "call.written": "a call wrote its rows and its answer, and did not commit",
    "call.committed": "a call committed, and its caller has no answer",
    "schedule.written": "a slot of the timetable became a job, not committed",
    "schedule.turned": "a slot of the timetable became a job",
    "relay.taken": "due jobs were put off, and nobody was woken for them",
    "relay.pushed": "wake-ups went to the broker",
    "job.woken": "a wake-up was fetched, nothing was claimed",
    "job.claimed": "a job was claimed, none of its steps began",
    "job.turn_taken": "a job holds the turn at an outside system, and did not call it",
    "job.given_back": "a job went back after a step, for others to go on",
    "job.ended": "a job ended, and its wake-up is not acknowledged",
    "lease.prolonged": "the leases of running jobs were prolonged",
    "sync.started": "a run of a store began",
    "sync.read": "a page was read from a store, and nothing of it is written",
    "sync.products_written": "a page of products is written, not committed",
    "sync.orders_written": "a page of orders is written, not committed",
    "sync.committed": "a page was committed, and the next one is not read",
    "allocate.written": "vendors have their parts of a batch, not committed",
    "allocate.committed": "vendors have their parts of a batch",
    "release.written": "lines that waited are allocated, not committed",
    "release.committed": "lines that waited are allocated",
    "tracking.registered": "parcels were registered with the carrier, and not asked for",
    "tracking.asked": "the carrier answered, and nothing of it is written",
    "tracking.written": "the carrier's news are written, not committed",
    "tracking.committed": "the carrier's news are committed",
    "write_back.written": "what a store is to be told is written, not committed",
    "write_back.begun": "a write-back is marked as sent, and nothing was sent",
    "write_back.half_told": "a store was told of a parcel, and not that the order is complete",
    "write_back.told": "a store was told all, and nothing of that is written",
    "write_back.noted": "a write-back is marked as confirmed, not committed",
    "write_back.confirmed": "a write-back is confirmed, and its job goes on",
}

_watchers: list[Callable[[str], None]] = []


def reach(point: str) -> None:
    """Be at a place."""
    for watcher in _watchers:
        watcher(point)


def watch(watcher: Callable[[str], None]) -> None:
    """Have a function called at every place, in whatever thread reaches it; for tests alone."""
    _watchers.append(watcher)
