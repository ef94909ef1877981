"""`make faults`: run the scenarios one after the other and print one table."""

import argparse
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping

from tests.faults.scenarios import (
    api_kills,
    chaos,
    clock_jumps,
    deadly_jobs,
    mid_commit,
    outages,
    redis_faults,
    restore,
    same_page,
    stopping,
    stores,
    two_operators,
    vendor_updates,
    worker_kills,
)
from tests.faults.scenarios.result import Result, table
from tests.faults.scenarios.size import FULL, SHORT, Size
from tests.services.session import close_session, open_session

SECONDS_MAX = 3_600.0

Scenario = Callable[[Size], Iterator[Result]]

SCENARIOS: Mapping[str, Scenario] = {
    "worker_kills": worker_kills.run,
    "api_kills": api_kills.run,
    "redis_faults": redis_faults.run,
    "outages": outages.run,
    "mid_commit": mid_commit.run,
    "deadly_jobs": deadly_jobs.run,
    "stores": stores.run,
    "same_page": same_page.run,
    "two_operators": two_operators.run,
    "vendor_updates": vendor_updates.run,
    "clock_jumps": clock_jumps.run,
    "restore": restore.run,
    "stopping": stopping.run,
    "chaos": chaos.run,
}


def main() -> int:
    options = _options()
    logging.basicConfig(level=logging.ERROR)
    open_session()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the start")
    chosen = {name: SCENARIOS[name] for name in options.only or SCENARIOS}
    code = run_all(chosen, SHORT if options.short else FULL)
    close_session()
    return code


def run_all(scenarios: Mapping[str, Scenario], size: Size) -> int:
    """Run them in order and print the table; 0 when all came to their end and reached all bars."""
    started = time.monotonic()
    results: list[Result] = []
    problems: list[str] = []
    for name, run in scenarios.items():
        if time.monotonic() - started > SECONDS_MAX:
            problems.append(f"{name}: not begun, the time is up")
            continue
        before = len(results)
        try:
            for result in run(size):
                results.append(result)
                print(" · ".join(result.cells()), flush=True)
        except Exception:  # noqa: BLE001 - The others are run all the same.
            traceback.print_exc()
            problems.append(f"{name}: did not come to its end")
        if len(results) == before:
            problems.append(f"{name}: showed nothing")
    print(f"\n{table(results)}\n\nTook {time.monotonic() - started:.0f} s.")
    print("\n".join(problems))
    return 0 if not problems and all(result.is_reached for result in results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.scenarios")
    parser.add_argument("--short", action="store_true", help="as `make test` does")
    parser.add_argument("only", nargs="*", help=", ".join(SCENARIOS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
