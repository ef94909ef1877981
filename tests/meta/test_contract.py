"""The contract, the server and the domain say the same: walked over the descriptors."""

import ast
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import MethodOptions

from fbali.v1 import (
    allocation_pb2,
    cost_entry_pb2,
    hold_pb2,
    hosting_pb2,
    import_run_pb2,
    job_pb2,
    order_pb2,
    order_service_pb2,
    package_pb2,
    store_pb2,
    token_pb2,
    vendor_pb2,
    write_back_pb2,
)
from fbali.v1.error_reason_pb2 import ErrorReason
from oms.domain import errors
from oms.domain.admission import Admission
from oms.domain.allocations import AllocationState, RejectReason
from oms.domain.catalog import HostingState
from oms.domain.costs import CostKind, CostSource
from oms.domain.errors import GATEWAY_REASONS, FbaliError
from oms.domain.holds import HoldReason
from oms.domain.imports import ExportFormat, ImportFormat, ImportRunState
from oms.domain.jobs import JobState
from oms.domain.ledger import PendingReason, ShippingStatus
from oms.domain.partnerships import PartnershipState
from oms.domain.principals import Role
from oms.domain.stalls import StallProblem
from oms.domain.stores import Processing, StoreState, SyncRunState, WriteBackMode
from oms.domain.tracking import ExceptionReason, PackageState
from oms.domain.write_backs import WriteBackMethod, WriteBackState
from oms.gateways.stores.registry import PLATFORMS
from oms.storage.order_filter import Peculiarity
from server import access
from server.app import SERVICES
from tests.meta.rooms import ROOT

PROTOS = ROOT / "protos" / "fbali" / "v1"
METHODS = [(service, method) for service in SERVICES for method in service.methods]
each_method = pytest.mark.parametrize(
    ("service", "method"),
    [pytest.param(*pair, id=f"{pair[0].name}/{pair[1].name}") for pair in METHODS],
)
READING_VERBS = ("Count", "Explain", "Export", "Get", "List", "Preview", "Test", "Watch")
UNPAGED_LISTS = {"ListUnhostedProducts"}  # At most 500, as its comment says.

ENUMS: list[tuple[type[StrEnum], Any, str]] = [
    (Admission, order_pb2.Admission, "ADMISSION_"),
    (AllocationState, allocation_pb2.AllocationState, "ALLOCATION_STATE_"),
    (CostKind, cost_entry_pb2.CostKind, "COST_KIND_"),
    (CostSource, cost_entry_pb2.CostSource, "COST_SOURCE_"),
    (ExceptionReason, package_pb2.ExceptionReason, "EXCEPTION_REASON_"),
    (HoldReason, hold_pb2.HoldReason, "HOLD_REASON_"),
    (ExportFormat, import_run_pb2.ExportFormat, "EXPORT_FORMAT_"),
    (HostingState, hosting_pb2.HostingState, "HOSTING_STATE_"),
    (ImportFormat, import_run_pb2.ImportFormat, "IMPORT_FORMAT_"),
    (ImportRunState, import_run_pb2.ImportRunState, "IMPORT_RUN_STATE_"),
    (JobState, job_pb2.JobState, "JOB_STATE_"),
    (PackageState, package_pb2.PackageState, "PACKAGE_STATE_"),
    (PartnershipState, vendor_pb2.PartnershipState, "PARTNERSHIP_STATE_"),
    (Peculiarity, order_service_pb2.OrderPeculiarity, "ORDER_PECULIARITY_"),
    (PendingReason, order_pb2.PendingReason, "PENDING_REASON_"),
    (Processing, store_pb2.Processing, "PROCESSING_"),
    (RejectReason, allocation_pb2.RejectReason, "REJECT_REASON_"),
    (Role, token_pb2.Role, "ROLE_"),
    (ShippingStatus, order_pb2.ShippingStatus, "SHIPPING_STATUS_"),
    (StallProblem, package_pb2.StallProblem, "STALL_PROBLEM_"),
    (StoreState, store_pb2.StoreState, "STORE_STATE_"),
    (SyncRunState, store_pb2.SyncRunState, "SYNC_RUN_STATE_"),
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
    mutates = bool({"request_id", "run_id"} & set(method.input_type.fields_by_name))

    assert level == (MethodOptions.IDEMPOTENT if mutates else MethodOptions.NO_SIDE_EFFECTS)
    assert mutates != method.name.startswith(READING_VERBS)


@each_method
def test_messages_are_named_after_the_method(service: Any, method: Any):
    assert method.input_type.name == f"{method.name}Request"
    assert method.output_type.name == f"{method.name}Response"


@each_method
def test_list_is_paged(service: Any, method: Any):
    if not method.name.startswith("List") or method.name in UNPAGED_LISTS:
        return

    assert {"page_size", "page_token"} <= set(method.input_type.fields_by_name)
    assert "next_page_token" in method.output_type.fields_by_name


# --- Enums ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "numbers", "prefix"), [pytest.param(*row, id=row[0].__name__) for row in ENUMS]
)
def test_enum_of_the_domain_is_that_of_the_contract(words: Any, numbers: Any, prefix: str):
    sent = {name.removeprefix(prefix) for name in numbers.DESCRIPTOR.values_by_name}

    assert numbers.Value(f"{prefix}UNSPECIFIED") == 0
    assert {word.value for word in words} == sent - {"UNSPECIFIED"}


def test_platforms_are_those_that_can_be_read():
    sent = {
        name.removeprefix("STORE_PLATFORM_")
        for name in store_pb2.StorePlatform.DESCRIPTOR.values_by_name
    }

    assert {name.upper() for name in PLATFORMS} == sent - {"UNSPECIFIED"}


def test_every_enum_of_the_contract_is_compared():
    declared = {
        name
        for path in PROTOS.glob("*.proto")
        for name in re.findall(r"^enum (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    compared = {numbers.DESCRIPTOR.name for _, numbers, _ in ENUMS}

    assert declared - compared == {
        *("ErrorReason", "OrderSorting", "OrderTag", "ReportGrouping", "StorePlatform")
    }


# --- Reasons ----------------------------------------------------------------------------------


def documented() -> dict[str, set[str]]:
    """Give the metadata keys that the contract promises, by reason."""
    text = (PROTOS / "error_reason.proto").read_text(encoding="utf-8")
    found = {}
    for match in re.finditer(r"((?: *//.*\n)+) *ERROR_REASON_(\w+) = ", text):
        comment = " ".join(line.strip().lstrip("/").strip() for line in match[1].splitlines())
        promised = re.search(r"Metadata: ([^.]+)\.", comment)
        keys = re.sub(r"\([^)]*\)", "", promised[1]) if promised else ""
        found[match[2]] = {key.strip() for key in keys.split(",") if key.strip()}
    return found


FAMILIES: Mapping[str, type[FbaliError]] = {
    name: item
    for name, item in vars(errors).items()
    if isinstance(item, type) and issubclass(item, FbaliError)
}
NO_METADATA = {"reason", "retry_after_seconds"}
TRANSITION_KEYS = {"subject", "event", "current_state", "allowed"}


def raised() -> Iterator[tuple[str, set[str], str]]:
    """Find where refusals are made: the reason, the metadata keys, the place."""
    for room in ("oms", "server", "workers"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and path.name != "errors.py":
                    yield from refusal(node, path)


def refusal(node: ast.Call, path: Path) -> Iterator[tuple[str, set[str], str]]:
    name = ast.unparse(node.func)
    family = FAMILIES.get(name.partition(".")[0])
    if family is None or name.partition(".")[2] not in ("", "of"):
        return
    given = {keyword.arg or "**": keyword.value for keyword in node.keywords}
    reason = given.get("reason")
    word = reason.value if isinstance(reason, ast.Constant) else family.reason
    keys = set(given) - NO_METADATA
    if issubclass(family, errors.IllegalTransition):
        keys = TRANSITION_KEYS
    if name == "NotFound.of":
        keys = {"resource"}
    yield str(word), keys, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_reason_that_is_raised_is_in_the_contract():
    declared = {
        name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name
    }
    classes = {family.reason for family in FAMILIES.values()}

    assert {word for word, _, _ in raised()} | classes | set(GATEWAY_REASONS) <= declared


def test_every_reason_of_the_contract_is_raised_somewhere():
    declared = {
        name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name
    }
    classes = {family.reason for family in FAMILIES.values()}

    unused = declared - {word for word, _, _ in raised()} - classes - set(GATEWAY_REASONS)

    assert unused == {"UNSPECIFIED"}


def test_refusals_carry_the_metadata_that_the_contract_promises():
    promised = documented()

    broken = [
        f"{place}: {word} lacks {sorted(promised[word] - keys)}"
        for word, keys, place in raised()
        if promised[word] - keys
    ]

    assert broken == []


def test_promises_are_read_from_the_contract():
    promised = documented()

    assert promised["ILLEGAL_TRANSITION"] == TRANSITION_KEYS
    assert promised["QUANTITY_EXCEEDED"] == {"line", "asked", "available"}
    assert promised["ETAG_MISMATCH"] == {"resource", "current_etag"}
    assert len(promised) == len(ErrorReason.values())
