"""Recorded exchange rates: amounts of different currencies meet through these only.

A pair of currencies has one history, in whichever direction its rates were recorded: the rate in
force at an instant is the one that took effect last at or before it (of several that took effect at
once, the one recorded last), read backwards when it was recorded the other way round. Nothing is
derived from two rates, and nothing is known before the first.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from oms.domain.currencies import MINOR_UNIT_DIGITS
from oms.domain.money import Money

RATE_DIGITS_MAX = 12  # Before the point, and behind it.


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """One unit of `base` is worth `rate` units of `quote`. Instants are epoch milliseconds."""

    base: str
    quote: str
    rate: Decimal
    effective_at: int
    recorded_at: int

    @property
    def pair(self) -> frozenset[str]:
        """The two currencies."""
        return frozenset((self.base, self.quote))

    def factor(self, source: str) -> Fraction:
        """What one unit of `source` is worth in the other currency."""
        rate = Fraction(self.rate)
        return rate if source == self.base else 1 / rate


def parse_rate(text: str) -> Decimal:
    """Read a rate such as `1.0834`; raises ValueError when it is not a positive number."""
    whole, _, rest = text.partition(".")
    is_number = text.isascii() and whole.isdigit() and (rest.isdigit() or "." not in text)
    if not is_number or max(len(whole), len(rest)) > RATE_DIGITS_MAX or not Decimal(text):
        message = (
            f"not a rate: {text!r}; write a positive number such as 1.0834, with at most"
            f" {RATE_DIGITS_MAX} digits before and behind the point"
        )
        raise ValueError(message)
    return Decimal(text)


class ExchangeRates:
    """The rates that a merchant recorded."""

    def __init__(self, rates: Iterable[ExchangeRate]) -> None:
        """Take them in the order in which they were recorded."""
        self._histories: dict[frozenset[str], list[ExchangeRate]] = {}
        for rate in rates:
            self._histories.setdefault(rate.pair, []).append(rate)
        for history in self._histories.values():
            history.sort(key=lambda rate: rate.effective_at)  # Stable: the last recorded wins.

    @classmethod
    def none(cls) -> Self:
        """No rates at all."""
        return cls(())

    def in_force(self, one: str, other: str, at_ms: int) -> ExchangeRate | None:
        """Find the rate of a pair at an instant, in either direction."""
        history = self._histories.get(frozenset((one, other)), [])
        place = bisect_right(history, at_ms, key=lambda rate: rate.effective_at)
        return history[place - 1] if place else None

    def factor(self, source: str, target: str, at_ms: int) -> Fraction | None:
        """Tell what a minor unit of `source` is worth in minor units of `target`, exactly."""
        if source == target:
            return Fraction(1)
        rate = self.in_force(source, target, at_ms)
        if rate is None:
            return None
        digits = MINOR_UNIT_DIGITS.get(target, 2) - MINOR_UNIT_DIGITS.get(source, 2)
        return rate.factor(source) * Fraction(10) ** digits

    def convert(self, money: Money, target: str, at_ms: int) -> Money | None:
        """Convert an amount, rounding half to even to a minor unit; None without a rate."""
        factor = self.factor(money.currency, target, at_ms)
        return None if factor is None else Money(target, round(money.amount_minor * factor))

    def changes(self) -> Mapping[frozenset[str], tuple[int, ...]]:
        """List the instants at which the rate of each pair changes, oldest first."""
        return {
            pair: tuple(rate.effective_at for rate in history)
            for pair, history in self._histories.items()
        }


def pair_name(source: str, target: str) -> str:
    """Name the pair of a rate that is missing, as EUR/USD."""
    return f"{source}/{target}"
