"""Shows how syncs go on: bars on a terminal, a line per change otherwise."""

import time
from collections.abc import Callable
from typing import Self

import click
from google.protobuf.timestamp_pb2 import Timestamp

from fbali.cli.sync_following import FINAL_STATES
from fbali.cli.terminal_text import neutral
from fbali.cli.views.sync_views import bar_words, problem_sentence, progress_line
from fbali.v1.store_pb2 import SyncRun

LINE_SECONDS_MIN = 5.0  # Between two lines that differ in numbers only.


class Silence:
    """Shows nothing; the answer is for programs."""

    def update(self, store: str, run: SyncRun) -> None:
        """Ignore progress."""

    def say(self, text: str) -> None:
        """Ignore a remark."""


class Lines:
    """Writes a line to standard error when a state or problem changes, and now and then numbers."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Use a clock to keep the lines apart."""
        self._monotonic = monotonic
        self._shown: dict[str, tuple[int, str, str]] = {}
        self._shown_at: dict[str, float] = {}
        self._said = ""

    def update(self, store: str, run: SyncRun) -> None:
        """Write a line if there is news."""
        text = progress_line(run, time.time())
        news = (run.state, run.problem.message, str(run.next_attempt_time.seconds))
        is_due = self._monotonic() - self._shown_at.get(store, 0) >= LINE_SECONDS_MIN
        is_running = run.state not in FINAL_STATES and not run.HasField("next_attempt_time")
        if self._shown.get(store) != news or (is_due and is_running):
            self._shown[store] = news
            self._shown_at[store] = self._monotonic()
            click.echo(neutral(f"{store}: {text}"), err=True)

    def say(self, text: str) -> None:
        """Write a remark, but not the same one again and again."""
        if text != self._said:
            self._said = text
            click.echo(neutral(text), err=True)


class Bars:
    """Draws a bar per store on the terminal; used as a context manager."""

    def __init__(self) -> None:
        """Load rich, which the other ways do not need."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn

        console = Console(stderr=True, highlight=False, markup=False)
        self._progress = Progress(
            TextColumn("{task.fields[store]}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[words]}", markup=False),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._problems: dict[str, Timestamp] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, store: str, run: SyncRun) -> None:
        """Move a store's bar; it swings while nobody knows how many orders there are."""
        if store not in self._tasks:
            self._tasks[store] = self._progress.add_task("", store=neutral(store), words="")
        is_final = run.state in FINAL_STATES
        total = run.order_count_expected or None
        self._progress.update(
            self._tasks[store],
            total=1 if is_final else total,
            completed=1 if is_final else min(run.order_count, total or run.order_count),
            words=neutral(bar_words(run, time.time())),
        )
        self._explain(store, run)

    def _explain(self, store: str, run: SyncRun) -> None:
        """Print a problem in full above the bars, once."""
        if run.HasField("problem") and self._problems.get(store) != run.problem.occur_time:
            self._problems[store] = run.problem.occur_time
            self.say(f"{store}: {problem_sentence(run)}")

    def say(self, text: str) -> None:
        """Print a remark above the bars."""
        self._progress.console.print(neutral(text))
