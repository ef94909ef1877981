"""The broker that carries wake-ups: Dramatiq's own in memory, or Redis.

A message is a job's id and nothing else. Nothing depends on it: what is lost is due again, what
comes twice finds the job taken. So Dramatiq retries nothing and delays nothing here.
"""

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker

from oms.domain.jobs import Lane
from oms.settings import Settings, SettingsError

log = logging.getLogger(__name__)

# One queue a lane: every further one costs each process two threads.
QUEUES: Final[Mapping[Lane, str]] = {Lane.INSIDE: "jobs", Lane.OUTSIDE: "outside"}
BROKER_ERRORS: Final = (dramatiq.DramatiqError, redis.RedisError, OSError)
_REDIS_TIMEOUT_SECONDS: Final = 5
_HEARTBEAT_TIMEOUT_MS: Final = 15_000
_MAINTENANCE_ALWAYS: Final = 1_000_000  # In a million commands: look for dead workers at each.


def make_broker(settings: Settings) -> dramatiq.Broker:
    """Return a broker of one lane as the settings name it; nothing is sent yet."""
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


def check_broker(broker: dramatiq.Broker) -> None:
    """Look at how Redis is set before it is relied upon; one that is away is looked at no further.

    Raises:
        SettingsError: it may throw keys away, so that messages come without their contents.
    """
    if not isinstance(broker, RedisBroker):
        return
    try:
        # One by one: several at once are for Redis 7.
        found: Any = {
            name: broker.client.config_get(name).get(name, "")
            for name in ("maxmemory-policy", "appendonly", "save")
        }
    except redis.ResponseError:
        log.warning("Redis does not show its settings: see that maxmemory-policy is noeviction")
        return
    except BROKER_ERRORS as error:
        log.warning("Redis is away, its settings are not checked: %s", error)
        return
    policy = found["maxmemory-policy"]
    if policy != "noeviction":
        raise SettingsError(
            f"FBALI_BROKER_URL: this Redis may throw wake-ups away (maxmemory-policy is {policy});"
            " set it to noeviction"
        )
    if found["appendonly"] == "no" and not found["save"]:
        log.warning("Redis keeps nothing on disk: after its restart, wake-ups are late by 10 s")


def send(broker: dramatiq.Broker, messages: Sequence[dramatiq.Message[Any]]) -> None:
    """Send wake-ups; on Redis all of them in one round trip."""
    if isinstance(broker, RedisBroker):
        _send_to_redis(broker, messages)
        return
    for message in messages:
        broker.enqueue(message)


def _send_to_redis(broker: RedisBroker, messages: Sequence[dramatiq.Message[Any]]) -> None:
    """Write messages as the broker's own script does, which takes one at a time."""
    with broker.client.pipeline(transaction=True) as pipe:
        for message in messages:
            redis_id = str(uuid.uuid4())
            encoded = message.copy(options={"redis_message_id": redis_id}).encode()
            queue = f"{broker.namespace}:{message.queue_name}"
            pipe.hset(f"{queue}.msgs", redis_id, encoded)
            pipe.rpush(queue, redis_id)
        pipe.execute()


def waiting(broker: dramatiq.Broker, worker: dramatiq.Worker, lane: Lane) -> int:
    """Count wake-ups of a lane that were sent and that no thread of this process has begun."""
    here: int = worker.work_queue.qsize()
    if isinstance(broker, StubBroker):
        return here + int(broker.queues[QUEUES[lane]].qsize())
    assert isinstance(broker, RedisBroker)
    return here + _queue_length(broker, QUEUES[lane])


def _queue_length(broker: Any, queue: str) -> int:
    return int(broker.client.llen(f"{broker.namespace}:{queue}"))
