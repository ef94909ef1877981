"""The actors: one for each kind of job, each of them the same call of the use case that runs jobs.

A second message for a job is harmless: `run_job` claims the job first and leaves it alone when it
is finished or held. A message that fails is not retried by the broker, since the job is due again.
"""

from collections.abc import Mapping
from functools import partial

import dramatiq

from oms.domain.jobs import JobKind, Lane, lane_of
from oms.usecases.context import Oms
from oms.usecases.run_job import Leases, run_job
from workers.broker import QUEUES


def declare_actors(
    brokers: Mapping[Lane, dramatiq.Broker], oms: Oms, leases: Leases
) -> Mapping[str, dramatiq.Actor[..., None]]:
    """Declare the actor of every kind at its lane's broker, by the name of the kind."""
    run = partial(run_job, oms, leases)
    return {
        kind.value: dramatiq.Actor(
            run,
            broker=brokers[lane_of(kind)],
            actor_name=kind.value,
            queue_name=QUEUES[lane_of(kind)],
            priority=0,
            options={},
        )
        for kind in JobKind
    }
