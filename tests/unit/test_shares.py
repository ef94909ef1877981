"""Amounts are divided and rounded without losing or making a minor unit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.shares import round_together, share

amounts = st.integers(-(10**15), 10**15)
weights = st.lists(st.integers(0, 10**15), min_size=1, max_size=12)
fractions = st.lists(st.fractions(max_denominator=10**6), max_size=12)


@pytest.mark.parametrize(
    ("amount", "by", "parts"),
    [
        (100, [1, 1, 1], (34, 33, 33)),
        (-100, [1, 1, 1], (-34, -33, -33)),
        (5, [1, 2], (2, 3)),
        (1, [1, 1], (1, 0)),
        (7, [0, 0], (4, 3)),
        (7, [0, 3, 0], (0, 7, 0)),
        (0, [4, 5], (0, 0)),
    ],
)
def test_largest_remainder_gets_what_is_left(amount, by, parts):
    assert share(amount, by) == parts


@given(amount=amounts, by=weights)
def test_shares_sum_to_the_amount_and_none_is_off_by_a_whole_unit(amount, by):
    parts = share(amount, by)

    even = by if any(by) else [1] * len(by)
    exact = [Fraction(amount * weight, sum(even)) for weight in even]
    assert sum(parts) == amount
    assert all(abs(part - one) < 1 for part, one in zip(parts, exact, strict=True))


@given(amount=amounts, by=weights)
def test_taking_an_amount_back_takes_the_same_shares_back(amount, by):
    assert [-part for part in share(amount, by)] == list(share(-amount, by))


def test_rows_are_rounded_so_that_they_sum_to_the_rounded_total():
    thirds = [Fraction(1, 3), Fraction(1, 3), Fraction(1, 3)]

    assert round_together(thirds) == (1, 0, 0)
    assert round_together([Fraction(5, 2), Fraction(0)]) == (2, 0)
    assert round_together([Fraction(7, 2)]) == (4,)
    assert round_together([Fraction(-1, 2), Fraction(1)]) == (-1, 1)
    assert round_together([]) == ()


@given(exact=fractions)
def test_rounded_rows_sum_and_none_is_off_by_a_whole_unit(exact):
    rounded = round_together(exact)

    assert sum(rounded) == round(sum(exact, Fraction()))
    assert all(abs(part - one) <= 1 for part, one in zip(rounded, exact, strict=True))
