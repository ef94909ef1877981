"""Which orders a request selects: of a list, or for an export."""

from collections.abc import Mapping

from fbali.v1 import order_service_pb2 as pb
from fbali.v1.hold_pb2 import HoldReason as HoldReasonValue
from fbali.v1.order_service_pb2 import OrderPeculiarity, OrderSorting, OrderTag
from oms.domain.holds import HoldReason
from oms.domain.search_words import words_of_query
from oms.usecases.context import Call
from oms.usecases.queries import OrderFilter, Peculiarity, Sorting
from server import names
from server.conversion.basics import epoch_ms

TAGS: Mapping[int, str] = {
    OrderTag.ORDER_TAG_UNSPECIFIED: "ADMITTED",
    OrderTag.ORDER_TAG_PENDING: "PENDING",
    OrderTag.ORDER_TAG_PROCESSING: "PROCESSING",
    OrderTag.ORDER_TAG_IN_TRANSIT: "IN_TRANSIT",
    OrderTag.ORDER_TAG_EXCEPTION: "EXCEPTION",
    OrderTag.ORDER_TAG_DELIVERED: "DELIVERED",
    OrderTag.ORDER_TAG_NOT_ADMITTED: "NOT_ADMITTED",
    OrderTag.ORDER_TAG_ENDED: "ENDED",
}

SORTINGS: Mapping[int, Sorting] = {
    OrderSorting.ORDER_SORTING_UNSPECIFIED: Sorting.NEWEST,
    OrderSorting.ORDER_SORTING_OLDEST: Sorting.OLDEST,
    OrderSorting.ORDER_SORTING_TOTAL: Sorting.TOTAL,
}


def listed_orders(request: pb.ListOrdersRequest, call: Call, now_ms: int) -> OrderFilter:
    """Read the filter of a list."""
    [merchant_id] = names.own_ids(request.parent, call.caller)
    return _filter(merchant_id, request, SORTINGS[request.sorting], now_ms)


def selected_orders(
    parent: str, selection: pb.OrderSelection, call: Call, now_ms: int
) -> OrderFilter:
    """Read a selection of a merchant's orders."""
    [merchant_id] = names.own_ids(parent, call.caller)
    return _filter(merchant_id, selection, Sorting.OLDEST, now_ms)


def _filter(
    merchant_id: str,
    selection: pb.ListOrdersRequest | pb.OrderSelection,
    sorting: Sorting,
    now_ms: int,
) -> OrderFilter:
    reason = HoldReasonValue.Name(selection.hold_reason).removeprefix("HOLD_REASON_")
    peculiarity = OrderPeculiarity.Name(selection.peculiarity).removeprefix("ORDER_PECULIARITY_")
    return OrderFilter(
        merchant_id=merchant_id,
        tag=TAGS[selection.tag],
        store_id=names.last_id(selection.store),
        vendor_id=names.last_id(selection.vendor),
        placed_from=epoch_ms(selection, "placed_after_time"),
        placed_before=epoch_ms(selection, "placed_before_time"),
        words=words_of_query(selection.search),
        country=selection.region_code,
        hold_reason=HoldReason(reason) if selection.hold_reason else None,
        peculiarity=Peculiarity(peculiarity) if selection.peculiarity else None,
        sorting=sorting,
        now=now_ms,
    )
