"""Redis is flushed every 10 s, or killed with all that it held every 7 s, while orders come in."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import redis

from app.demo.customers import Customers
from tests.faults.scenarios.installation import (
    Form,
    Installation,
    again_and_again,
    insist,
    wait_until,
)
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size

ALLOCATED_SECONDS_MAX = 60.0
ARRIVING_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to Redis, and how often."""

    name: str
    every_seconds: float
    do: Callable[[Installation], object]


def flush(installed: Installation) -> None:
    assert installed.redis is not None
    with redis.Redis.from_url(installed.redis.url) as client:
        client.flushall()


def kill(installed: Installation) -> None:
    assert installed.redis is not None
    installed.redis.kill()
    installed.redis.start_again()


FAULTS = (
    Fault("Redis FLUSHALL every 10 s", 10.0, flush),
    Fault("Redis without persistence kill -9 every 7 s", 7.0, kill),
)


def run(size: Size) -> Iterator[Result]:
    """Half of the orders are there, half arrive while Redis is broken."""
    calm = _allocated(size, None)[0]
    for fault in FAULTS:
        seconds, count, lost, doubled, late = _allocated(size, fault)
        misses = []
        if late > ALLOCATED_SECONDS_MAX:
            misses.append(f"allocated {late:.0f} s after the last fault")
        yield Result(
            fault.name,
            Form.DISTRIBUTED,
            f"{size.redis_orders} orders in {size.arriving_seconds:.0f} s",
            f"{count} faults",
            lost,
            doubled,
            seconds,
            calm,
            misses,
        )


def _allocated(size: Size, fault: Fault | None) -> tuple[float, int, int, int, float]:
    with Installation(Form.DISTRIBUTED, size.redis_orders // 2) as installed:
        installed.start_workers()
        started = time.monotonic()
        installed.connect()
        insist(installed.host_all)
        every = fault.every_seconds * size.haste if fault else 1e6
        do = fault.do if fault else flush
        with again_and_again(every, lambda _: do(installed)) as faults:
            _let_orders_arrive(installed, size)
        last_fault_at = faults[-1] if faults else time.monotonic()
        installed.drain()
        ended = time.monotonic()
        expected = size.redis_orders // 2 * 2
        wait_until(lambda: installed.is_drained(expected))
        tally = installed.tally(expected)
        return ended - started, len(faults), tally.lost, tally.doubled, ended - last_fault_at


def _let_orders_arrive(installed: Installation, size: Size) -> None:
    customers = Customers(installed.shop, installed.catalog)
    left = size.redis_orders // 2
    for round_number in range(ARRIVING_ROUNDS, 0, -1):
        for _ in range(left // round_number):
            customers.buy()
        left -= left // round_number
        time.sleep(size.arriving_seconds / ARRIVING_ROUNDS)
