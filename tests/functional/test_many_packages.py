"""Many parcels in one call: each is announced wholly or refused; the call again does nothing."""

from typing import Any

import pytest

from fbali.errors import InvalidInput
from fbali.v1.fulfillment_service_pb2 import (
    BatchCreatePackagesRequest,
    GetAllocationRequest,
    PackageToCreate,
    VoidPackageRequest,
)
from fbali.v1.package_pb2 import PackageLine
from tests.functional.estate import Estate
from tests.services.stack import Caller, Stack, dump


def parcel(allocation: str, number: str, *lines: tuple[str, int]) -> PackageToCreate:
    return PackageToCreate(
        allocation=allocation,
        tracking_number=number,
        lines=[PackageLine(line=line, quantity=quantity) for line, quantity in lines],
    )


def announce(vendor: Caller, *parcels: PackageToCreate) -> Any:
    request = BatchCreatePackagesRequest(parent="vendors/-", packages=parcels)
    return vendor.call(request).results


def test_each_parcel_is_answered_for_itself(stack: Stack, estate: Estate, foreign_estate: Estate):
    vendor = stack.vendor_a
    whole = vendor.call(GetAllocationRequest(name=estate.submitted)).allocation
    first, second = (line.line for line in whole.lines)

    results = announce(
        vendor,
        parcel(estate.submitted, "N1", (first, 1)),
        parcel(estate.submitted, "N2", (first, 5)),
        parcel(foreign_estate.submitted, "N3"),
        parcel(estate.submitted, "N1", (second, 1)),
        parcel(estate.submitted, " "),
        parcel(estate.accepted, "N1"),
        parcel(estate.submitted, "N4"),
    )

    assert [result.refusal_reason for result in results] == [
        *("", "QUANTITY_EXCEEDED", "RESOURCE_NOT_FOUND", "", "INVALID_FIELD"),
        *("RESOURCE_ALREADY_EXISTS", ""),
    ]
    assert [result.existed for result in results] == [False] * 3 + [True] + [False] * 3
    assert [result.HasField("package") for result in results] == [
        not result.refusal_reason for result in results
    ]
    assert results[2].allocation == foreign_estate.submitted
    assert results[3].package == results[0].package
    left = sum(line.quantity for line in whole.lines) - 1
    assert sum(line.quantity for line in results[6].package.lines) == left
    after = vendor.call(GetAllocationRequest(name=estate.submitted)).allocation
    assert [package.tracking_number for package in after.packages] == ["N1", "N4"]


def test_same_parcels_again_change_nothing(stack: Stack, estate: Estate):
    parcels = [parcel(estate.submitted, "N1"), parcel(estate.accepted, "N2")]
    first = announce(stack.vendor_a, *parcels)
    before = dump(stack.db, without=["request"])

    again = announce(stack.vendor_a, *parcels)

    assert [result.existed for result in first] == [False, False]
    assert [result.existed for result in again] == [True, True]
    assert [item.package.name for item in again] == [item.package.name for item in first]
    assert dump(stack.db, without=["request"]) == before


def test_refused_parcel_leaves_nothing_behind(stack: Stack, estate: Estate):
    before = dump(stack.db, without=["request"])

    [result] = announce(stack.vendor_a, parcel(estate.submitted, "N1", (estate.line, 99)))

    assert result.refusal_reason == "QUANTITY_EXCEEDED"
    assert "are left" in result.refusal_message
    assert dump(stack.db, without=["request"]) == before


def test_voided_number_may_be_announced_again(stack: Stack, estate: Estate):
    [first] = announce(stack.vendor_a, parcel(estate.submitted, "N1"))
    stack.vendor_a.call(VoidPackageRequest(name=first.package.name))

    [second] = announce(stack.vendor_a, parcel(estate.submitted, "N1"))

    assert (second.existed, second.refusal_reason) == (False, "")
    assert second.package.name != first.package.name


def test_more_than_five_hundred_are_refused(stack: Stack, estate: Estate):
    with pytest.raises(InvalidInput) as refused:
        announce(stack.vendor_a, *[parcel(estate.submitted, f"N{n}") for n in range(501)])

    assert [item.field for item in refused.value.violations] == ["packages"]
