"""Figures of several runs, and the tables that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Self

_HUNDREDTHS = 100


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over several runs: the median, and how far the runs lie apart."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Take the figure of each run."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        """Write it as `4.10 (3.95-4.60)`."""
        return f"{_short(self.middle)} ({_short(self.low)}-{_short(self.high)})"


@dataclass(frozen=True, slots=True)
class Times:
    """How long the calls of one run took, in milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Take the time of each call."""
        cuts = quantiles(seconds, n=_HUNDREDTHS, method="inclusive")
        return cls(median(seconds) * 1000, cuts[-1] * 1000)


@dataclass(frozen=True, slots=True)
class Table:
    """One benchmark's result. `legend` says what is measured and what the raw limit is."""

    title: str
    legend: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """Write it aligned, as Markdown: words to the left, figures to the right."""
        lines = [list(self.head), *map(list, self.rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.head))]
        rule = [
            "-" * width if place == 0 else "-" * (width - 1) + ":"
            for place, width in enumerate(widths)
        ]
        written = [_line(self.head, widths), "| " + " | ".join(rule) + " |"]
        written += [_line(row, widths) for row in self.rows]
        return "\n".join([f"### {self.title}", "", self.legend, "", *written])


def ratio(ours: Spread, raw: Spread) -> str:
    """Say how many times as long as the raw limit ours takes; both are times."""
    return f"{ours.middle / raw.middle:.1f} x"


def rate_ratio(ours: Spread, raw: Spread) -> str:
    """Say how many times as long as the raw limit ours takes; both are rates."""
    return f"{raw.middle / ours.middle:.1f} x"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    written = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(written)} |"


def _short(value: float) -> str:
    if value >= _HUNDREDTHS:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
