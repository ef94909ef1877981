"""Every transaction locks in one order (ARCHITECTURE.md), and orders before it writes of them."""

from collections.abc import Iterator

import pytest

from oms.domain.jobs import JobKind
from oms.domain.principals import Role
from oms.storage import jobs
from oms.storage.database import Database
from tests.functional.estate import Estate
from tests.functional.sample_requests import SAMPLES
from tests.functional.test_access import callers_of, roles_of
from tests.services.lock_recorder import OWNED, LockRecorder
from tests.services.stack import METHODS, Stack

DAYS = 40 * 86_400  # After which every deadline has passed, and silent parcels are given up.
CLOCKWORK = (
    *(JobKind.EXPIRE_ALLOCATIONS, JobKind.EXPIRE_CANCELLATIONS, JobKind.EXPIRE_HOLDS),
    *(JobKind.POLL_TRACKING, JobKind.PRUNE),
)

_ENDING = {"CancelOrder", "VoidPackage", "DisconnectStore"}  # After them others are refused.


@pytest.fixture
def database(database: Database) -> Iterator[LockRecorder]:
    recorder = LockRecorder(database.url)
    yield recorder
    recorder.close()


# Of these, each case takes one: whichever comes first moves it on.
MOVED_ON = {name for name, (service, _) in METHODS.items() if service == "AfterSalesService"}


def test_every_method_and_every_job_locks_in_order(
    stack: Stack, estate: Estate, database: LockRecorder
):
    callers = callers_of(stack)
    codes = {}

    for method in sorted(SAMPLES, key=_ENDING.__contains__):
        role = min(roles_of(method), key=list(Role).index)
        codes[method] = callers[role].code(SAMPLES[method](estate))
        stack.work()
    stack.clock.advance(DAYS)
    with stack.db.transaction():
        for kind in CLOCKWORK:
            jobs.enqueue(stack.db, kind, stack.clock.now_ms())
    stack.work()

    assert database.faults == []
    refused = {method for method in codes if codes[method] != "OK"}
    # Accepted before, done since it was tried again, with the carrier already.
    assert refused - MOVED_ON == {"RejectAllocation", "DiscardJob", "VoidPackage"}
    assert database.locks == {
        *("orders", "store", "vendor", "hosting", "partnership", "job", "photo_upload")
    }
    # None of the samples sends anything again.
    assert database.written == {*OWNED, "orders"} - {"case_resend"}
