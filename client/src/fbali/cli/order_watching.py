"""Watches an order: asks again and again, and tells what has changed between two answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fbali.cli.sync_following import Patience
from fbali.cli.views.order_detail import status_word
from fbali.cli.views.values import last_part
from fbali.cli.views.words import text_of
from fbali.errors import DeadlineExceeded, LimitExceeded, Unavailable
from fbali.v1.allocation_pb2 import AllocationState
from fbali.v1.order_pb2 import Admission, Order, ShippingStatus
from fbali.v1.package_pb2 import ExceptionReason, Package, PackageState

OUTAGE_SECONDS_MAX = 600.0  # A longer one is told; the watch can be begun again.
WATCH_SECONDS_MAX = 90 * 86400.0  # No parcel travels longer.

UNTIL = {
    "processing": ShippingStatus.SHIPPING_STATUS_PROCESSING,
    "in-transit": ShippingStatus.SHIPPING_STATUS_IN_TRANSIT,
    "exception": ShippingStatus.SHIPPING_STATUS_EXCEPTION,
    "delivered": ShippingStatus.SHIPPING_STATUS_DELIVERED,
}
_WAY = [UNTIL["processing"], UNTIL["in-transit"], UNTIL["delivered"]]


@dataclass(frozen=True, slots=True)
class Change:
    """What was one way and is another; `before` is empty for what is new."""

    subject: str
    name: str
    before: str
    after: str


def changes_between(before: Order | None, after: Order) -> list[Change]:
    """Compare two answers; without an earlier one everything is new."""
    old = _states(before) if before else {}
    return [
        Change(*key, old.get(key, ""), state)
        for key, state in _states(after).items()
        if old.get(key) != state
    ]


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


def answers(
    get_order: Callable[[], Order],
    patience: Patience,
    interval: float,
    say: Callable[[str], None],
) -> Iterator[Order]:
    """Give the order as it is now, and again after every interval, until patience is used up.

    Raises:
        Unavailable, DeadlineExceeded, LimitExceeded: It was so for longer than OUTAGE_SECONDS_MAX.
    """
    deadline = patience.monotonic() + patience.seconds_max
    outage_since: float | None = None
    while True:
        try:
            yield get_order()
            outage_since = None
        except (DeadlineExceeded, LimitExceeded, Unavailable) as error:
            outage_since = patience.monotonic() if outage_since is None else outage_since
            if patience.monotonic() - outage_since > OUTAGE_SECONDS_MAX:
                raise
            say(f"{error.message}; asking again")
        if patience.monotonic() + interval > deadline:
            return
        patience.sleep(interval)


def _states(order: Order) -> dict[tuple[str, str], str]:
    """Say the state of everything in an order, by kind and name."""
    found = {("order", order.number): status_word(order).text}
    for allocation in order.allocations:
        name = f"{allocation.vendor_display_name} {last_part(allocation.name)}"
        found["allocation", name] = text_of(AllocationState, allocation.state)
        for package in allocation.packages:
            key = ("parcel", f"{package.tracking_number} {last_part(package.name)}")
            found[key] = _package_state(package)
    return found


def _package_state(package: Package) -> str:
    state = text_of(PackageState, package.state)
    reason = text_of(ExceptionReason, package.exception_reason)
    return f"{state}: {reason}" if reason else state
