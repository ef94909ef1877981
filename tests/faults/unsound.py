"""What is wrong with a whole database, whatever happened to the processes that wrote it."""

from oms.storage import soundness
from oms.storage.database import Database
from tests.faults.histories import wrong_histories
from tests.functional.ledgers import wrong_costs, wrong_ledgers

RESTORE_SECONDS_MAX = 300.0  # How long putting a backup back may take.


def unsound(db: Database) -> list[str]:
    """Recount every ledger, cost, status and history from scratch, and look at all constraints."""
    return [*wrong_ledgers(db), *wrong_costs(db), *soundness.problems(db), *wrong_histories(db)]


def held_jobs(db: Database) -> list[str]:
    """Name the jobs that somebody holds; after a restore there are none."""
    with db.session():
        rows = db.all("SELECT id FROM job WHERE lease_token IS NOT NULL")
    return [f"job {row[0]} is held" for row in rows]
