"""One store answers in 30 s, one throttles all the time; the others do not notice."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from statistics import quantiles

from app.demo.shop import PretendShop, ShopOptions
from app.demo.shop_reply import Reply
from fbali.errors import FbaliError
from fbali.v1.hosting_service_pb2 import ConnectStoreRequest
from fbali.v1.order_service_pb2 import SyncOrdersRequest
from tests.faults.scenarios.installation import Installation, insist
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size
from tests.services.fleet import connect_request

STORES = 20
SLOW_SECONDS = 30.0
ROUND_SECONDS = 3.0
P99_SECONDS_MAX = 10.0
CLOCK_SECONDS = 0.05  # What a clock in whole milliseconds and a thread that waits may be off.


@dataclass
class Storm:
    """Refuses all but the first few requests, and notes who came too early."""

    retry_after_seconds_max: int
    is_raging: bool = False
    refused: int = 0
    early: int = 0
    not_before: float = 0.0
    dice: Random = field(default_factory=lambda: Random(5))

    def answer(self, _path: str, _query: object) -> Reply | None:
        if not self.is_raging:
            return None
        now = time.monotonic()
        self.early += now < self.not_before - CLOCK_SECONDS
        self.refused += 1
        seconds = self.dice.randint(1, self.retry_after_seconds_max)
        self.not_before = max(self.not_before, now + seconds)
        return Reply(429, {}, {"Retry-After": str(seconds)})


def run(size: Size) -> Iterator[Result]:
    for form in size.forms:
        is_slow: list[bool] = []
        storm = Storm(size.retry_after_seconds_max)

        def think(_path: str, _query: object, is_slow: list[bool] = is_slow) -> Reply | None:
            if is_slow:
                time.sleep(SLOW_SECONDS)
            return None

        hooks = [think, storm.answer, *([None] * (STORES - 2))]
        with Installation(form, 1) as installed, ExitStack() as closing:
            shops = [
                closing.enter_context(PretendShop(ShopOptions(hook=hook) if hook else None))
                for hook in hooks
            ]
            names = [_connect(installed, shop) for shop in shops]
            is_slow.append(True)
            storm.is_raging = True
            installed.start_workers()
            started = time.monotonic()
            _sync_again_and_again(installed, names, size.stores_seconds)
            time.sleep(P99_SECONDS_MAX)
            waits = _waits(installed, names[2:])
            p99 = quantiles(waits, n=100, method="inclusive")[-1]
            misses = [] if p99 < P99_SECONDS_MAX else [f"p99 {p99:.1f} s"]
            if storm.early:
                misses.append(f"{storm.early} requests before Retry-After")
            unfinished = _unfinished(installed, names[2:])
            yield Result(
                f"a store that answers in {SLOW_SECONDS:.0f} s, one that throttles",
                form,
                f"{STORES} stores, {len(waits)} syncs of the others, p99 {p99:.2f} s",
                f"{storm.refused} refusals",
                unfinished,
                0,
                time.monotonic() - started,
                None,
                misses,
            )


def _connect(installed: Installation, shop: PretendShop) -> str:
    request = connect_request("merchants/-", shop)
    request.MergeFrom(ConnectStoreRequest(sync_interval_seconds=86_400))
    return str(installed.merchant_client.hosting.ConnectStore(request).store.name)


def _sync_again_and_again(installed: Installation, names: list[str], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for name in names:
            try:
                insist(
                    lambda: installed.merchant_client.orders.SyncOrders(
                        SyncOrdersRequest(name=name)  # noqa: B023
                    )
                )
            except FbaliError as error:
                raise RuntimeError(name) from error
        time.sleep(ROUND_SECONDS)


def _waits(installed: Installation, names: list[str]) -> list[float]:
    """Return how long the runs took from when they were asked for, in seconds."""
    rows = installed.rows("SELECT store_id, created_at, finished_at FROM sync_run")
    ids = {name.rpartition("/")[2] for name in names}
    return [(row[2] - row[1]) / 1000 for row in rows if str(row[0]) in ids and row[2] is not None]


def _unfinished(installed: Installation, names: list[str]) -> int:
    rows = installed.rows("SELECT store_id, state FROM sync_run")
    ids = {name.rpartition("/")[2] for name in names}
    return sum(1 for row in rows if str(row[0]) in ids and row[1] != "SUCCEEDED")
