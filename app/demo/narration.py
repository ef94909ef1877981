"""The demo's words on the screen: when, who, what."""

import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import click

from oms.usecases.ports import Clock

COLUMNS_MAX: Final = 100  # Longer lines are hard to read.
_WHO_WIDTH: Final = 8
_COLORS: Final[Mapping[str, str]] = {
    "shop": "cyan",
    "carrier": "magenta",
    "merchant": "yellow",
    "operator": "yellow",
    "FbAli": "bright_white",
    "demo": "bright_black",
}
_VENDOR_COLOR: Final = "green"


class Narrator:
    """Writes lines; any thread may call it. In colour on a terminal only, and not if NO_COLOR."""

    def __init__(
        self, clock: Clock, environ: Mapping[str, str], on_closed: Callable[[], None]
    ) -> None:
        """Call `on_closed` once when nobody reads any more, and stay silent from then on."""
        self._clock = clock
        self._on_closed = on_closed
        self._is_closed = False
        self._lock = threading.Lock()
        self._columns = min(shutil.get_terminal_size().columns, COLUMNS_MAX)
        is_plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self.is_colourful = sys.stdout.isatty() and not is_plain

    def say(self, who: str, what: str, *, is_followed: bool = False) -> None:
        """Write one thing that happened, wrapped under itself; bold if it is `is_followed`."""
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).astimezone()
        head = f"{now:%H:%M:%S}  {who:<{_WHO_WIDTH}}  "
        lines = textwrap.wrap(what, max(20, self._columns - len(head)), break_on_hyphens=False)
        color = _COLORS.get(who, _VENDOR_COLOR)
        name = click.style(f"{who:<{_WHO_WIDTH}}", fg=color, bold=True)
        first, *others = [click.style(line, bold=is_followed) for line in lines]
        self._write(f"{now:%H:%M:%S}  {name}  {first}")
        for line in others:
            self._write(" " * len(head) + line)

    def title(self, text: str) -> None:
        """Write a heading between two empty lines."""
        self._write(f"\n{click.style(text, bold=True)}\n")

    def text(self, text: str = "") -> None:
        """Write a paragraph as it is, or an empty line."""
        self._write(text)

    def paragraph(self, text: str) -> None:
        """Write a paragraph wrapped to the width."""
        self._write(textwrap.fill(text, self._columns, break_on_hyphens=False))

    def _write(self, line: str) -> None:
        with self._lock:
            if self._is_closed:
                return
            try:
                click.echo(line, color=self.is_colourful)
            except OSError:  # The pipe has no reader, or the terminal is gone.
                self._is_closed = True
                # What Python writes on its way out must not fail a second time.
                sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: PTH123, SIM115
                self._on_closed()
