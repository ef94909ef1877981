"""How far an order is, for those who watch it."""

from fbali.cli.changes import States, states_of
from fbali.cli.views.order_detail import status_word
from fbali.v1.order_pb2 import Admission, Order, ShippingStatus

WATCH_SECONDS_MAX = 90 * 86400.0  # No parcel travels longer.

UNTIL = {
    "processing": ShippingStatus.SHIPPING_STATUS_PROCESSING,
    "in-transit": ShippingStatus.SHIPPING_STATUS_IN_TRANSIT,
    "exception": ShippingStatus.SHIPPING_STATUS_EXCEPTION,
    "delivered": ShippingStatus.SHIPPING_STATUS_DELIVERED,
}
_WAY = [UNTIL["processing"], UNTIL["in-transit"], UNTIL["delivered"]]


def is_reached(order: Order, until: str) -> bool:
    """Tell whether an order is as far as was waited for, or farther."""
    wanted = UNTIL[until]
    if order.admission != Admission.ADMISSION_ADMITTED:
        return False
    farther = _WAY[_WAY.index(wanted) :] if wanted in _WAY else [wanted]
    return order.shipping_status in farther


def is_over(order: Order) -> bool:
    """Tell whether nothing is going to happen any more."""
    return order.admission != Admission.ADMISSION_ADMITTED or order.shipping_status in {
        ShippingStatus.SHIPPING_STATUS_UNSPECIFIED,
        ShippingStatus.SHIPPING_STATUS_DELIVERED,
    }


def states_in(order: Order) -> States:
    """Say the state of everything in an order, by kind and name."""
    found = {("order", order.number): status_word(order).text}
    for allocation in order.allocations:
        found |= states_of(allocation, allocation.vendor_display_name)
    return found
