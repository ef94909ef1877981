"""Ends a process of the product at a crash point: Python runs this at the start of each process.

Only where a test has put this folder on PYTHONPATH and set both variables; nothing of it is
shipped. `FBALI_CRASH_AT=sync.read:2` names the point and how often a process has to come there;
`FBALI_CRASH_ONCE` is a file that the one process which dies leaves behind, so that its successor
lives on. `FBALI_DEADLY_JOBS` makes jobs with the argument `deadly` kill whoever runs them,
`FBALI_SLOW_JOBS` those with `seconds` take so long;
`FBALI_CLOCK_AHEAD` names a file that says how wrong its clock is.
"""

import itertools
import os
import signal
import time
from typing import Any


def _arm(words: str, once: str) -> None:
    from oms import crash_points  # noqa: PLC0415 - Python processes of others need not have it.

    point, _, count = words.partition(":")
    if point not in crash_points.POINTS:
        raise SystemExit(f"FBALI_CRASH_AT: no such crash point: {point}")
    coming = itertools.count(1)  # Its next() is atomic: threads come here at once.

    def end(reached: str) -> None:
        if reached != point or next(coming) < int(count or 1):
            return
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    crash_points.watch(end)


def _change_jobs() -> None:
    """Let jobs that say so in their arguments kill the worker that runs them, or take time."""
    from oms.domain.jobs import JobKind  # noqa: PLC0415
    from oms.usecases import run_job  # noqa: PLC0415

    steps = dict(run_job.STEPS)
    harmless = steps[JobKind.PRUNE]

    def step(oms: Any, job: Any) -> Any:
        if job.args.get("deadly"):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(job.args.get("seconds", 0))
        return harmless(oms, job)

    run_job.STEPS = {**steps, JobKind.PRUNE: step}


def _set_clock_by(file: str) -> None:
    """Let this process's own time of day be ahead by the milliseconds that a file says."""
    from oms.gateways.clock import SystemClock  # noqa: PLC0415

    right = SystemClock.now_ms

    def now_ms(clock: SystemClock) -> int:
        with open(file, encoding="ascii") as ahead:  # noqa: PTH123 - At the start of everything.
            return right(clock) + int(ahead.read())

    setattr(SystemClock, "now_ms", now_ms)  # noqa: B010 - It is no ordinary assignment.


if "FBALI_CLOCK_AHEAD" in os.environ:
    _set_clock_by(os.environ["FBALI_CLOCK_AHEAD"])
if "FBALI_DEADLY_JOBS" in os.environ or "FBALI_SLOW_JOBS" in os.environ:
    _change_jobs()
if "FBALI_CRASH_AT" in os.environ and "FBALI_CRASH_ONCE" in os.environ:
    _arm(os.environ["FBALI_CRASH_AT"], os.environ["FBALI_CRASH_ONCE"])
