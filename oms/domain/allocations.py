"""A vendor's part of an order: its states and what moves them."""

from enum import StrEnum

from oms.domain.transitions import TransitionTable


class AllocationState(StrEnum):
    """How far a vendor's part has come."""

    SUBMITTED = "SUBMITTED"  # The vendor has it; it answers, packs, or lets it expire.
    ACCEPTED = "ACCEPTED"  # The vendor works on it.
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"  # The vendor is asked to stop.
    CLOSED = "CLOSED"  # All is packed, or the rest went back; a voided parcel reopens it.
    REJECTED = "REJECTED"  # Refused; the units went back. Final.
    EXPIRED = "EXPIRED"  # Not answered in time; the units went back. Final.
    CANCELLED = "CANCELLED"  # Taken back; the units went back. Final.


class AllocationEvent(StrEnum):
    """What can happen to it."""

    ACCEPT = "accept"
    REJECT = "reject"
    EXPIRE = "expire"
    CANCEL = "cancel"
    PACK = "pack"
    COMPLETE = "complete"
    CLOSE_SHORT = "close"
    VOID_PACKAGE = "void a package of"
    REQUEST_CANCELLATION = "request cancellation of"
    REFUSE_CANCELLATION = "refuse cancellation of"
    AGREE_TO_CANCEL = "agree to cancel"
    AGREE_IN_PART = "agree in part to cancel"
    TAKE_REQUEST_BACK = "take back the cancellation request of"
    WITHDRAW_REST = "withdraw the rest of"


class RejectReason(StrEnum):
    """Why a vendor does not fulfil."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    DISCONTINUED = "DISCONTINUED"
    CANNOT_SHIP_TO_ADDRESS = "CANNOT_SHIP_TO_ADDRESS"
    BAD_ADDRESS = "BAD_ADDRESS"
    PRICE_CHANGED = "PRICE_CHANGED"
    OTHER = "OTHER"


_S, _E = AllocationState, AllocationEvent

ALLOCATION_TABLE = TransitionTable(
    "allocation",
    _S.SUBMITTED,
    {
        (_S.SUBMITTED, _E.ACCEPT): _S.ACCEPTED,
        (_S.SUBMITTED, _E.REJECT): _S.REJECTED,
        (_S.SUBMITTED, _E.PACK): _S.ACCEPTED,
        (_S.SUBMITTED, _E.EXPIRE): _S.EXPIRED,
        (_S.SUBMITTED, _E.CANCEL): _S.CANCELLED,
        (_S.ACCEPTED, _E.PACK): _S.ACCEPTED,
        (_S.ACCEPTED, _E.COMPLETE): _S.CLOSED,
        (_S.ACCEPTED, _E.CLOSE_SHORT): _S.CLOSED,
        (_S.ACCEPTED, _E.VOID_PACKAGE): _S.ACCEPTED,
        (_S.ACCEPTED, _E.REQUEST_CANCELLATION): _S.CANCELLATION_REQUESTED,
        (_S.CANCELLATION_REQUESTED, _E.PACK): _S.CANCELLATION_REQUESTED,
        (_S.CANCELLATION_REQUESTED, _E.COMPLETE): _S.CLOSED,
        (_S.CANCELLATION_REQUESTED, _E.VOID_PACKAGE): _S.CANCELLATION_REQUESTED,
        (_S.CANCELLATION_REQUESTED, _E.REFUSE_CANCELLATION): _S.ACCEPTED,
        (_S.CANCELLATION_REQUESTED, _E.AGREE_TO_CANCEL): _S.CANCELLED,
        (_S.CANCELLATION_REQUESTED, _E.AGREE_IN_PART): _S.ACCEPTED,
        (_S.CANCELLATION_REQUESTED, _E.TAKE_REQUEST_BACK): _S.ACCEPTED,
        (_S.CANCELLATION_REQUESTED, _E.WITHDRAW_REST): _S.CLOSED,
        (_S.CLOSED, _E.VOID_PACKAGE): _S.ACCEPTED,
    },
)

# States in which units that are not packed are with the vendor.
LIVE_STATES = frozenset({_S.SUBMITTED, _S.ACCEPTED, _S.CANCELLATION_REQUESTED})

# States in which the vendor refused its units: the same lines are not offered to it again.
REFUSED_STATES = frozenset({_S.REJECTED, _S.EXPIRED})
