"""Record exchange rates, and convert by them."""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.domain.currencies import MINOR_UNIT_DIGITS
from oms.domain.errors import InvalidInput, Violation
from oms.domain.exchange_rates import ExchangeRate, parse_rate
from oms.storage import exchange_rates
from oms.usecases.context import Oms, Transaction


@dataclass(frozen=True, slots=True)
class SetExchangeRate:
    """A rate of the calling merchant; without an instant it is in force from now on."""

    base: str
    quote: str
    rate: str
    effective_at: int | None = None


def set_exchange_rate(tx: Transaction, command: SetExchangeRate) -> ExchangeRate:
    """Record a rate beside the earlier ones; raises InvalidInput with everything that is wrong."""
    violations = list(_wrong(tx, command))
    if violations:
        raise InvalidInput(violations)
    rate = ExchangeRate(
        base=command.base,
        quote=command.quote,
        rate=parse_rate(command.rate),
        effective_at=tx.now_ms if command.effective_at is None else command.effective_at,
        recorded_at=tx.now_ms,
    )
    exchange_rates.insert(tx.db, tx.owner_id, rate)
    return rate


def _wrong(tx: Transaction, command: SetExchangeRate) -> list[Violation]:
    found = []
    for field, code in (("base", command.base), ("quote", command.quote)):
        if code not in MINOR_UNIT_DIGITS:
            name = f"exchange_rate.{field}_currency_code"
            found.append(Violation(name, f"{code} is no ISO 4217 currency"))
    if command.base == command.quote:
        words = f"is {command.quote} like the base currency; a rate is between two"
        found.append(Violation("exchange_rate.quote_currency_code", words))
    try:
        parse_rate(command.rate)
    except ValueError as error:
        found.append(Violation("exchange_rate.rate", f"is {error}"))
    if command.effective_at is not None and command.effective_at > tx.now_ms:
        words = "lies in the future; record the rate when it is in force"
        found.append(Violation("exchange_rate.effective_time", words))
    return found


def list_exchange_rates(
    oms: Oms, merchant_id: str, before: str, limit: int
) -> Sequence[tuple[str, ExchangeRate]]:
    """Return (id, rate) of a merchant, the last recorded first."""
    return exchange_rates.page(oms.db, merchant_id, before, limit)
