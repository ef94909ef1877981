"""The tables of 17TRACK's statuses are total, and unknown words fall back."""

import pytest

from oms.domain.tracking import ExceptionReason, Meaning, PackageState
from oms.gateways.carriers.seventeentrack_statuses import (
    MAIN_STATUSES,
    STAGES,
    SUB_STATUSES,
    UNLISTED_SUB_STATUSES,
    meaning_of,
)

S, R = PackageState, ExceptionReason

# The lists of the help article (9 and 30), written apart from the tables in the code.
MAIN = {
    "NotFound",
    "InfoReceived",
    "InTransit",
    "Expired",
    "AvailableForPickup",
    "OutForDelivery",
    "DeliveryFailure",
    "Delivered",
    "Exception",
}
SUB = {
    "NotFound_Other",
    "NotFound_InvalidCode",
    "InfoReceived",
    "InTransit_PickedUp",
    "InTransit_Other",
    "InTransit_Departure",
    "InTransit_Arrival",
    "InTransit_CustomsProcessing",
    "InTransit_CustomsReleased",
    "InTransit_CustomsRequiringInformation",
    "Expired_Other",
    "AvailableForPickup_Other",
    "OutForDelivery_Other",
    "DeliveryFailure_Other",
    "DeliveryFailure_NoBody",
    "DeliveryFailure_Security",
    "DeliveryFailure_Rejected",
    "DeliveryFailure_InvalidAddress",
    "Delivered_Other",
    "Exception_Other",
    "Exception_Returning",
    "Exception_Returned",
    "Exception_NoBody",
    "Exception_Security",
    "Exception_Damage",
    "Exception_Rejected",
    "Exception_Delayed",
    "Exception_Lost",
    "Exception_Destroyed",
    "Exception_Cancel",
}


def test_every_listed_status_has_a_meaning():
    assert set(MAIN_STATUSES) == MAIN
    assert set(SUB_STATUSES) == SUB
    assert (len(MAIN), len(SUB)) == (9, 30)


def test_meanings_are_whole_and_never_voided():
    tables = [MAIN_STATUSES, SUB_STATUSES, UNLISTED_SUB_STATUSES, STAGES]
    meanings = [meaning for table in tables for meaning in table.values()]

    assert all(
        (meaning.exception_reason is not None) == (meaning.state == S.EXCEPTION)
        for meaning in meanings
    )
    assert {meaning.state for meaning in meanings} == {*S, None} - {S.VOIDED}
    assert {meaning.exception_reason for meaning in meanings} == {*R, None}
    unknown = {word for word, meaning in SUB_STATUSES.items() if meaning.state is None}
    assert unknown == {"NotFound_Other", "NotFound_InvalidCode"}


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        (["InTransit_TransportDeparted"], Meaning(S.IN_TRANSIT)),
        (["Exception_Held"], Meaning(S.EXCEPTION, R.HELD)),
        (["Exception_Abducted"], Meaning(S.EXCEPTION, R.UNKNOWN)),
        (["Teleported_Other"], Meaning(None)),
        (["Teleported_Other", "Delivered"], Meaning(S.DELIVERED)),
        (["", "PickedUp"], Meaning(S.HANDED_OVER)),
        (["", "Returned"], Meaning(S.RETURNED)),
        (["", ""], Meaning(None)),
        ([], Meaning(None)),
    ],
)
def test_unlisted_words_fall_back(words, meaning):
    assert meaning_of(*words) == meaning
