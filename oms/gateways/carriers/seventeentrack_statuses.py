"""What the statuses of 17TRACK mean: its 9 main statuses, their 30 sub-statuses and its stages.

https://help.17track.net/hc/en-us/articles/37471096573337 lists and explains them.
"""

from collections.abc import Mapping
from typing import Final

from oms.domain.tracking import ExceptionReason, Meaning, PackageState

_S, _R = PackageState, ExceptionReason

UNKNOWN: Final = Meaning(None)


def _trouble(reason: ExceptionReason) -> Meaning:
    return Meaning(_S.EXCEPTION, reason)


MAIN_STATUSES: Final[Mapping[str, Meaning]] = {
    "NotFound": UNKNOWN,  # Nobody knows of it yet, so there is no news.
    "InfoReceived": Meaning(_S.ANNOUNCED),
    "InTransit": Meaning(_S.IN_TRANSIT),
    "Expired": Meaning(_S.EXPIRED),
    "AvailableForPickup": Meaning(_S.PICKUP_READY),
    "OutForDelivery": Meaning(_S.OUT_FOR_DELIVERY),
    "DeliveryFailure": _trouble(_R.ATTEMPT_FAILED),
    "Delivered": Meaning(_S.DELIVERED),
    "Exception": _trouble(_R.UNKNOWN),
}

SUB_STATUSES: Final[Mapping[str, Meaning]] = {
    "NotFound_Other": UNKNOWN,
    "NotFound_InvalidCode": UNKNOWN,
    "InfoReceived": Meaning(_S.ANNOUNCED),
    "InTransit_PickedUp": Meaning(_S.HANDED_OVER),
    "InTransit_Other": Meaning(_S.IN_TRANSIT),
    "InTransit_Departure": Meaning(_S.IN_TRANSIT),
    "InTransit_Arrival": Meaning(_S.IN_TRANSIT),
    "InTransit_CustomsProcessing": Meaning(_S.IN_TRANSIT),
    "InTransit_CustomsReleased": Meaning(_S.IN_TRANSIT),
    # The parcel waits until somebody answers customs, so this is trouble, whatever its prefix.
    "InTransit_CustomsRequiringInformation": _trouble(_R.CUSTOMS),
    "Expired_Other": Meaning(_S.EXPIRED),
    "AvailableForPickup_Other": Meaning(_S.PICKUP_READY),
    "OutForDelivery_Other": Meaning(_S.OUT_FOR_DELIVERY),
    "DeliveryFailure_Other": _trouble(_R.ATTEMPT_FAILED),
    "DeliveryFailure_NoBody": _trouble(_R.ATTEMPT_FAILED),
    "DeliveryFailure_Security": _trouble(_R.HELD),
    "DeliveryFailure_Rejected": _trouble(_R.REFUSED),
    "DeliveryFailure_InvalidAddress": _trouble(_R.ADDRESS),
    "Delivered_Other": Meaning(_S.DELIVERED),
    "Exception_Other": _trouble(_R.UNKNOWN),
    "Exception_Returning": Meaning(_S.RETURNING),
    "Exception_Returned": Meaning(_S.RETURNED),
    "Exception_NoBody": _trouble(_R.ADDRESS),  # The recipient cannot be found.
    "Exception_Security": _trouble(_R.HELD),  # Security, clearance or fees, before delivery.
    "Exception_Damage": _trouble(_R.DAMAGED),
    "Exception_Rejected": _trouble(_R.REFUSED),
    "Exception_Delayed": _trouble(_R.DELAYED),
    "Exception_Lost": _trouble(_R.LOST),
    "Exception_Destroyed": _trouble(_R.DAMAGED),
    "Exception_Cancel": _trouble(_R.CANCELLED),
}

# Not in its list, but clients of it report them, and their prefix alone would say too little.
UNLISTED_SUB_STATUSES: Final[Mapping[str, Meaning]] = {
    "Exception_Damaged": _trouble(_R.DAMAGED),
    "Exception_Held": _trouble(_R.HELD),
}

# Milestones, which an event carries in `stage` without the main status in front.
STAGES: Final[Mapping[str, Meaning]] = {
    "PickedUp": Meaning(_S.HANDED_OVER),
    "Departure": Meaning(_S.IN_TRANSIT),
    "Arrival": Meaning(_S.IN_TRANSIT),
    "Returning": Meaning(_S.RETURNING),
    "Returned": Meaning(_S.RETURNED),
}

_EXACT: Final = {**MAIN_STATUSES, **STAGES, **UNLISTED_SUB_STATUSES, **SUB_STATUSES}


def meaning_of(*words: str) -> Meaning:
    """Translate the first word that says something, most telling word first.

    A sub-status that is not known means what its main status means.
    """
    for word in words:
        main, _, _ = word.partition("_")
        meaning = _EXACT.get(word) or MAIN_STATUSES.get(main, UNKNOWN)
        if meaning.state is not None:
            return meaning
    return UNKNOWN
