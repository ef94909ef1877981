"""Follows sync runs to their end, with patience for a server that is away for a while."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fbali.errors import Unavailable
from fbali.v1.store_pb2 import SyncRun, SyncRunState

POLL_SECONDS_MIN = 0.25
POLL_SECONDS_MAX = 2.0
OUTAGE_SECONDS_MAX = 60.0  # A restart takes less; after that somebody has to look.

FINAL_STATES = {SyncRunState.SYNC_RUN_STATE_SUCCEEDED, SyncRunState.SYNC_RUN_STATE_FAILED}


class Progress(Protocol):
    """Shows how far runs are."""

    def update(self, store: str, run: SyncRun) -> None:
        """Show the newest state of a store's run."""

    def say(self, text: str) -> None:
        """Show a remark."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to follow, and how to wait."""

    seconds_max: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def end_later(self, end: Callable[[], None]) -> None:
        """Have something ended when patience is used up, from another thread."""
        timer = threading.Timer(min(self.seconds_max, threading.TIMEOUT_MAX), end)
        timer.daemon = True
        timer.start()


def follow(
    runs: Mapping[str, SyncRun],
    get_run: Callable[[str], SyncRun],
    progress: Progress,
    patience: Patience,
) -> dict[str, SyncRun]:
    """Ask for the runs, by store, until all have ended or patience is used up.

    Raises:
        Unavailable: The server was away for longer than OUTAGE_SECONDS_MAX.
    """
    newest = dict(runs)
    deadline = patience.monotonic() + patience.seconds_max
    pause = POLL_SECONDS_MIN
    outage_since: float | None = None
    for store, run in newest.items():
        progress.update(store, run)
    while is_unfinished(newest) and patience.monotonic() < deadline:
        patience.sleep(pause)
        pause = min(pause * 1.3, POLL_SECONDS_MAX)
        try:
            _ask(newest, get_run, progress)
            outage_since = None
        except Unavailable as error:
            outage_since = outage_since or patience.monotonic()
            if patience.monotonic() - outage_since > OUTAGE_SECONDS_MAX:
                raise
            progress.say(f"{error.message}; asking again")
    return newest


def is_unfinished(runs: Mapping[str, SyncRun]) -> bool:
    """Tell whether any run has not ended."""
    return any(run.state not in FINAL_STATES for run in runs.values())


def _ask(newest: dict[str, SyncRun], get_run: Callable[[str], SyncRun], progress: Progress) -> None:
    for store, run in list(newest.items()):
        if run.state not in FINAL_STATES:
            newest[store] = get_run(run.name)
            progress.update(store, newest[store])
