"""What the operator decides of jobs that were given up or wait."""

from oms.domain.jobs import Job
from oms.storage import jobs
from oms.usecases.context import Transaction


def retry_job(tx: Transaction, job_id: str) -> Job:
    """Make a job due now; raises NotFound, IllegalTransition, AlreadyExists."""
    jobs.retry(tx.db, job_id, tx.now_ms)
    return jobs.get(tx.db, job_id, tx.now_ms)


def discard_job(tx: Transaction, job_id: str) -> Job:
    """Give a job up for good; raises NotFound, IllegalTransition."""
    jobs.discard(tx.db, job_id, tx.now_ms)
    return jobs.get(tx.db, job_id, tx.now_ms)
