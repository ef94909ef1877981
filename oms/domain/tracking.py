"""What carriers say of a parcel, in our words."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

VENDOR_SOURCE: Final = "vendor"  # The source of events that the vendor reported.


class PackageState(StrEnum):
    """Where one parcel is."""

    ANNOUNCED = "ANNOUNCED"  # A number exists; no carrier has scanned the parcel yet.
    HANDED_OVER = "HANDED_OVER"  # The vendor said so, or the carrier picked it up.
    IN_TRANSIT = "IN_TRANSIT"  # Scanned on its way.
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"  # With the courier of the last mile.
    PICKUP_READY = "PICKUP_READY"  # Waits at a pick-up point.
    DELIVERED = "DELIVERED"  # At the customer's; left only by a later return.
    EXCEPTION = "EXCEPTION"  # Something went wrong; the reason says what. May recover.
    RETURNING = "RETURNING"  # On its way back to the sender.
    RETURNED = "RETURNED"  # Back at the sender.
    EXPIRED = "EXPIRED"  # Silent for 30 days, or the carrier gave up following it.
    VOIDED = "VOIDED"  # Never was a parcel: wrong number, or its label was cancelled.


class ExceptionReason(StrEnum):
    """Why a parcel is in exception."""

    ATTEMPT_FAILED = "ATTEMPT_FAILED"
    ADDRESS = "ADDRESS"
    CUSTOMS = "CUSTOMS"
    HELD = "HELD"
    DELAYED = "DELAYED"
    DAMAGED = "DAMAGED"
    LOST = "LOST"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one carrier status means; `state` None means that it moves nothing."""

    state: PackageState | None
    exception_reason: ExceptionReason | None = None


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """One scan or notice.

    `occurred_at` is UTC epoch seconds. `raw_status` is the carrier's own word, kept even when we do
    not know it. `source` is the carrier gateway's name, or VENDOR_SOURCE.
    """

    occurred_at: int
    meaning: Meaning
    raw_status: str
    description: str
    location: str
    source: str


@dataclass(frozen=True, slots=True)
class ParcelNumber:
    """A parcel as a carrier knows it; `carrier_code` may be empty (the gateway then detects it)."""

    carrier_code: str
    tracking_number: str


@dataclass(frozen=True, slots=True)
class TrackingReport:
    """All that a carrier knows of one parcel: the full history, never a part of it.

    `latest` is the carrier's present main status, which may be ahead of the events. `raw_status` is
    its word for it. `refusal` is empty, or why the carrier does not follow the parcel (yet).
    """

    parcel: ParcelNumber
    latest: Meaning
    raw_status: str
    events: tuple[TrackingEvent, ...]
    refusal: str = ""
