"""Writes and reads amounts of money with the digits of their currency, without any float."""

import re

# ISO 4217: digits after the point where they are not two.
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"
_DIGITS = {
    code: digits
    for digits, codes in ((0, _NO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
    for code in codes.split()
}
_USUAL_DIGITS = 2
_AMOUNT_FIRST = re.compile(r"(?P<amount>-?\d{1,15}(?:\.\d+)?)\s*(?P<currency>[A-Za-z]{3})")
_CURRENCY_FIRST = re.compile(r"(?P<currency>[A-Za-z]{3})\s*(?P<amount>-?\d{1,15}(?:\.\d+)?)")


def minor_digits(currency_code: str) -> int:
    """Count the digits of a currency's minor unit."""
    return _DIGITS.get(currency_code, _USUAL_DIGITS)


def format_money(currency_code: str, amount_minor: int) -> str:
    """Write an amount, for example 12.50 USD, 1200 JPY or -0.250 KWD."""
    digits = minor_digits(currency_code)
    sign = "-" if amount_minor < 0 else ""
    whole, rest = divmod(abs(amount_minor), 10**digits)
    point = f".{rest:0{digits}d}" if digits else ""
    return f"{sign}{whole}{point} {currency_code}"


def parse_money(text: str) -> tuple[str, int]:
    """Read an amount such as "12.50 USD" or "USD 12.5" into currency code and minor units.

    Raises:
        ValueError: It is no amount, or has more digits than the currency.
    """
    found = _AMOUNT_FIRST.fullmatch(text.strip()) or _CURRENCY_FIRST.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not an amount with a currency, such as '12.50 USD'")
    currency_code = found["currency"].upper()
    digits = minor_digits(currency_code)
    whole, _, rest = found["amount"].partition(".")
    if len(rest) > digits:
        allowed = f"at most {digits}" if digits else "no"
        raise ValueError(f"{text!r} is too precise: {currency_code} has {allowed} decimals")
    return currency_code, int(whole + rest.ljust(digits, "0"))
