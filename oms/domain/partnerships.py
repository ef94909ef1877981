"""A merchant and a vendor who work together: states and what moves them."""

from enum import StrEnum

from oms.domain.transitions import TransitionTable


class PartnershipState(StrEnum):
    """How far a partnership has come."""

    INVITED = "INVITED"  # The vendor has not answered; nothing is allocated yet.
    ACTIVE = "ACTIVE"  # The vendor gets what is hosted with it.
    SUSPENDED = "SUSPENDED"  # Nothing new is allocated; running allocations go on.


class PartnershipEvent(StrEnum):
    """What can happen to it."""

    ACCEPT = "accept"
    SUSPEND = "suspend"
    RESUME = "resume"


_S, _E = PartnershipState, PartnershipEvent

PARTNERSHIP_TABLE = TransitionTable(
    "partnership",
    _S.INVITED,
    {
        (_S.INVITED, _E.ACCEPT): _S.ACTIVE,
        (_S.ACTIVE, _E.SUSPEND): _S.SUSPENDED,
        (_S.SUSPENDED, _E.RESUME): _S.ACTIVE,
    },
)
