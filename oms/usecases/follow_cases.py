"""What time and parcels do to cases: deadlines pass, resends arrive or fail."""

from collections.abc import Sequence

from oms.domain.cases import CaseAction, CaseState
from oms.domain.jobs import ClaimedJob, Cursor
from oms.storage import case_deadlines, cases, jobs, orders
from oms.storage.cases import CaseRecord
from oms.usecases.careful_batches import DueWork, run_batch
from oms.usecases.context import Oms, Transaction
from oms.usecases.move_cases import shift
from oms.usecases.settle_cases import drop_open_resends, has_failed, review_outcomes, take_back

LateCase = tuple[str, str]  # (case id, order id)


def run_expire_cases(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Move a batch of cases on whose deadline has passed: to the operator, or to their end."""
    return run_batch(oms, job, _LATE_CASES)


def _expire_cases(tx: Transaction, late: Sequence[LateCase]) -> None:
    orders.lock(tx.db, [order_id for _, order_id in late])
    for case_id, _ in late:
        case = cases.record(tx.db, case_id)
        if case.deadline_at is not None and case.deadline_at <= tx.now_ms:
            shift(tx, case, CaseAction.RUN_OUT)


_LATE_CASES: DueWork[LateCase] = DueWork(
    read=lambda tx, limit: case_deadlines.out_of_time(tx.db, tx.now_ms, limit),
    do=_expire_cases,
    put_off=lambda tx, item, until: case_deadlines.put_off(tx.db, item[0], until),
)


def run_advance_case(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Look at an agreed case whose resends moved: it is resolved, or failed, or goes on."""
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        case_id: str = job.args["case_id"]
        orders.lock(tx.db, [cases.order_id_of(tx.db, case_id)])
        case = cases.record(tx.db, case_id)
        if case.state == CaseState.ACCEPTED:
            _advance(tx, case)
        elif has_failed(tx, case_id):
            drop_open_resends(tx, case)
        jobs.step(tx.db, job, None, tx.now_ms)
    return None


def _advance(tx: Transaction, case: CaseRecord) -> None:
    if has_failed(tx, case.id):
        shift(tx, case, CaseAction.FAIL)
        take_back(tx, case)
    elif review_outcomes(tx, case.id):
        shift(tx, case, CaseAction.COMPLETE)
