"""Allocations, packages, tracking and costs."""

from fbali.v1.allocation_pb2 import Allocation as AllocationMessage
from fbali.v1.allocation_pb2 import AllocationLine as AllocationLineMessage
from fbali.v1.allocation_pb2 import AllocationState as AllocationStateNumber
from fbali.v1.allocation_pb2 import RejectReason as RejectReasonNumber
from fbali.v1.cost_entry_pb2 import CostEntry as CostEntryMessage
from fbali.v1.cost_entry_pb2 import CostKind as CostKindNumber
from fbali.v1.cost_entry_pb2 import CostSource as CostSourceNumber
from fbali.v1.fulfillment_service_pb2 import PackageResult as PackageResultMessage
from fbali.v1.package_pb2 import ExceptionReason as ExceptionReasonNumber
from fbali.v1.package_pb2 import Package as PackageMessage
from fbali.v1.package_pb2 import PackageLine as PackageLineMessage
from fbali.v1.package_pb2 import PackageState as PackageStateNumber
from fbali.v1.package_pb2 import StallProblem as StallProblemNumber
from fbali.v1.package_pb2 import TrackingEvent as TrackingEventMessage
from oms.domain.costs import CostSource
from oms.domain.stalls import stall_problem
from oms.domain.views import (
    AllocationLineView,
    AllocationView,
    CostEntry,
    PackageView,
    TrackingEventView,
)
from oms.usecases.pack_many import PackageOutcome
from server import names
from server.conversion.basics import (
    address_message,
    instant,
    money_message,
    money_messages,
    number,
)

ALLOCATION_STATE_PREFIX = "ALLOCATION_STATE_"
PACKAGE_STATE_PREFIX = "PACKAGE_STATE_"
STALL_PREFIX = "STALL_PROBLEM_"
REASON_PREFIX = "EXCEPTION_REASON_"
REJECT_PREFIX = "REJECT_REASON_"
COST_KIND_PREFIX = "COST_KIND_"
COST_SOURCE_PREFIX = "COST_SOURCE_"


def allocation_message(view: AllocationView, now_ms: int) -> AllocationMessage:
    """Convert an allocation with all that was read of it; `now_ms` tells what is stalled."""
    return AllocationMessage(
        name=names.allocation(view.vendor_id, view.id),
        order=names.order(view.merchant_id, view.order_id),
        order_number=view.order_number,
        vendor_display_name=view.vendor_display_name,
        merchant_display_name=view.merchant_display_name,
        state=number(AllocationStateNumber, ALLOCATION_STATE_PREFIX, view.state),
        lines=[_line_message(view, line) for line in view.lines],
        recipient=address_message(view.recipient),
        packages=[package_message(view.merchant_id, package, now_ms) for package in view.packages],
        costs=[_cost_message(cost) for cost in view.costs],
        quoted_totals=money_messages(view.total(CostSource.QUOTED)),
        actual_totals=money_messages(view.total(CostSource.ACTUAL)),
        reject_reason=number(RejectReasonNumber, REJECT_PREFIX, view.reject_reason),
        note=view.note,
        create_time=instant(view.created_at),
        accept_deadline_time=instant(view.accept_deadline_at),
        accept_time=instant(view.accepted_at),
        close_time=instant(view.closed_at),
        etag=str(view.version),
        cancellation_deadline_time=instant(view.cancellation_deadline_at),
        address_change_time=instant(view.address_changed_at),
    )


def _line_message(view: AllocationView, line: AllocationLineView) -> AllocationLineMessage:
    return AllocationLineMessage(
        line=names.line(view.merchant_id, view.order_id, line.line_id),
        title=line.title,
        sku=line.sku,
        vendor_sku=line.vendor_sku,
        purchase_url=line.purchase_url,
        quantity=line.quantity,
        packed_quantity=line.packed,
        returned_quantity=line.returned,
        unit_cost=money_message(line.unit_cost),
        cancellation_quantity=line.asked_back,
    )


def package_message(merchant_id: str, view: PackageView, now_ms: int) -> PackageMessage:
    """Convert a package with all that was read of it; `now_ms` tells whether it is stalled."""
    stalled = stall_problem(view.state, view.exception_reason, view.stalls_at, now_ms)
    return PackageMessage(
        name=names.package(view.vendor_id, view.allocation_id, view.id),
        carrier_code=view.carrier_code,
        tracking_number=view.tracking_number,
        state=number(PackageStateNumber, PACKAGE_STATE_PREFIX, view.state),
        exception_reason=number(ExceptionReasonNumber, REASON_PREFIX, view.exception_reason),
        raw_status=view.raw_status,
        lines=[
            PackageLineMessage(
                line=names.line(merchant_id, view.order_id, line.line_id), quantity=line.quantity
            )
            for line in view.lines
        ],
        events=[_event_message(event) for event in view.events],
        create_time=instant(view.created_at),
        hand_over_time=instant(view.handed_over_at),
        deliver_time=instant(view.delivered_at),
        next_poll_time=instant(view.next_poll_at),
        tracking_problem=view.tracking_problem,
        etag=str(view.version),
        stall_problem=number(StallProblemNumber, STALL_PREFIX, stalled),
    )


def _event_message(event: TrackingEventView) -> TrackingEventMessage:
    return TrackingEventMessage(
        occur_time=instant(event.occurred_at),
        state=number(PackageStateNumber, PACKAGE_STATE_PREFIX, event.state),
        exception_reason=number(ExceptionReasonNumber, REASON_PREFIX, event.exception_reason),
        raw_status=event.raw_status,
        description=event.description,
        location=event.location,
        source=event.source,
    )


def _cost_message(cost: CostEntry) -> CostEntryMessage:
    return CostEntryMessage(
        kind=number(CostKindNumber, COST_KIND_PREFIX, cost.kind),
        source=number(CostSourceNumber, COST_SOURCE_PREFIX, cost.source),
        amount=money_message(cost.amount),
        note=cost.note,
        create_time=instant(cost.created_at),
    )


def package_result_message(
    allocation: str, outcome: PackageOutcome, now_ms: int
) -> PackageResultMessage:
    """Convert what became of one parcel, under the allocation's name as it was asked for."""
    view, refusal = outcome.package, outcome.refusal
    return PackageResultMessage(
        allocation=allocation,
        package=None if view is None else package_message(outcome.merchant_id, view, now_ms),
        existed=outcome.existed,
        refusal_reason="" if refusal is None else refusal.word,
        refusal_message="" if refusal is None else refusal.message,
    )
