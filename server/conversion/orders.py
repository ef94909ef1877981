"""Orders, their lines and their history."""

from fbali.v1.hold_pb2 import Hold as HoldMessage
from fbali.v1.hold_pb2 import HoldReason as HoldReasonNumber
from fbali.v1.order_pb2 import Admission as AdmissionNumber
from fbali.v1.order_pb2 import Order as OrderMessage
from fbali.v1.order_pb2 import OrderLine as OrderLineMessage
from fbali.v1.order_pb2 import PendingReason as PendingReasonNumber
from fbali.v1.order_pb2 import ShippingStatus as ShippingStatusNumber
from oms.domain.holds import Hold
from oms.domain.money import totals
from oms.domain.stalls import is_stalled
from oms.domain.views import LineView, OrderView
from server import names
from server.conversion.allocations import allocation_message
from server.conversion.basics import (
    address_message,
    instant,
    money_message,
    money_messages,
    number,
)
from server.conversion.events import event_message
from server.conversion.write_backs import write_back_message

STATUS_PREFIX = "SHIPPING_STATUS_"
ADMISSION_PREFIX = "ADMISSION_"
PENDING_PREFIX = "PENDING_REASON_"
HOLD_PREFIX = "HOLD_REASON_"


def order_message(view: OrderView, now_ms: int) -> OrderMessage:
    """Convert an order with all that was read of it; `now_ms` tells what is stalled."""
    costs = (cost for item in view.allocations for cost in item.final_costs())
    return OrderMessage(
        name=names.order(view.merchant_id, view.id),
        store=names.store(view.merchant_id, view.store_id),
        external_id=view.external_id,
        number=view.number,
        store_status=view.store_status,
        admission=number(AdmissionNumber, ADMISSION_PREFIX, view.admission),
        shipping_status=number(ShippingStatusNumber, STATUS_PREFIX, view.status),
        customer_name=view.customer_name,
        customer_email=view.customer_email,
        recipient=address_message(view.recipient, view.country),
        customer_note=view.note,
        total=money_message(view.total),
        lines=[_line_message(view.merchant_id, line) for line in view.lines],
        allocations=[allocation_message(item, now_ms) for item in view.allocations],
        cost_totals=money_messages(totals(costs)),
        history=[event_message(event) for event in view.history],
        place_time=instant(view.placed_at),
        store_update_time=instant(view.store_updated_at),
        create_time=instant(view.created_at),
        etag=str(view.version),
        holds=[_hold_message(hold) for hold in view.holds],
        cancel_time=instant(view.cancelled_at),
        tracking_stalled=is_stalled(view.stalls_at, now_ms),
        write_backs=[write_back_message(item) for item in view.write_backs],
        refunded=money_message(view.refunded),
        margin=money_message(view.margin),
        missing_rates=view.missing_rates,
    )


def _hold_message(hold: Hold) -> HoldMessage:
    return HoldMessage(
        reason=number(HoldReasonNumber, HOLD_PREFIX, hold.reason),
        owner=hold.owner,
        note=hold.note,
        expire_time=instant(hold.expire_at),
        create_time=instant(hold.created_at),
    )


def _line_message(merchant_id: str, view: LineView) -> OrderLineMessage:
    ledger = view.ledger
    return OrderLineMessage(
        name=names.line(merchant_id, view.order_id, view.id),
        product=names.product(merchant_id, view.product_id),
        variant=names.variant(merchant_id, view.product_id, view.variant_id),
        title=view.title,
        sku=view.sku,
        price=money_message(view.price),
        ordered_quantity=ledger.ordered,
        removed_quantity=ledger.removed,
        elsewhere_quantity=ledger.elsewhere,
        excluded_quantity=ledger.excluded,
        allocated_quantity=ledger.allocated,
        packed_quantity=ledger.packed,
        handed_over_quantity=ledger.handed_over,
        delivered_quantity=ledger.delivered,
        settled_quantity=ledger.settled,
        open_quantity=ledger.open,
        pending_reason=number(PendingReasonNumber, PENDING_PREFIX, view.pending_reason),
        over_allocated=ledger.is_over_allocated,
        margin=money_message(view.margin),
        replacement=view.is_replacement,
    )
