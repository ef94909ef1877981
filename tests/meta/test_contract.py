"""The contract, the server and the domain say the same: walked over the descriptors."""

import re
from enum import StrEnum
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import MethodOptions

from fbali.v1 import (
    after_sales_policy_pb2,
    allocation_pb2,
    case_pb2,
    cost_entry_pb2,
    eligibility_pb2,
    hold_pb2,
    hosting_pb2,
    import_run_pb2,
    job_pb2,
    order_pb2,
    order_service_pb2,
    package_pb2,
    photo_pb2,
    store_pb2,
    token_pb2,
    vendor_pb2,
    write_back_pb2,
)
from oms.domain.admission import Admission
from oms.domain.allocations import AllocationState, RejectReason
from oms.domain.cases import CaseAction, CaseRejectReason, CaseState
from oms.domain.catalog import HostingState
from oms.domain.claims import Blocker, IssueType
from oms.domain.costs import CostKind, CostSource
from oms.domain.holds import HoldReason
from oms.domain.imports import ExportFormat, ImportFormat, ImportRunState
from oms.domain.jobs import JobState
from oms.domain.ledger import PendingReason, ShippingStatus
from oms.domain.partnerships import PartnershipState
from oms.domain.photos import UploadState
from oms.domain.principals import Role
from oms.domain.settlements import ResolutionMode
from oms.domain.stalls import StallProblem
from oms.domain.stores import Processing, StoreState, SyncRunState, WriteBackMode
from oms.domain.tracking import ExceptionReason, PackageState
from oms.domain.write_backs import WriteBackMethod, WriteBackState
from oms.gateways.stores.registry import PLATFORMS
from oms.storage.order_filter import Peculiarity
from server import access
from server.app import SERVICES
from tests.meta.contract_walk import METHODS, each_method
from tests.meta.rooms import ROOT

PROTOS = ROOT / "protos" / "fbali" / "v1"
READING_VERBS = {
    *("Check", "Count", "Download", "Explain", "Export", "Get", "List", "Preview", "Test", "Watch")
}
SAFE_TO_REPEAT = {"WriteUploadChunk"}  # The offset says which bytes they are.

ENUMS: list[tuple[type[StrEnum], Any, str]] = [
    (Admission, order_pb2.Admission, "ADMISSION_"),
    (AllocationState, allocation_pb2.AllocationState, "ALLOCATION_STATE_"),
    (CaseRejectReason, case_pb2.CaseRejectReason, "CASE_REJECT_REASON_"),
    (CaseState, case_pb2.CaseState, "CASE_STATE_"),
    (Blocker, eligibility_pb2.ClaimBlocker, "CLAIM_BLOCKER_"),
    (CostKind, cost_entry_pb2.CostKind, "COST_KIND_"),
    (CostSource, cost_entry_pb2.CostSource, "COST_SOURCE_"),
    (ExceptionReason, package_pb2.ExceptionReason, "EXCEPTION_REASON_"),
    (HoldReason, hold_pb2.HoldReason, "HOLD_REASON_"),
    (ExportFormat, import_run_pb2.ExportFormat, "EXPORT_FORMAT_"),
    (HostingState, hosting_pb2.HostingState, "HOSTING_STATE_"),
    (ImportFormat, import_run_pb2.ImportFormat, "IMPORT_FORMAT_"),
    (ImportRunState, import_run_pb2.ImportRunState, "IMPORT_RUN_STATE_"),
    (IssueType, after_sales_policy_pb2.IssueType, "ISSUE_TYPE_"),
    (JobState, job_pb2.JobState, "JOB_STATE_"),
    (PackageState, package_pb2.PackageState, "PACKAGE_STATE_"),
    (PartnershipState, vendor_pb2.PartnershipState, "PARTNERSHIP_STATE_"),
    (Peculiarity, order_service_pb2.OrderPeculiarity, "ORDER_PECULIARITY_"),
    (PendingReason, order_pb2.PendingReason, "PENDING_REASON_"),
    (Processing, store_pb2.Processing, "PROCESSING_"),
    (RejectReason, allocation_pb2.RejectReason, "REJECT_REASON_"),
    (ResolutionMode, case_pb2.ResolutionMode, "RESOLUTION_MODE_"),
    (Role, token_pb2.Role, "ROLE_"),
    (ShippingStatus, order_pb2.ShippingStatus, "SHIPPING_STATUS_"),
    (StallProblem, package_pb2.StallProblem, "STALL_PROBLEM_"),
    (StoreState, store_pb2.StoreState, "STORE_STATE_"),
    (SyncRunState, store_pb2.SyncRunState, "SYNC_RUN_STATE_"),
    (UploadState, photo_pb2.UploadState, "UPLOAD_STATE_"),
    (WriteBackMethod, write_back_pb2.WriteBackMethod, "WRITE_BACK_METHOD_"),
    (WriteBackMode, store_pb2.WriteBackMode, "WRITE_BACK_MODE_"),
    (WriteBackState, write_back_pb2.WriteBackState, "WRITE_BACK_STATE_"),
]


# --- Methods ----------------------------------------------------------------------------------


# A line of a comment ends at its end: with `.` for every character this would take for ever.
_SERVICE = re.compile(r"((?://[^\n]*\n)*)service (\w+) \{\n(.*?)\n\}\n", re.DOTALL)


def proto_services() -> dict[str, str]:
    """Give the text of every service with the comments before and in it, by its name."""
    found = {}
    for path in sorted(PROTOS.glob("*.proto")):
        text = path.read_text(encoding="utf-8")
        for match in _SERVICE.finditer(text):
            found[match[2]] = f"{match[1]}\n{match[3]}"
    return found


def callers_in(comment: str) -> set[Role] | None:
    """Read `Callers: merchant.` out of a comment, None if it does not say."""
    text = " ".join(line.strip().lstrip("/").strip() for line in comment.splitlines())
    match = re.search(r"Callers?: ([a-z ,]+)", text)
    if match is None:
        return None
    if match[1].startswith("everyone"):
        return set(Role)
    words = re.split(r"[ ,]+", match[1])
    return {Role(word.upper()) for word in words if word.upper() in Role.__members__}


def test_every_service_of_the_contract_is_served():
    assert {service.name for service in SERVICES} == set(proto_services())


@each_method
def test_method_is_implemented_and_described(service: Any, method: Any):
    implementation = getattr(SERVICES[service], method.name, None)

    assert callable(implementation)
    assert implementation.__doc__


@each_method
def test_access_is_what_the_comments_say(service: Any, method: Any):
    text = proto_services()[service.name]
    match = re.search(rf"((?: *//.*\n)+) *rpc {method.name}\(", text)
    assert match is not None
    said = callers_in(match[1]) or callers_in(text.partition("rpc ")[0].partition("\n\n")[0])

    key = f"{service.full_name}/{method.name}"
    allowed = access.METHODS.get(key, access.SERVICES.get(service.full_name))

    assert allowed == said


def test_access_names_nothing_that_is_not_in_the_contract():
    names = {f"{service.full_name}/{method.name}" for service, method in METHODS}

    assert set(access.METHODS) <= names
    assert set(access.SERVICES) == {service.full_name for service in SERVICES}


@each_method
def test_level_of_idempotency_goes_with_the_request_id(service: Any, method: Any):
    level = method.GetOptions().idempotency_level
    fields = set(method.input_type.fields_by_name)
    mutates = bool({"request_id", "run_id"} & fields) or method.name in SAFE_TO_REPEAT

    assert level == (MethodOptions.IDEMPOTENT if mutates else MethodOptions.NO_SIDE_EFFECTS)
    verb = re.match("[A-Z][a-z]+", method.name)
    assert verb is not None
    assert mutates != (verb[0] in READING_VERBS)


@each_method
def test_messages_are_named_after_the_method(service: Any, method: Any):
    assert method.input_type.name == f"{method.name}Request"
    assert method.output_type.name == f"{method.name}Response"


# --- Enums ------------------------------------------------------------------------------------


def words_of(numbers: Any, prefix: str) -> set[str]:
    """Give the values of an enum of the contract without their prefix."""
    return {name.removeprefix(prefix) for name in numbers.DESCRIPTOR.values_by_name}


@pytest.mark.parametrize(
    ("words", "numbers", "prefix"), [pytest.param(*row, id=row[0].__name__) for row in ENUMS]
)
def test_enum_of_the_domain_is_that_of_the_contract(words: Any, numbers: Any, prefix: str):
    sent = words_of(numbers, prefix)

    assert numbers.Value(f"{prefix}UNSPECIFIED") == 0
    assert {word.value for word in words} == sent - {"UNSPECIFIED"}


def test_platforms_are_those_that_can_be_read():
    sent = {
        name.removeprefix("STORE_PLATFORM_")
        for name in store_pb2.StorePlatform.DESCRIPTOR.values_by_name
    }

    assert {name.upper() for name in PLATFORMS} == sent - {"UNSPECIFIED"}


def test_sides_of_a_case_are_the_roles():
    sent = {
        name.removeprefix("CASE_PARTY_") for name in case_pb2.CaseParty.DESCRIPTOR.values_by_name
    }

    assert {role.value for role in Role} == sent - {"UNSPECIFIED"}


def test_actions_on_a_case_are_those_of_the_domain_but_for_what_happens_by_itself():
    sent = {
        name.removeprefix("CASE_ACTION_") for name in case_pb2.CaseAction.DESCRIPTOR.values_by_name
    }

    assert {one.name for one in CaseAction} - (sent - {"UNSPECIFIED"}) == {
        *("RUN_OUT", "COMPLETE", "FAIL")
    }
    assert sent - {"UNSPECIFIED"} <= {one.name for one in CaseAction}


def test_every_enum_of_the_contract_is_compared():
    declared = {
        name
        for path in PROTOS.glob("*.proto")
        for name in re.findall(r"^enum (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    compared = {numbers.DESCRIPTOR.name for _, numbers, _ in ENUMS}

    assert declared - compared == {
        *("CaseAction", "CaseParty"),  # Compared below.
        *(
            "ErrorReason",
            "OrderSorting",
            "OrderTag",
            "PhotoSize",
            "ReportGrouping",
            "StorePlatform",
        ),
    }
