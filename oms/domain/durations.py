"""How long things take: medians and ninth deciles of counted minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Durations:
    """Half took at most `median` minutes, nine of ten at most `p90`; both were really measured."""

    median: int
    p90: int

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Self | None:
        """Take how often each number of minutes was measured; None when nothing was."""
        total = sum(counts.values())
        if not total:
            return None
        # The nearest rank: the smallest one that at least this share of all does not exceed.
        return cls(_at(counts, -(-total // 2)), _at(counts, -(-total * 9 // 10)))


def _at(counts: Mapping[int, int], rank: int) -> int:
    passed = 0
    for minutes in sorted(counts):
        passed += counts[minutes]
        if passed >= rank:
            return minutes
    raise AssertionError("the rank is within the total")
