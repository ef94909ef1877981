"""Tells everything that happens to one order, from its history."""

from collections.abc import Mapping
from typing import Final

from app.demo.merchant import Merchant
from app.demo.narration import Narrator
from app.demo.progress import counted
from fbali.v1.event_pb2 import Event
from fbali.v1.order_pb2 import Order, ShippingStatus

DELIVERED: Final = ShippingStatus.SHIPPING_STATUS_DELIVERED
_STATUSES: Final[Mapping[int, str]] = {
    ShippingStatus.SHIPPING_STATUS_PENDING: "Pending",
    ShippingStatus.SHIPPING_STATUS_PROCESSING: "Processing",
    ShippingStatus.SHIPPING_STATUS_IN_TRANSIT: "In Transit",
    ShippingStatus.SHIPPING_STATUS_EXCEPTION: "Exception",
    DELIVERED: "Delivered",
}
_DONE_BY_VENDOR: Final[Mapping[str, str]] = {
    "allocation.accepted": "accepted",
    "allocation.rejected": "rejected",
    "allocation.costs_recorded": "product, shipping and service costs recorded",
    "allocation.closed": "all of it is packed",
}
_DONE_TO_PARCEL: Final[Mapping[str, str]] = {
    "package.handed_over": "picked up",
    "package.in_transit": "under way",
    "package.out_for_delivery": "with the courier",
    "package.delivered": "delivered",
}


class FollowedOrder:
    """One order of the shop, by the number that its customer knows."""

    def __init__(
        self, narrator: Narrator, merchant: Merchant, number: str, vendors: Mapping[str, str]
    ) -> None:
        """Know the vendors' names by their resource names."""
        self._narrator = narrator
        self._merchant = merchant
        self._vendors = vendors
        self._told = 0
        self._status = ""
        self.number = number
        self.name = ""

    def look(self) -> bool:
        """Tell what happened since the last look; return whether all of it is delivered."""
        if not self.name and not self._find():
            return False
        order = self._merchant.order(self.name)
        fresh = [event for event in order.history if event.sequence > self._told]
        for event in fresh:
            self._tell(order, event)
        self._told = max((event.sequence for event in fresh), default=self._told)
        status = _STATUSES.get(order.shipping_status, "")
        if status != self._status:
            self._status = status
            self._say("FbAli", f"status is now {status}")
        return order.shipping_status == DELIVERED

    def _find(self) -> bool:
        found = (order for order in self._merchant.newest_orders() if order.number == self.number)
        self.name = next((order.name for order in found), "")
        return bool(self.name)

    def _tell(self, order: Order, event: Event) -> None:
        vendor = self._vendor_of(event)
        if event.kind == "order.admitted":
            self._say("FbAli", "pulled by the scheduled sync and admitted")
        elif event.kind == "allocation.submitted":
            units = counted(int(event.details["units"]), "unit")
            self._say("FbAli", f"{units} allocated to {vendor}")
        elif event.kind in _DONE_BY_VENDOR:
            self._say(vendor, _DONE_BY_VENDOR[event.kind])
        elif event.kind == "package.announced":
            units = counted(int(event.details["units"]), "unit")
            parcel = f"{event.subject}/packages/{event.details['package']}"
            self._say(vendor, f"{units} packed, parcel {_number_of(order, parcel)}")
        elif event.kind in _DONE_TO_PARCEL:
            done = _DONE_TO_PARCEL[event.kind]
            self._say("carrier", f"parcel {_number_of(order, event.subject)} {done}")
        elif event.kind == "write_back.confirmed":
            number = _number_of_id(order, event.details["package"])
            self._say("FbAli", f"the shop is told of parcel {number}")
        elif event.kind == "write_back.order_completed":
            self._say("FbAli", "carriers have all of it: completed in the shop")
        else:
            self._say(vendor or "FbAli", event.kind)

    def _vendor_of(self, event: Event) -> str:
        return self._vendors.get("/".join(event.subject.split("/")[:2]), "")

    def _say(self, who: str, what: str) -> None:
        self._narrator.say(who, f"order {self.number}: {what}", is_followed=True)


def _number_of_id(order: Order, package_id: str) -> str:
    packages = (package for part in order.allocations for package in part.packages)
    found = (item for item in packages if item.name.endswith(f"/{package_id}"))
    return next((package.tracking_number for package in found), "")


def _number_of(order: Order, name: str) -> str:
    packages = (package for part in order.allocations for package in part.packages)
    return next((package.tracking_number for package in packages if package.name == name), "")
