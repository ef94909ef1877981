"""The broker that carries wake-ups: Dramatiq's own in memory, or Redis.

A message is a job's id and nothing else. Nothing depends on it: what is lost is due again, what
comes twice finds the job taken. So Dramatiq retries nothing and delays nothing here.
"""

from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from oms.settings import Settings

QUEUE = "jobs"  # One queue: every further one costs each process two threads.
_REDIS_TIMEOUT_SECONDS = 5
_HEARTBEAT_TIMEOUT_MS = 15_000
_MAINTENANCE_ALWAYS = 1_000_000  # In a million commands: look for dead workers at each of them.


def make_broker(settings: Settings) -> dramatiq.Broker:
    """Return the broker that the settings name; nothing is sent yet."""
    if settings.is_embedded:
        return StubBroker(middleware=[])
    client = redis.Redis.from_url(
        settings.broker_url,
        socket_timeout=_REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
        health_check_interval=_REDIS_TIMEOUT_SECONDS * 3,
        # The broker's commands are not idempotent: the client must not repeat one by itself.
        retry=None,
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=[],
        heartbeat_timeout=_HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=_MAINTENANCE_ALWAYS,
    )


def waiting(broker: dramatiq.Broker, worker: dramatiq.Worker) -> int:
    """Count wake-ups that were sent and that no thread of this process has begun."""
    here: int = worker.work_queue.qsize()
    if isinstance(broker, StubBroker):
        return here + int(broker.queues[QUEUE].qsize())
    assert isinstance(broker, RedisBroker)
    return here + _queue_length(broker)


def _queue_length(broker: Any) -> int:
    return int(broker.client.llen(f"{broker.namespace}:{QUEUE}"))
