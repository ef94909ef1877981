"""Recorded rates: which one is in force, and what amounts come to by it."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.currencies import MINOR_UNIT_DIGITS
from oms.domain.exchange_rates import ExchangeRate, ExchangeRates, pair_name, parse_rate
from oms.domain.money import Money

codes = st.sampled_from(sorted(MINOR_UNIT_DIGITS))
decimals = st.decimals("0.000000000001", "999999999999", places=12)


def rate(base, quote, text, since=0, recorded=0):
    return ExchangeRate(base, quote, Decimal(text), since, recorded)


def converted(rates, money, target, at=10):
    return ExchangeRates(rates).convert(money, target, at)


@pytest.mark.parametrize(
    ("amount", "target", "text", "expected"),
    [
        (Money("EUR", 1000), "USD", "1.0834", 1083),
        (Money("EUR", 150), "USD", "0.01", 2),  # 1.5 is rounded to even,
        (Money("EUR", 250), "USD", "0.01", 2),  # and so is 2.5.
        (Money("EUR", -250), "USD", "0.01", -2),
        (Money("EUR", 1050), "JPY", "163.20", 1714),
        (Money("JPY", 1714), "EUR", "0.006127", 1050),
        (Money("USD", 1), "KWD", "0.307", 3),
        (Money("KWD", 1500), "USD", "3.25", 488),  # 487.5
        (Money("KWD", 1), "JPY", "510", 1),  # 0.51
    ],
)
def test_amounts_are_rounded_to_the_target_currencys_own_digits(amount, target, text, expected):
    assert converted([rate(amount.currency, target, text)], amount, target) == Money(
        target, expected
    )


def test_rate_is_read_backwards_where_it_was_recorded_the_other_way_round():
    assert converted([rate("USD", "EUR", "0.8")], Money("EUR", 100), "USD") == Money("USD", 125)


def test_last_one_to_take_effect_is_in_force_whichever_way_round_it_was_recorded():
    rates = [rate("EUR", "USD", "2", since=10), rate("USD", "EUR", "0.25", since=20)]

    assert converted(rates, Money("EUR", 100), "USD", at=9) is None
    assert converted(rates, Money("EUR", 100), "USD", at=10) == Money("USD", 200)
    assert converted(rates, Money("EUR", 100), "USD", at=19) == Money("USD", 200)
    assert converted(rates, Money("EUR", 100), "USD", at=20) == Money("USD", 400)


def test_rate_recorded_later_for_the_same_instant_corrects_the_earlier_one():
    rates = [rate("EUR", "USD", "2", 10, 1), rate("EUR", "USD", "3", 10, 2)]

    assert converted(rates, Money("EUR", 100), "USD") == Money("USD", 300)


def test_nothing_is_derived_from_two_rates():
    rates = [rate("EUR", "USD", "2"), rate("USD", "JPY", "150")]

    assert converted(rates, Money("EUR", 100), "JPY") is None
    assert pair_name("EUR", "JPY") == "EUR/JPY"


def test_same_currency_needs_no_rate():
    assert converted([], Money("EUR", 123), "EUR") == Money("EUR", 123)


@given(source=codes, target=codes, text=decimals, minor=st.integers(-(10**15), 10**15))
def test_conversion_is_the_exact_product_rounded_once(source, target, text, minor):
    found = converted([rate(source, target, text)], Money(source, minor), target)

    if source == target:
        assert found == Money(source, minor)
        return
    digits = MINOR_UNIT_DIGITS[target] - MINOR_UNIT_DIGITS[source]
    exact = Fraction(text) * minor * Fraction(10) ** digits
    assert found is not None
    assert abs(found.amount_minor - exact) <= Fraction(1, 2)


@pytest.mark.parametrize("text", ["1", "1.0834", "000.5", "999999999999.999999999999"])
def test_rate_is_a_positive_decimal(text):
    assert parse_rate(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "٣",
        "1.2.3",
        "Infinity",
        "1_0",
        "",
        "0",
        "0.000",
        "-1",
        "+1",
        "1e3",
        "NaN",
        "1.",
        ".5",
        "1,5",
        " 1",
        "1" * 13,
        "1." + "1" * 13,
    ],
)
def test_what_is_no_rate_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"such as 1\.0834"):
        parse_rate(text)
