"""How the broker is, in words for the operator."""

from dataclasses import dataclass

import redis
from dramatiq.brokers.redis import RedisBroker

from oms.settings import Settings
from workers.broker import BROKER_ERRORS, keeps_nothing, make_broker, read_policy


@dataclass(frozen=True, slots=True)
class BrokerState:
    """`is_away` and `may_lose` are failures; `words` say what was found."""

    words: str
    is_away: bool = False
    may_lose: bool = False
    is_hidden: bool = False  # It does not show its settings.


def look_at_broker(settings: Settings) -> BrokerState:
    """Ask the broker how it is set; every wait has a bound."""
    if settings.is_embedded:
        return BrokerState("in memory: wake-ups stay inside the worker")
    broker = make_broker(settings)
    assert isinstance(broker, RedisBroker)
    try:
        policy = read_policy(broker)
    except redis.ResponseError as error:
        return BrokerState(f"reachable, and does not show its settings: {error}", is_hidden=True)
    except BROKER_ERRORS as error:
        return BrokerState(f"not reachable: {error}", is_away=True)
    finally:
        broker.client.close()
    may_lose = policy["maxmemory-policy"] != "noeviction"
    persistence = "nothing kept on disk" if keeps_nothing(policy) else "kept on disk"
    words = f"reachable, maxmemory-policy {policy['maxmemory-policy']}, {persistence}"
    return BrokerState(words, may_lose=may_lose)
