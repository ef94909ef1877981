"""The exchange rates that merchants recorded; rows are added and never changed."""

from decimal import Decimal

from oms.domain.exchange_rates import ExchangeRate, ExchangeRates
from oms.domain.ids import IdKind, new_id
from oms.storage.database import Database, Row

_COLUMNS = "base, quote, rate, effective_at, created_at"


def insert(db: Database, merchant_id: str, rate: ExchangeRate) -> None:
    """Record a rate."""
    db.run(
        f"INSERT INTO exchange_rate (id, merchant_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        new_id(IdKind.EXCHANGE_RATE, rate.recorded_at),
        merchant_id,
        rate.base,
        rate.quote,
        f"{rate.rate:f}",
        rate.effective_at,
        rate.recorded_at,
    )


def page(db: Database, merchant_id: str, before: str, limit: int) -> list[tuple[str, ExchangeRate]]:
    """Return (id, rate), the last recorded first, older than the id `before`."""
    rows = db.all(
        f"SELECT id, {_COLUMNS} FROM exchange_rate WHERE merchant_id = ?"
        " AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?",
        merchant_id,
        before,
        before,
        limit,
    )
    return [(row[0], _rate(row[1:])) for row in rows]


def towards(db: Database, merchant_id: str, currency: str) -> ExchangeRates:
    """Read a merchant's rates between a currency and others."""
    rows = db.all(
        f"SELECT {_COLUMNS} FROM exchange_rate WHERE merchant_id = ? AND (base = ? OR quote = ?)"
        " ORDER BY id",
        merchant_id,
        currency,
        currency,
    )
    return ExchangeRates(map(_rate, rows))


def _rate(row: Row) -> ExchangeRate:
    return ExchangeRate(row[0], row[1], Decimal(row[2]), row[3], row[4])
