"""Money: read, shown, summed, and never mixed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.currencies import MINOR_UNIT_DIGITS
from oms.domain.money import AMOUNT_MINOR_MAX, Money, is_currency, parse_money, totals

moneys = st.builds(
    Money, st.sampled_from(["CNY", "EUR", "JPY", "USD"]), st.integers(-(10**9), 10**9)
)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "USD", 1250),
        ("0", "USD", 0),
        ("-3.1", "EUR", -310),
        ("26.569999999999997", "USD", 2657),
        ("0.005", "USD", 0),  # Half to even.
        ("0.015", "USD", 2),
        ("1.005", "EUR", 100),
        ("1999", "JPY", 1999),
        ("1999.5", "JPY", 2000),
        ("1.2345", "KWD", 1234),
        ("1.2346", "KWD", 1235),
        ("1.2345", "CLF", 12345),
    ],
)
def test_amount_is_rounded_half_even_to_the_minor_unit(text, currency, minor):
    assert parse_money(text, currency) == Money(currency, minor)


@pytest.mark.parametrize("text", ["", "abc", "1,50", "NaN", "Infinity", "-inf", "1e400", "12 USD"])
def test_text_that_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        parse_money(text, "USD")


@pytest.mark.parametrize("currency", ["", "usd", "XYZ", "US", "EURO"])
def test_unknown_currency_is_refused(currency):
    assert not is_currency(currency)
    with pytest.raises(ValueError, match="unknown currency"):
        parse_money("1", currency)


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD", "CLF"])
def test_bound_is_in_minor_units_so_that_a_thousand_amounts_fit_the_column(currency):
    digits = MINOR_UNIT_DIGITS[currency]
    most = Money(currency, AMOUNT_MINOR_MAX)

    assert parse_money(str(most).split()[0], currency) == most
    assert 1000 * AMOUNT_MINOR_MAX < 2**63
    for text in (str(AMOUNT_MINOR_MAX // 10**digits + 1), f"-{AMOUNT_MINOR_MAX}1", "9e999999"):
        with pytest.raises(ValueError, match="out of bounds"):
            parse_money(text, currency)


@given(money=moneys)
def test_rendered_amount_is_read_back_unchanged(money):
    amount, currency = str(money).split()

    assert parse_money(amount, currency) == money


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money("USD", 1250), "12.50 USD"),
        (Money("JPY", 1250), "1250 JPY"),
        (Money("KWD", 1250), "1.250 KWD"),
        (Money("CLF", -5), "-0.0005 CLF"),
    ],
)
def test_amount_is_shown_with_the_digits_of_its_currency(money, text):
    assert str(money) == text


def test_amounts_of_two_currencies_are_not_added():
    with pytest.raises(ValueError, match="cannot add EUR to USD"):
        Money("USD", 1) + Money("EUR", 1)


@given(amounts=st.lists(moneys))
def test_totals_have_one_sum_per_currency_in_order(amounts):
    sums = totals(amounts)

    assert [money.currency for money in sums] == sorted({money.currency for money in amounts})
    for money in sums:
        same = [item.amount_minor for item in amounts if item.currency == money.currency]
        assert money.amount_minor == sum(same)


@given(money=moneys, quantity=st.integers(0, 50))
def test_times_is_repeated_addition(money, quantity):
    assert totals([money] * quantity) == ((money.times(quantity),) if quantity else ())


def test_currencies_are_three_capitals_with_at_most_four_digits():
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in MINOR_UNIT_DIGITS)
    assert set(MINOR_UNIT_DIGITS.values()) == {0, 2, 3, 4}
