"""What the statuses of WooCommerce orders mean for us."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StatusMeaning:
    """How a store status is read; `is_paid` None means: paid if the order has a paid date."""

    is_paid: bool | None
    is_cancelled: bool = False
    is_fulfilled: bool = False


# The store's status decides. On-hold is unpaid even with a paid date: it is the merchant's (or a
# fraud check's) word that the order must not go out yet. Processing is paid even without a paid
# date: that is how cash on delivery looks.
STATUS_MEANINGS: Final[Mapping[str, StatusMeaning]] = {
    "processing": StatusMeaning(is_paid=True),
    "completed": StatusMeaning(is_paid=True, is_fulfilled=True),
    "refunded": StatusMeaning(is_paid=True, is_cancelled=True),
    "cancelled": StatusMeaning(is_paid=None, is_cancelled=True),
    "trash": StatusMeaning(is_paid=None, is_cancelled=True),
    "pending": StatusMeaning(is_paid=False),
    "on-hold": StatusMeaning(is_paid=False),
    "failed": StatusMeaning(is_paid=False),
    "checkout-draft": StatusMeaning(is_paid=False),
    "auto-draft": StatusMeaning(is_paid=False),
}
# Plugins add statuses (shipped, awaiting-pickup, ...); the paid date is all that is known of them.
UNKNOWN_STATUS_MEANING: Final = StatusMeaning(is_paid=None)
