"""Amounts divided exactly: every minor unit goes somewhere, and always to the same place."""

from collections.abc import Sequence
from fractions import Fraction


def share(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Divide an amount in the ratio of weights, by the largest remainder.

    Everyone first gets his share rounded towards zero; the minor units that are left go one each to
    the largest remainders, the earlier one of two that are alike. When all weights are 0 everyone
    weighs the same. Weights are at least 0, and there is at least one.
    """
    whole = sum(weights)
    if not whole:
        return share(amount, [1] * len(weights))
    size, sign = abs(amount), -1 if amount < 0 else 1
    parts = [size * weight // whole for weight in weights]
    by_rest = sorted(
        range(len(weights)), key=lambda place: (-(size * weights[place] % whole), place)
    )
    for place in by_rest[: size - sum(parts)]:
        parts[place] += 1
    return tuple(sign * part for part in parts)


def round_together(amounts: Sequence[Fraction]) -> tuple[int, ...]:
    """Round exact amounts so that they sum to their sum, rounded half to even.

    Everyone is rounded down first; the minor units that are left go to the largest remainders, the
    earlier one of two that are alike. So none is off by a whole minor unit or more.
    """
    parts = [amount.__floor__() for amount in amounts]
    left = round(sum(amounts, Fraction())) - sum(parts)
    by_rest = sorted(range(len(parts)), key=lambda place: (parts[place] - amounts[place], place))
    for place in by_rest[:left]:
        parts[place] += 1
    return tuple(parts)
