"""Money: integer minor units of an ISO 4217 currency, never a float, never mixed."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from oms.domain.currencies import MINOR_UNIT_DIGITS

AMOUNT_MINOR_MAX = 10**15  # Fits a signed 64-bit column with room for sums of a thousand rows.


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (cents for USD, yen for JPY, fils for KWD)."""

    currency: str
    amount_minor: int

    def __add__(self, other: "Money") -> "Money":
        """Add an amount of the same currency."""
        if other.currency != self.currency:
            message = f"cannot add {other.currency} to {self.currency} without a recorded rate"
            raise ValueError(message)
        return Money(self.currency, self.amount_minor + other.amount_minor)

    def times(self, quantity: int) -> "Money":
        """Multiply by a number of units."""
        return Money(self.currency, self.amount_minor * quantity)

    def __str__(self) -> str:
        """Render as `12.50 USD`."""
        digits = MINOR_UNIT_DIGITS.get(self.currency, 2)
        return f"{Decimal(self.amount_minor).scaleb(-digits):.{digits}f} {self.currency}"


def is_currency(code: str) -> bool:
    """Tell whether `code` is an active ISO 4217 currency."""
    return code in MINOR_UNIT_DIGITS


def parse_money(text: str, currency: str) -> Money:
    """Read a decimal text such as `12.50`, rounding half even to the currency's minor unit.

    Stores send unrounded line prices (26.569999999999997), so excess digits are rounded.

    Raises:
        ValueError: the currency is unknown, the text is no finite number, or it is out of bounds.
    """
    if not is_currency(currency):
        message = f"unknown currency {currency!r}"
        raise ValueError(message)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        message = f"not an amount of money: {text!r}"
        raise ValueError(message) from None
    largest = Decimal(AMOUNT_MINOR_MAX).scaleb(-MINOR_UNIT_DIGITS[currency])
    if not amount.is_finite() or abs(amount) > largest:
        message = f"amount out of bounds: {text!r}"
        raise ValueError(message)
    return Money(currency, int(amount.scaleb(MINOR_UNIT_DIGITS[currency]).to_integral_value()))


def totals(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """Sum per currency, in the order of the currency codes."""
    sums: dict[str, int] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, 0) + money.amount_minor
    return tuple(Money(currency, sums[currency]) for currency in sorted(sums))
