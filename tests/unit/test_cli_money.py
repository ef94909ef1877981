"""Amounts are written and read with the digits of their currency."""

import pytest

from fbali.cli.money import format_money, minor_digits, parse_money
from oms.domain.currencies import MINOR_UNIT_DIGITS


@pytest.mark.parametrize(
    ("currency_code", "amount_minor", "written"),
    [
        ("USD", 1250, "12.50 USD"),
        ("USD", 5, "0.05 USD"),
        ("USD", -5, "-0.05 USD"),
        ("EUR", 123456789, "1234567.89 EUR"),
        ("JPY", 1800, "1800 JPY"),
        ("JPY", -1, "-1 JPY"),
        ("KWD", 12345, "12.345 KWD"),
        ("UYW", 12345, "1.2345 UYW"),
        ("USD", 0, "0.00 USD"),
    ],
)
def test_amount_survives_writing_and_reading(currency_code, amount_minor, written):
    assert format_money(currency_code, amount_minor) == written
    assert parse_money(written) == (currency_code, amount_minor)


@pytest.mark.parametrize(
    ("typed", "currency_code", "amount_minor"),
    [("usd 12.5", "USD", 1250), ("12USD", "USD", 1200), (" 0.25 KWD ", "KWD", 250)],
)
def test_amount_may_be_typed_in_several_ways(typed, currency_code, amount_minor):
    assert parse_money(typed) == (currency_code, amount_minor)


@pytest.mark.parametrize(
    "typed", ["", "12.50", "USD", "12,50 USD", "1e3 USD", "12.505 USD", "1.5 JPY"]
)
def test_anything_else_is_refused_in_words(typed):
    with pytest.raises(ValueError, match=r"is not an amount|is too precise"):
        parse_money(typed)


def test_digits_are_those_of_the_server():
    assert {code: minor_digits(code) for code in MINOR_UNIT_DIGITS} == dict(MINOR_UNIT_DIGITS)
