"""What the present state forbids is refused with what a program needs, and nothing is half done."""

from typing import Any

import pytest
from google.protobuf.message import Message

from fbali.errors import AlreadyExists, Conflict, FbaliError, NotFound, Refused
from fbali.v1 import fulfillment_service_pb2 as fulfillment
from fbali.v1.admin_service_pb2 import DiscardJobRequest, RetryJobRequest
from fbali.v1.hosting_service_pb2 import ConnectStoreRequest, InviteVendorRequest
from fbali.v1.package_pb2 import (
    PACKAGE_STATE_DELIVERED,
    PACKAGE_STATE_IN_TRANSIT,
    PackageLine,
)
from oms.domain.allocations import ALLOCATION_TABLE, AllocationState
from tests.functional.estate import last_id
from tests.functional.home import Home
from tests.functional.sample_requests import mutating_methods
from tests.services.stack import METHODS, Caller, dump


def refusal_of(home: Home, caller: Caller, request: Message) -> Any:
    """Call, expect a refusal that changes nothing, and return it."""
    before = dump(home.stack.db)
    with pytest.raises(FbaliError) as refused:
        caller.call(request)
    assert dump(home.stack.db) == before
    return refused.value


def put(home: Home, table: str, name: str, state: str) -> None:
    """Put a row into a state that the API alone would take long to reach."""
    with home.stack.db.transaction():
        home.stack.db.run(f"UPDATE {table} SET state = ? WHERE id = ?", state, last_id(name))


EVENTS = {
    "AcceptAllocation": "accept",
    "RejectAllocation": "reject",
    "CloseAllocation": "close",
    "CreatePackage": "pack",
    "VoidPackage": "void a package of",
}


def test_illegal_transition_of_an_allocation_names_state_and_ways_out(home: Home):
    told, expected = {}, {}
    for method, event in EVENTS.items():
        request: Any = home.sample(method)
        name = request.parent if method == "CreatePackage" else request.name
        name = name.partition("/packages/")[0]
        for state in AllocationState:
            if (state, event) in ALLOCATION_TABLE.arrows:
                continue
            put(home, "allocation", name, state)
            refused = refusal_of(home, home.vendor, request)
            told[method, state.value] = (refused.code, refused.reason, dict(refused.metadata))
            expected[method, state.value] = (
                "FAILED_PRECONDITION",
                "ILLEGAL_TRANSITION",
                {
                    "subject": name,
                    "event": event,
                    "current_state": state.value,
                    "allowed": ",".join(ALLOCATION_TABLE.allowed(state)),
                },
            )

    assert told == expected
    assert len(told) == 6 + 6 + 6 + 4 + 4


@pytest.mark.parametrize("state", ["REJECTED", "EXPIRED"])
def test_costs_of_a_refused_allocation_are_refused(home: Home, state: str):
    put(home, "allocation", home.estate.submitted, state)

    refused = refusal_of(home, home.vendor, home.sample("RecordCosts"))

    assert (refused.reason, refused.metadata["current_state"]) == ("ILLEGAL_TRANSITION", state)
    assert refused.metadata["allowed"] == ""


def test_partnership_moves_along_its_table_alone(home: Home):
    home.vendor.call(home.sample("AcceptPartnership"))

    told = [
        refusal_of(home, home.vendor, home.sample("AcceptPartnership")),
        refusal_of(
            home, home.merchant, home.sample("SuspendPartnership", name=home.estate.suspended)
        ),
        refusal_of(
            home, home.merchant, home.sample("ResumePartnership", name=home.estate.partnership)
        ),
    ]

    assert [
        (item.reason, item.metadata["current_state"], item.metadata["allowed"]) for item in told
    ] == [
        ("ILLEGAL_TRANSITION", "ACTIVE", "suspend"),
        ("ILLEGAL_TRANSITION", "SUSPENDED", "resume"),
        ("ILLEGAL_TRANSITION", "ACTIVE", "suspend"),
    ]


def test_void_parcel_takes_no_more_news_and_is_voided_once(home: Home):
    home.vendor.call(home.sample("VoidPackage"))

    again = refusal_of(home, home.vendor, home.sample("VoidPackage"))
    news = refusal_of(home, home.vendor, home.sample("ReportPackageEvent"))

    assert [item.metadata["current_state"] for item in (again, news)] == ["VOIDED", "VOIDED"]
    assert [item.reason for item in (again, news)] == ["ILLEGAL_TRANSITION"] * 2


def test_parcel_that_a_carrier_has_is_not_voided(home: Home):
    home.vendor.call(home.sample("ReportPackageEvent"))

    refused = refusal_of(home, home.vendor, home.sample("VoidPackage"))

    assert (refused.reason, refused.metadata["current_state"], refused.metadata["allowed"]) == (
        "ILLEGAL_TRANSITION",
        "IN_TRANSIT",
        "report",
    )


@pytest.mark.parametrize("state", ["DONE", "DISCARDED"])
@pytest.mark.parametrize("request_type", [RetryJobRequest, DiscardJobRequest])
def test_finished_job_is_neither_retried_nor_discarded(home: Home, request_type: Any, state: str):
    put(home, "job", home.estate.job, state)

    refused = refusal_of(home, home.operator, request_type(name=home.estate.job))

    assert (refused.reason, refused.metadata["current_state"]) == ("ILLEGAL_TRANSITION", state)


def test_more_units_than_are_left_are_refused_with_the_number_left(home: Home):
    request = home.sample("CreatePackage")
    request.lines[0].quantity = 3  # type: ignore[attr-defined]

    refused = refusal_of(home, home.vendor, request)

    assert isinstance(refused, Refused)
    assert (refused.reason, dict(refused.metadata)) == (
        "QUANTITY_EXCEEDED",
        {"line": home.estate.line, "asked": "3", "available": "2"},
    )


def test_line_of_another_order_is_not_found(home: Home):
    packed = home.vendor.call(fulfillment.GetAllocationRequest(name=home.estate.packed)).allocation
    request = fulfillment.CreatePackageRequest(
        parent=home.estate.submitted,
        tracking_number="SMOOTH-1",
        lines=[PackageLine(line=packed.lines[0].line, quantity=1)],
    )

    refused = refusal_of(home, home.vendor, request)

    assert isinstance(refused, NotFound)
    wrong = f"{home.estate.order}/lines/{last_id(packed.lines[0].line)}"
    assert dict(refused.metadata) == {"resource": f"{wrong} in {home.estate.submitted}"}


def test_number_that_is_live_on_another_parcel_is_refused_until_it_arrived(home: Home):
    first = home.vendor.call(fulfillment.GetAllocationRequest(name=home.estate.packed)).allocation
    number = first.packages[0].tracking_number
    request = home.sample("CreatePackage", tracking_number=number)

    refused = refusal_of(home, home.vendor, request)
    home.vendor.call(home.sample("ReportPackageEvent", state=PACKAGE_STATE_DELIVERED))

    assert isinstance(refused, AlreadyExists)
    assert dict(refused.metadata) == {"resource": number}
    assert home.vendor.code(request) == "OK"


def test_address_that_is_connected_and_vendor_that_is_invited_exist_already(home: Home):
    store = ConnectStoreRequest()
    store.MergeFromString(home.sample("ConnectStore").SerializeToString())
    store.base_url = home.stack.shop.url + "/"
    invitation = InviteVendorRequest(parent=home.merchant.name, vendor=home.vendor.name)

    refusals = [refusal_of(home, home.merchant, request) for request in (store, invitation)]

    assert [(item.reason, item.metadata["resource"]) for item in refusals] == [
        ("RESOURCE_ALREADY_EXISTS", home.stack.shop.url),
        ("RESOURCE_ALREADY_EXISTS", home.estate.partnership),
    ]


def test_disconnected_store_is_neither_synced_nor_tested(home: Home):
    home.merchant.call(home.sample("DisconnectStore"))

    refusals = [
        refusal_of(home, home.merchant, home.sample(name)) for name in ("SyncOrders", "TestStore")
    ]

    assert [(item.reason, dict(item.metadata)) for item in refusals] == [
        ("STORE_DISCONNECTED", {"store": home.estate.store})
    ] * 2


def test_hosting_with_a_vendor_who_was_not_invited_is_refused(home: Home):
    request: Any = home.sample("CreateHosting")
    request.hosting.vendor = home.estate.stranger

    refused = refusal_of(home, home.merchant, request)

    assert (refused.reason, dict(refused.metadata)) == (
        "PARTNERSHIP_INACTIVE",
        {"vendor": home.estate.stranger, "state": "NONE"},
    )


def test_batch_with_one_wrong_hosting_creates_none(home: Home):
    request: Any = home.sample("BatchCreateHostings")
    request.hostings.append(request.hostings[0])
    request.hostings[1].product = f"{home.merchant.name}/products/u0"
    request.hostings[1].variant = ""

    refused = refusal_of(home, home.merchant, request)

    assert isinstance(refused, NotFound)
    assert dict(refused.metadata) == {"resource": f"{home.merchant.name}/products/u0"}


def with_etag(method: str) -> bool:
    fields = METHODS[method][1].input_type.fields_by_name
    return "etag" in fields or method == "UpdateHosting"


def test_stale_etag_is_refused_with_the_present_one(home: Home):
    methods = [method for method in mutating_methods() if with_etag(method)]
    assert len(methods) >= 10
    for method in methods:
        request: Any = home.sample(method)
        holder = request.hosting if method == "UpdateHosting" else request
        holder.etag = "999"

        refused = refusal_of(home, home.caller_of(method), request)

        assert isinstance(refused, Conflict), method
        assert refused.reason == "ETAG_MISMATCH"
        assert set(refused.metadata) == {"resource", "current_etag"}
        name = request.parent if method == "CreatePackage" else request.name
        assert refused.metadata["resource"] == name
        assert refused.metadata["current_etag"].isdigit()


@pytest.mark.parametrize("method", [name for name in mutating_methods() if with_etag(name)])
def test_present_etag_is_accepted_once(home: Home, method: str):
    request: Any = home.sample(method)
    holder = request.hosting if method == "UpdateHosting" else request
    holder.etag = "999"
    refused = refusal_of(home, home.caller_of(method), request)
    holder.etag = refused.metadata["current_etag"]

    codes = [home.caller_of(method).code(request) for _ in range(2)]

    assert codes[0] == "OK"
    assert codes[1] in ("ABORTED", "NOT_FOUND")


def test_late_news_do_not_move_a_delivered_parcel_back(home: Home):
    home.vendor.call(home.sample("ReportPackageEvent", state=PACKAGE_STATE_DELIVERED))
    late: Any = home.sample("ReportPackageEvent", state=PACKAGE_STATE_IN_TRANSIT)
    late.occur_time.FromSeconds(home.stack.clock.now_seconds() - 100)

    answer = home.vendor.call(late)

    assert answer.package.state == PACKAGE_STATE_DELIVERED
    assert [event.state for event in answer.package.events] == [
        PACKAGE_STATE_IN_TRANSIT,
        PACKAGE_STATE_DELIVERED,
    ]
