"""An order that its customer cancels after a vendor accepted it, and what is done about that."""

from app.demo.merchant import Merchant
from app.demo.narration import Narrator
from app.demo.progress import counted
from app.demo.shop import PretendShop
from app.demo.shop_records import Order as ShopOrder
from app.demo.vendors import VendorAgent
from fbali.v1.allocation_pb2 import AllocationState
from fbali.v1.order_pb2 import Order

_ACCEPTED = AllocationState.ALLOCATION_STATE_ACCEPTED
_REQUESTED = AllocationState.ALLOCATION_STATE_CANCELLATION_REQUESTED
_CANCELLED = AllocationState.ALLOCATION_STATE_CANCELLED


class RegrettedOrder:
    """One order of the shop with a part of one vendor, who waits for the goods."""

    def __init__(
        self, narrator: Narrator, merchant: Merchant, shop: PretendShop, order: ShopOrder
    ) -> None:
        """Take the order as it is in the shop."""
        self._narrator = narrator
        self._merchant = merchant
        self._shop = shop
        self._order = order
        self._told = {_CANCELLED: False, _REQUESTED: False, _ACCEPTED: False}

    @property
    def is_over(self) -> bool:
        """Tell whether the vendor gave everything back."""
        return self._told[_CANCELLED]

    def look(self, vendor: VendorAgent) -> None:
        """Go on with the story, as far as it has come."""
        number = str(self._order.id)
        found = [order for order in self._merchant.newest_orders() if order.number == number]
        if self.is_over or not found or not found[0].allocations:
            return
        state = found[0].allocations[0].state
        if state == _ACCEPTED and not self._told[_ACCEPTED]:
            self._cancel(number, vendor.options.display_name)
        if state in (_REQUESTED, _CANCELLED) and not self._told[_REQUESTED]:
            self._tell_request(number, vendor.options.display_name)
        if state == _CANCELLED:
            self._tell_end(found[0], vendor.options.display_name)
        if state in self._told:
            self._told[state] = True

    def _cancel(self, number: str, vendor: str) -> None:
        self._shop.change_order(self._order.id, status="cancelled")
        words = f"order {number} is cancelled by its customer; {vendor} has accepted it already"
        self._narrator.say("shop", words)

    def _tell_request(self, number: str, vendor: str) -> None:
        self._told[_REQUESTED] = True
        units = counted(sum(item.quantity for item in self._order.items), "unit")
        words = f"asks {vendor} to give back the {units} of order {number}"
        self._narrator.say("FbAli", words)

    def _tell_end(self, order: Order, vendor: str) -> None:
        words = f"agrees to cancel: nothing of order {order.number} was sent, nothing is charged"
        self._narrator.say(vendor, words)
