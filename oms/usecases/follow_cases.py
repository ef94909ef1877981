"""What time and parcels do to cases: deadlines pass, resends arrive or fail."""

from oms.domain.cases import CaseAction, CaseState
from oms.domain.jobs import BATCH_ORDERS_MAX, ClaimedJob, Cursor
from oms.storage import cases, jobs, orders
from oms.storage.cases import CaseRecord
from oms.usecases.context import Oms, Transaction
from oms.usecases.move_cases import shift
from oms.usecases.settle_cases import drop_open_resends, has_failed, review_outcomes, take_back


def run_expire_cases(oms: Oms, job: ClaimedJob) -> Cursor | None:
    """Move a batch of cases on whose deadline has passed: to the operator, or to their end."""
    with oms.db.transaction():
        tx = Transaction(oms.db, oms.clock.now_ms(), oms)
        late = cases.out_of_time(tx.db, tx.now_ms, BATCH_ORDERS_MAX)
        orders.lock(tx.db, [order_id for _, order_id in late])
        for case_id, _ in late:
            case = cases.record(tx.db, case_id)
            if case.deadline_at is not None and case.deadline_at <= tx.now_ms:
                shift(tx, case, CaseAction.RUN_OUT)
        cursor = {"batch": len(late)} if late else None
        jobs.step(tx.db, job, cursor, tx.now_ms)
    return cursor


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
