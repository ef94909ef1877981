"""What happens by the clock besides the syncs of the stores."""

from oms.domain.jobs import JobKind
from oms.storage import schedule
from oms.storage.schedule import Slot
from oms.usecases.context import Oms

EXPIRY_SECONDS = 60
PRUNE_SECONDS = 3_600


def put_timetable(oms: Oms) -> None:
    """Set the rows of the timetable that every installation has; repeated, it changes nothing."""
    rows = (
        (JobKind.POLL_TRACKING, oms.policy.tracking_tick_seconds),
        (JobKind.EXPIRE_ALLOCATIONS, EXPIRY_SECONDS),
        (JobKind.EXPIRE_CANCELLATIONS, EXPIRY_SECONDS),
        (JobKind.EXPIRE_HOLDS, EXPIRY_SECONDS),
        (JobKind.EXPIRE_CASES, EXPIRY_SECONDS),
        (JobKind.PRUNE, PRUNE_SECONDS),
        (JobKind.PURGE_PHOTOS, PRUNE_SECONDS),
    )
    with oms.db.transaction():
        now_ms = oms.clock.now_ms()
        for kind, seconds in rows:
            every_ms = int(seconds * 1000)
            schedule.put(oms.db, Slot(kind.value, kind, every_ms, now_ms + every_ms))
