"""Everything at random, at once: faults of all kinds while shops, a merchant and vendors go on.

Two merchants. The first one's shop changes its mind, and its vendor works off a list as people do.
The second one places orders by hand, and its vendor's updates are compared row by row.
`FBALI_TEST_SEED` repeats the order of the faults.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import tests.services.crashing
from app.demo.endings import Ending
from app.demo.vendors import VendorAgent, VendorOptions
from tests.faults.scenarios.chaos_business import ByHand, ChangingShop
from tests.faults.scenarios.installation import Installation, wait_until
from tests.faults.scenarios.mayhem import FAULTS, Victim
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size
from tests.faults.unsound import unsound
from tests.services.proxy import Proxy

SEED = int(os.environ.get("FBALI_TEST_SEED") or time.time_ns() % 1_000_000)
PAUSE_SECONDS_MAX = 1.5
SETTLED_SECONDS_MAX = 300.0
ORDERS = 100  # In the shop from the beginning.
BY_HAND_PER_SECOND = 10  # More orders than can be placed and dealt with.
SHOWN = 10
AGENT = VendorOptions("Vendor", "VE", may_reject=False, steps_per_round=20, seconds_per_round=0.2)
# Jobs that orders, vendors and merchants cause; the timetable's own never end.
UNFINISHED = (
    "SELECT COUNT(*) FROM job WHERE state = 'PENDING'"
    " AND kind IN ('allocate_orders', 'release_lines', 'write_back')"
)


def run(size: Size) -> Iterator[Result]:
    print(f"FBALI_TEST_SEED={SEED}", flush=True)
    [hook_folder] = tests.services.crashing.__path__
    path = f"{hook_folder}:{Path.cwd()}:{Path.cwd() / 'client' / 'src'}"
    for form in size.forms:
        with TemporaryDirectory(prefix="fbali-clock-") as folder:
            clock_file = Path(folder) / "ahead"
            clock_file.write_text("0")
            settings = {"CLOCK_AHEAD": str(clock_file)}
            with (
                Installation(form, ORDERS, is_proxied=True, **settings) as installed,
                Proxy(("127.0.0.1", urlsplit(installed.shop.url).port or 0)) as shop,
            ):
                installed.fleet.environment["PYTHONPATH"] = path
                yield _run(Victim(installed, shop, clock_file), size)


def _run(victim: Victim, size: Size) -> Result:
    installed, dice = victim.installed, Random(SEED)
    installed.start_workers()
    installed.connect(base_url=f"http://127.0.0.1:{victim.shop.port}")
    installed.host_all()
    installed.drain()
    shop = ChangingShop(installed, Random(SEED))
    by_hand = ByHand(installed, Random(SEED), int(size.chaos_seconds * BY_HAND_PER_SECOND))
    ending, is_over = Ending(), Event()
    agent = VendorAgent(installed.vendor_client, AGENT, ending)
    agent.start()
    with ThreadPoolExecutor(2) as pool:
        work: list[Future[Any]] = [pool.submit(one.work, is_over) for one in (shop, by_hand)]
        try:
            injected = _break_at_random(victim, dice, size.chaos_seconds)
        finally:
            victim.calm_down()
            is_over.set()
        ended_at = time.monotonic()
        for one in work:
            one.result(SETTLED_SECONDS_MAX)
    wait_until(lambda: _is_settled(installed), SETTLED_SECONDS_MAX)
    drained = time.monotonic() - ended_at
    ending.ask()
    agent.join()
    wrong = [] if agent.failure is None else [f"the vendor's client: {agent.failure!r}"]
    installed.stop_all()
    return _reckon(victim, (shop, by_hand), injected, (wrong, drained))


def _break_at_random(victim: Victim, dice: Random, seconds: float) -> Counter[str]:
    """Inject one fault after the other; count them by name."""
    possible = [fault for fault in FAULTS if victim.installed.form in fault.forms]
    injected: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(dice.uniform(0, PAUSE_SECONDS_MAX))
        fault = dice.choice(possible)
        fault.do(victim, dice)
        injected[fault.name] += 1
        if count := victim.installed.start_what_ended():
            injected["started again by us"] += count
    return injected


def _is_settled(installed: Installation) -> bool:
    """Tell whether all orders are here, allocated and packed, and the shop was told of them."""
    installed.start_what_ended()
    return not (
        installed.count("SELECT COUNT(*) FROM orders WHERE merchant_id = ?", installed.merchant_id)
        < installed.known_orders()
        or installed.count(
            "SELECT COUNT(*) FROM order_line l JOIN orders o ON o.id = l.order_id"
            " WHERE o.admission = 'ADMITTED' AND o.merchant_id = ?"
            " AND l.open_units + l.allocated > 0",
            installed.merchant_id,
        )
        or installed.count("SELECT COUNT(*) FROM write_back WHERE state IN ('PENDING', 'SENT')")
        or installed.count(UNFINISHED)
    )


def _reckon(
    victim: Victim,
    load: tuple[ChangingShop, ByHand],
    injected: Counter[str],
    so_far: tuple[list[str], float],
) -> Result:
    """Compare everything that is in the database with what shops, merchant and vendors know."""
    installed, (shop, by_hand), (wrong, drained) = victim.installed, load, so_far
    found: Sequence[tuple[list[str], list[str]]] = [shop.compare(), by_hand.compare()]
    lost = [words for missing, _ in found for words in missing]
    doubled = [words for _, surplus in found for words in surplus]
    lost += [
        f"job {row[0]} was given up: {row[1]}"
        for row in installed.rows("SELECT kind, last_error FROM job WHERE state = 'QUARANTINED'")
    ]
    wrong = [*wrong, *by_hand.clerk.wrong, *unsound(installed.db)]
    for words in [*lost, *doubled, *wrong][:SHOWN]:
        print(words)
    orders = installed.count("SELECT COUNT(*) FROM orders")
    return Result(
        f"chaos, seed {SEED}",
        installed.form,
        f"{orders} orders, {by_hand.placed} placed by hand, {shop.changes} changes of the shop,"
        f" {by_hand.clerk.sent} updates of one vendor",
        ", ".join(f"{count} {name}" for name, count in sorted(injected.items())),
        len(lost),
        len(doubled),
        drained,
        wrong=wrong,
    )
