"""How much load a scenario is run with."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.scenarios.installation import Form


@dataclass(frozen=True, slots=True)
class Size:
    """Load, and by how much waiting is shortened."""

    orders: int  # Synced and allocated while workers are killed.
    redis_orders: int
    placed: int  # PlaceOrders calls while the API is killed.
    outage_seconds: float
    redis_outage_seconds: float
    commits: int  # Kills in mid-commit.
    jobs: int
    deadly_jobs: int
    both_placed: int
    page: int  # Orders that many workers apply at once.
    stores_seconds: float
    retry_after_seconds_max: int
    updates: int  # By vendors.
    restored_orders: int
    chaos_seconds: float
    arriving_seconds: float  # In which half of the orders come while Redis is broken.
    haste: float = 1.0  # By how much the pauses between faults are shortened.
    forms: Sequence[Form] = tuple(Form)


FULL = Size(
    orders=10_000,
    redis_orders=5_000,
    placed=5_000,
    outage_seconds=30.0,
    redis_outage_seconds=60.0,
    commits=200,
    jobs=1_000,
    deadly_jobs=10,
    both_placed=500,
    page=100,
    stores_seconds=90.0,
    retry_after_seconds_max=60,
    updates=10_000,
    restored_orders=10_000,
    chaos_seconds=120.0,
    arriving_seconds=45.0,
)
SHORT = Size(
    orders=400,
    redis_orders=200,
    placed=300,
    outage_seconds=3.0,
    redis_outage_seconds=3.0,
    commits=4,
    jobs=50,
    deadly_jobs=1,
    both_placed=40,
    page=20,
    stores_seconds=12.0,
    retry_after_seconds_max=4,
    updates=300,
    restored_orders=200,
    chaos_seconds=10.0,
    arriving_seconds=4.0,
    haste=0.2,
    forms=(Form.EMBEDDED,),
)
