"""Holds: what keeps an order from being allocated by itself."""

from dataclasses import dataclass
from enum import StrEnum


class HoldReason(StrEnum):
    """Why an order is held."""

    MERCHANT = "MERCHANT"
    ADDRESS = "ADDRESS"
    PAYMENT = "PAYMENT"
    FRAUD_RISK = "FRAUD_RISK"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    MARGIN = "MARGIN"
    DUPLICATE_SUSPECT = "DUPLICATE_SUSPECT"
    COOL_OFF = "COOL_OFF"


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold; an order may have one per reason and owner. Instants are epoch milliseconds."""

    reason: HoldReason
    owner: str
    note: str
    expire_at: int | None
    created_at: int

    def has_ended(self, now_ms: int) -> bool:
        """Tell whether its time has come."""
        return self.expire_at is not None and self.expire_at <= now_ms
