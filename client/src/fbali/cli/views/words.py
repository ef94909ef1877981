"""Says the contract's enums in the words of merchants and vendors."""

from typing import Protocol

from google.protobuf.descriptor import EnumDescriptor

from fbali.cli.document import Tone, Word


class Enumeration(Protocol):
    """A generated enum."""

    @property
    def DESCRIPTOR(self) -> EnumDescriptor:  # noqa: N802 - The generated name.
        """Describe its values."""


# Where the name alone would not be understood.
_WORDS = {
    "ADMISSION_CANCELLED": "cancelled in the store",
    "ADMISSION_FULFILLED_ELSEWHERE": "fulfilled elsewhere",
    "ADMISSION_NOTHING_TO_SHIP": "nothing to ship",
    "ADMISSION_UNPAID": "not paid yet",
    "ALLOCATION_STATE_SUBMITTED": "waits for the vendor",
    "ALLOCATION_STATE_CANCELLATION_REQUESTED": "cancellation asked for",
    "COST_SOURCE_ACTUAL": "recorded",
    "HOLD_REASON_MERCHANT": "the merchant wants to look at it",
    "HOLD_REASON_ADDRESS": "the address is to be checked",
    "HOLD_REASON_PAYMENT": "the payment is doubtful",
    "HOLD_REASON_FRAUD_RISK": "it may be fraud",
    "HOLD_REASON_OUT_OF_STOCK": "goods are missing",
    "HOLD_REASON_MARGIN": "it would lose money",
    "HOLD_REASON_DUPLICATE_SUSPECT": "it may be a duplicate",
    "HOLD_REASON_COOL_OFF": "the customer may still change his mind",
    "JOB_STATE_DONE": "done",
    "PACKAGE_STATE_PICKUP_READY": "ready for pick-up",
    "PACKAGE_STATE_EXPIRED": "no news for 30 days",
    "PACKAGE_STATE_RETURNING": "on its way back",
    "PENDING_REASON_UNHOSTED": "no vendor hosts it",
    "PENDING_REASON_COUNTRY_NOT_COVERED": "no vendor hosts it for this country",
    "PENDING_REASON_VENDOR_INACTIVE": "its vendor is not active",
    "PENDING_REASON_VENDOR_REJECTED": "every vendor rejected it",
    "PENDING_REASON_MANUAL": "waits to be placed by hand",
    "PENDING_REASON_QUARANTINED": "allocating it failed; ask the operator",
    "PENDING_REASON_HELD": "the order is held",
    "STALL_PROBLEM_NO_FIRST_SCAN": "the carrier has not scanned it for 5 days",
    "STALL_PROBLEM_NO_NEWS": "no news for 10 days",
    "STALL_PROBLEM_CUSTOMS": "with customs for 10 days",
    "STALL_PROBLEM_OUT_FOR_DELIVERY": "out for delivery for 3 days",
    "STALL_PROBLEM_PICKUP_READY": "waits to be picked up for 5 days",
    "IMPORT_FORMAT_JSON_LINES": "JSON lines",
    "IMPORT_FORMAT_SHOPIFY_CSV": "Shopify's order export",
    "STORE_PLATFORM_FILES": "files",
    "STORE_PLATFORM_WOOCOMMERCE": "WooCommerce",
    "WRITE_BACK_METHOD_CORE_FULFILLMENT": "fulfilment",
    "WRITE_BACK_METHOD_SHIPMENT_TRACKING": "Shipment Tracking plugin",
    "WRITE_BACK_METHOD_NOTE_AND_STATUS": "note to the customer",
    "WRITE_BACK_MODE_SEPARATE": "of each parcel when a carrier has it",
    "WRITE_BACK_MODE_TOGETHER": "of all parcels of an order together",
    "WRITE_BACK_MODE_OFF": "of nothing",
    "WRITE_BACK_STATE_SENT": "being told",
    "WRITE_BACK_STATE_CONFIRMED": "told",
    "WRITE_BACK_STATE_SUPERSEDED": "voided before",
}

_TONES = {
    Tone.GOOD: "DELIVERED DONE SUCCEEDED ACTIVE CONNECTED CLOSED CONFIRMED",
    Tone.BUSY: "SENT PROCESSING IN_TRANSIT RUNNING ACCEPTED HANDED_OVER OUT_FOR_DELIVERY "
    "PICKUP_READY",
    Tone.WAITING: "PENDING INTERRUPTED SUBMITTED WAITING QUEUED INVITED PAUSED SUSPENDED ANNOUNCED "
    "CANCELLATION_REQUESTED",
    Tone.BAD: "EXCEPTION FAILED QUARANTINED REJECTED EXPIRED RETURNING RETURNED",
    Tone.QUIET: "CANCELLED VOIDED DISCARDED DISCONNECTED SUPERSEDED",
}
_TONE_BY_NAME = {name: tone for tone, names in _TONES.items() for name in names.split()}


def word(enum: Enumeration, value: int, unspecified: str = "") -> Word:
    """Say a value; one that this version does not know is shown as its number."""
    names = enum.DESCRIPTOR.values_by_number
    if value not in names:
        return Word(f"unknown ({value})")
    prefix = names[0].name.removesuffix("UNSPECIFIED")
    short = names[value].name.removeprefix(prefix)
    if short == "UNSPECIFIED":
        return Word(unspecified)
    text = _WORDS.get(names[value].name, short.lower().replace("_", " "))
    return Word(text, _TONE_BY_NAME.get(short, Tone.PLAIN))


def text_of(enum: Enumeration, value: int, unspecified: str = "") -> str:
    """Say a value without its tone."""
    return word(enum, value, unspecified).text
