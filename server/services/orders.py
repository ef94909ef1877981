"""OrderService."""

from fbali.v1 import order_service_pb2 as pb
from oms.domain.views import OrderView
from oms.usecases import queries
from oms.usecases.context import Call, Oms, mutate
from oms.usecases.manage_stores import request_sync
from oms.usecases.queries import Sorting
from server import names
from server.conversion.order_filter import TAGS, listed_orders
from server.conversion.orders import order_message
from server.conversion.stores import quarantined_order_message, sync_run_message
from server.paging import cut_page, page_size, start_key
from server.services.figures import ReportMethods
from server.services.manual import ManualMethods
from server.services.order_events import OrderEventMethods
from server.services.order_files import FileMethods
from server.services.write_backs import WriteBackMethods


class OrderService(ManualMethods, FileMethods, OrderEventMethods, WriteBackMethods, ReportMethods):
    """A merchant's orders."""

    def __init__(self, oms: Oms) -> None:
        """Serve one order management."""
        self._oms = oms

    def ListOrders(self, request: pb.ListOrdersRequest, call: Call) -> pb.ListOrdersResponse:
        """List orders, sorted as wanted."""
        now_ms = self._oms.clock.now_ms()
        wanted = listed_orders(request, call, now_ms)
        key = start_key(request, call.caller)
        after = None if key is None else (key[0], key[1])
        found = queries.list_orders(self._oms, wanted, after, page_size(request) + 1)
        page, token = cut_page(
            found, request, call.caller, lambda order: _page_key(order, wanted.sorting)
        )
        return pb.ListOrdersResponse(
            orders=[order_message(order, now_ms) for order in page], next_page_token=token
        )

    def CountOrders(self, request: pb.CountOrdersRequest, call: Call) -> pb.CountOrdersResponse:
        """Count orders per tag."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        store_id = names.last_id(request.store)
        counts, quarantined = queries.count_orders(self._oms, merchant_id, store_id)
        return pb.CountOrdersResponse(
            counts=[
                pb.TagCount(tag=tag, order_count=counts[word])  # type: ignore[arg-type]
                for tag, word in TAGS.items()
            ],
            quarantined_count=quarantined,
        )

    def GetOrder(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        """Show everything about one order."""
        merchant_id, order_id = names.own_ids(request.name, call.caller)
        order = queries.get_order(self._oms, merchant_id, order_id)
        return pb.GetOrderResponse(order=order_message(order, self._oms.clock.now_ms()))

    def SyncOrders(self, request: pb.SyncOrdersRequest, call: Call) -> bytes:
        """Ask for a sync of a store."""
        _, store_id = names.own_ids(request.name, call.caller)
        return mutate(
            self._oms,
            call,
            request_sync,
            store_id,
            lambda run: pb.SyncOrdersResponse(sync_run=sync_run_message(run)).SerializeToString(),
        )

    def GetSyncRun(self, request: pb.GetSyncRunRequest, call: Call) -> pb.GetSyncRunResponse:
        """Show how far a sync run is."""
        merchant_id, store_id, run_id = names.own_ids(request.name, call.caller)
        run = queries.get_sync_run(self._oms, merchant_id, store_id, run_id)
        return pb.GetSyncRunResponse(sync_run=sync_run_message(run))

    def ListSyncRuns(self, request: pb.ListSyncRunsRequest, call: Call) -> pb.ListSyncRunsResponse:
        """List the sync runs of a store, newest first."""
        merchant_id, store_id = names.own_ids(request.parent, call.caller)
        [before] = start_key(request, call.caller) or [""]
        found = queries.list_sync_runs(
            self._oms, merchant_id, store_id, before, page_size(request) + 1
        )
        page, token = cut_page(found, request, call.caller, lambda run: [run.id])
        return pb.ListSyncRunsResponse(
            sync_runs=[sync_run_message(run) for run in page], next_page_token=token
        )

    def ListQuarantinedOrders(
        self, request: pb.ListQuarantinedOrdersRequest, call: Call
    ) -> pb.ListQuarantinedOrdersResponse:
        """List the orders that could not be taken, newest first."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        [before] = start_key(request, call.caller) or [""]
        found = queries.list_quarantined_orders(
            self._oms, merchant_id, before, page_size(request) + 1
        )
        page, token = cut_page(found, request, call.caller, lambda order: [order.id])
        return pb.ListQuarantinedOrdersResponse(
            quarantined_orders=[quarantined_order_message(order) for order in page],
            next_page_token=token,
        )


def _page_key(order: OrderView, sorting: Sorting) -> list[int | str]:
    is_by_total = sorting == Sorting.TOTAL
    return [order.total.amount_minor if is_by_total else order.placed_at, order.id]
