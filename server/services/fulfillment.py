"""FulfillmentService."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from fbali.v1 import fulfillment_service_pb2 as pb
from fbali.v1.allocation_pb2 import AllocationState as AllocationStateNumber
from fbali.v1.allocation_pb2 import RejectReason as RejectReasonNumber
from fbali.v1.cost_entry_pb2 import CostKind as CostKindNumber
from fbali.v1.package_pb2 import ExceptionReason as ExceptionReasonNumber
from fbali.v1.package_pb2 import PackageState as PackageStateNumber
from oms.domain.allocations import AllocationEvent, AllocationState, RejectReason
from oms.domain.costs import CostKind
from oms.domain.errors import NotFound
from oms.domain.money import Money
from oms.domain.partnerships import PartnershipEvent
from oms.domain.tracking import ExceptionReason, PackageState
from oms.usecases import queries
from oms.usecases.answer_allocation import (
    AnswerAllocation,
    RecordCosts,
    answer_allocation,
    record_costs,
)
from oms.usecases.context import Call, Oms, mutate
from oms.usecases.manage_accounts import MovePartnership, move_partnership
from oms.usecases.pack import (
    CreatePackage,
    PackedResult,
    ReportPackageEvent,
    VoidPackage,
    create_package,
    report_package_event,
    void_package,
)
from oms.usecases.pack_many import create_packages
from oms.usecases.queries import AllocationFilter
from oms.usecases.withdraw_units import AnswerCancellation, answer_cancellation
from server import names
from server.conversion.accounts import partnership_message
from server.conversion.allocations import (
    ALLOCATION_STATE_PREFIX,
    COST_KIND_PREFIX,
    PACKAGE_STATE_PREFIX,
    REASON_PREFIX,
    REJECT_PREFIX,
    allocation_message,
    package_message,
    package_result_message,
)
from server.conversion.basics import enum_or_none, epoch_ms, word
from server.paging import cut_page, page_size, start_key
from server.services.allocation_events import AllocationEventMethods


class FulfillmentService(AllocationEventMethods):
    """What a vendor sees and does."""

    def __init__(self, oms: Oms) -> None:
        """Serve one order management."""
        self._oms = oms

    def ListAllocations(
        self, request: pb.ListAllocationsRequest, call: Call
    ) -> pb.ListAllocationsResponse:
        """List the vendor's allocations, newest first."""
        [vendor_id] = names.own_ids(request.parent, call.caller)
        wanted = AllocationFilter(
            vendor_id=vendor_id,
            states=tuple(
                AllocationState(word(AllocationStateNumber, ALLOCATION_STATE_PREFIX, state))
                for state in request.states
            ),
            merchant_id=names.last_id(request.merchant),
        )
        [before] = start_key(request, call.caller) or [""]
        found = queries.list_allocations(self._oms, wanted, before, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item.id])
        now_ms = self._oms.clock.now_ms()
        return pb.ListAllocationsResponse(
            allocations=[allocation_message(item, now_ms) for item in page], next_page_token=token
        )

    def GetAllocation(
        self, request: pb.GetAllocationRequest, call: Call
    ) -> pb.GetAllocationResponse:
        """Show an allocation with its costs, parcels and their tracking."""
        vendor_id, allocation_id = names.own_ids(request.name, call.caller)
        found = queries.get_allocation(self._oms, vendor_id, allocation_id)
        return pb.GetAllocationResponse(
            allocation=allocation_message(found, self._oms.clock.now_ms())
        )

    def AcceptAllocation(self, request: pb.AcceptAllocationRequest, call: Call) -> bytes:
        """Accept an allocation."""
        return self._answer(request, call, AllocationEvent.ACCEPT, pb.AcceptAllocationResponse)

    def RejectAllocation(self, request: pb.RejectAllocationRequest, call: Call) -> bytes:
        """Reject an allocation that has not been accepted."""
        return self._answer(request, call, AllocationEvent.REJECT, pb.RejectAllocationResponse)

    def CloseAllocation(self, request: pb.CloseAllocationRequest, call: Call) -> bytes:
        """Close an accepted allocation short."""
        return self._answer(request, call, AllocationEvent.CLOSE_SHORT, pb.CloseAllocationResponse)

    def AnswerCancellation(self, request: pb.AnswerCancellationRequest, call: Call) -> bytes:
        """Answer a cancellation request."""
        _, allocation_id = names.own_ids(request.name, call.caller)
        return mutate(
            self._oms,
            call,
            answer_cancellation,
            AnswerCancellation(allocation_id, request.agreed, request.note, request.etag),
            lambda view: pb.AnswerCancellationResponse(
                allocation=allocation_message(view, self._oms.clock.now_ms())
            ).SerializeToString(),
        )

    def _answer(
        self, request: Any, call: Call, event: AllocationEvent, response: Callable[..., Message]
    ) -> bytes:
        _, allocation_id = names.own_ids(request.name, call.caller)
        reason = word(RejectReasonNumber, REJECT_PREFIX, getattr(request, "reject_reason", 0))
        command = AnswerAllocation(
            allocation_id=allocation_id,
            event=event,
            reject_reason=enum_or_none(RejectReason, reason),
            note=getattr(request, "note", ""),
            etag=request.etag,
        )
        return mutate(
            self._oms,
            call,
            answer_allocation,
            command,
            lambda view: response(
                allocation=allocation_message(view, self._oms.clock.now_ms())
            ).SerializeToString(),
        )

    def CreatePackage(self, request: pb.CreatePackageRequest, call: Call) -> bytes:
        """Announce a parcel with units of an allocation."""
        _, allocation_id = names.own_ids(request.parent, call.caller)
        command = CreatePackage(
            allocation_id=allocation_id,
            tracking_number=request.tracking_number,
            carrier_code=request.carrier_code,
            lines=[(names.last_id(line.line), line.quantity) for line in request.lines],
            handed_over=request.handed_over,
            etag=request.etag,
        )
        return mutate(
            self._oms,
            call,
            create_package,
            command,
            _packed_encoder(self._oms, pb.CreatePackageResponse),
        )

    def BatchCreatePackages(self, request: pb.BatchCreatePackagesRequest, call: Call) -> bytes:
        """Announce many parcels, each for itself."""
        names.own_ids(request.parent, call.caller)
        now_ms = self._oms.clock.now_ms()
        commands = [
            CreatePackage(
                allocation_id=_own_allocation(parcel.allocation, call),
                tracking_number=parcel.tracking_number,
                carrier_code=parcel.carrier_code,
                lines=[(names.last_id(line.line), line.quantity) for line in parcel.lines],
                handed_over=parcel.handed_over,
            )
            for parcel in request.packages
        ]
        return mutate(
            self._oms,
            call,
            create_packages,
            commands,
            lambda outcomes: pb.BatchCreatePackagesResponse(
                results=[
                    package_result_message(parcel.allocation, outcome, now_ms)
                    for parcel, outcome in zip(request.packages, outcomes, strict=True)
                ]
            ).SerializeToString(),
        )

    def VoidPackage(self, request: pb.VoidPackageRequest, call: Call) -> bytes:
        """Void a parcel that no carrier has scanned."""
        _, allocation_id, package_id = names.own_ids(request.name, call.caller)
        command = VoidPackage(allocation_id, package_id, request.note, request.etag)
        return mutate(
            self._oms,
            call,
            void_package,
            command,
            _packed_encoder(self._oms, pb.VoidPackageResponse),
        )

    def ReportPackageEvent(self, request: pb.ReportPackageEventRequest, call: Call) -> bytes:
        """Report what the vendor knows of a parcel."""
        _, allocation_id, package_id = names.own_ids(request.name, call.caller)
        reason = word(ExceptionReasonNumber, REASON_PREFIX, request.exception_reason)
        occurred_ms = epoch_ms(request, "occur_time")
        command = ReportPackageEvent(
            allocation_id=allocation_id,
            package_id=package_id,
            state=PackageState(word(PackageStateNumber, PACKAGE_STATE_PREFIX, request.state)),
            exception_reason=enum_or_none(ExceptionReason, reason),
            occurred_at=None if occurred_ms is None else occurred_ms // 1000,
            description=request.description,
            location=request.location,
        )
        return mutate(
            self._oms,
            call,
            report_package_event,
            command,
            _packed_encoder(self._oms, pb.ReportPackageEventResponse),
        )

    def RecordCosts(self, request: pb.RecordCostsRequest, call: Call) -> bytes:
        """Append entries to the cost ledger of an allocation."""
        _, allocation_id = names.own_ids(request.name, call.caller)
        costs = [
            (
                CostKind(word(CostKindNumber, COST_KIND_PREFIX, cost.kind)),
                Money(cost.amount.currency_code, cost.amount.amount_minor),
                cost.note,
            )
            for cost in request.costs
        ]
        return mutate(
            self._oms,
            call,
            record_costs,
            RecordCosts(allocation_id, costs),
            lambda view: pb.RecordCostsResponse(
                allocation=allocation_message(view, self._oms.clock.now_ms())
            ).SerializeToString(),
        )

    def ListVendorPartnerships(
        self, request: pb.ListVendorPartnershipsRequest, call: Call
    ) -> pb.ListVendorPartnershipsResponse:
        """List the vendor's partnerships with merchants."""
        names.own_ids(request.parent, call.caller)
        [after] = start_key(request, call.caller) or [""]
        found = queries.list_partnerships(self._oms, call.caller, after, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item.merchant_id])
        return pb.ListVendorPartnershipsResponse(
            partnerships=[partnership_message(item) for item in page], next_page_token=token
        )

    def AcceptPartnership(self, request: pb.AcceptPartnershipRequest, call: Call) -> bytes:
        """Accept an invitation."""
        _, merchant_id, _, vendor_id = request.name.split("/")
        if vendor_id not in ("-", call.caller.id):
            raise NotFound.of(request.name)
        return mutate(
            self._oms,
            call,
            move_partnership,
            MovePartnership(merchant_id, call.caller.id, PartnershipEvent.ACCEPT, request.etag),
            lambda found: pb.AcceptPartnershipResponse(
                partnership=partnership_message(found)
            ).SerializeToString(),
        )


def _own_allocation(name: str, call: Call) -> str:
    """Read the id of an allocation; somebody else's is one that does not exist."""
    try:
        return names.own_ids(name, call.caller)[1]
    except NotFound:
        return ""


def _packed_encoder(oms: Oms, response: Callable[..., Message]) -> Callable[[PackedResult], bytes]:
    def encode(result: PackedResult) -> bytes:
        now_ms = oms.clock.now_ms()
        return response(
            package=package_message(result.allocation.merchant_id, result.package, now_ms),
            allocation=allocation_message(result.allocation, now_ms),
        ).SerializeToString()

    return encode
