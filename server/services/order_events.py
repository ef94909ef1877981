"""The methods of OrderService that follow what happens to orders."""

from functools import partial

from fbali.v1 import order_service_pb2 as pb
from fbali.v1.watch_pb2 import WatchOrdersResponse
from oms.domain.principals import Role
from oms.usecases import follow_events
from oms.usecases.context import Call, Oms
from oms.usecases.follow_events import Log
from server import names
from server.conversion.basics import seconds
from server.conversion.events import WatchMessages, order_event_message
from server.conversion.orders import order_message
from server.log_pages import LogPage
from server.paging import page_size
from server.resume_tokens import INSTANT_MAX_MS, StateKey, invalid_token
from server.watching import BOOKMARK_SECONDS, State, Watch


class OrderEventMethods:
    """Watch orders, or read their log page by page."""

    _oms: Oms

    def WatchOrders(self, request: pb.WatchOrdersRequest, call: Call) -> Watch:
        """Follow what happens to the merchant's orders."""
        log = _log(request, call)
        return Watch(
            log=log,
            token=request.resume_token,
            bookmark_seconds=seconds(request, "bookmark_interval", BOOKMARK_SECONDS),
            with_state=request.include_initial_state,
            state=partial(self._unfinished, log),
            messages=WatchMessages(
                WatchOrdersResponse, "order", partial(order_event_message, log.owner_id)
            ),
        )

    def ListOrderEvents(self, request: pb.ListOrderEventsRequest, call: Call) -> LogPage:
        """List what happened to the merchant's orders, or wait for it."""
        log = _log(request, call)
        return LogPage(
            log=log,
            token=request.page_token,
            size=page_size(request),
            wait_seconds=seconds(request, "wait_duration", 0.0),
            answer=lambda events, next_page_token, resume_token: pb.ListOrderEventsResponse(
                order_events=[order_event_message(log.owner_id, event) for event in events],
                next_page_token=next_page_token,
                resume_token=resume_token,
            ),
        )

    def _unfinished(self, log: Log, key: StateKey, limit: int) -> State:
        now_ms = self._oms.clock.now_ms()
        after: tuple[int, str] | None
        match key:
            case ():
                after = None
            case (int(placed_at), str(order_id)) if 0 <= placed_at <= INSTANT_MAX_MS:
                after = (placed_at, order_id)
            case _:
                raise invalid_token("resume_token")
        return [
            ((view.placed_at, view.id), order_message(view, now_ms))
            for view in follow_events.unfinished_orders(self._oms, log, after, limit)
        ]


def _log(request: pb.WatchOrdersRequest | pb.ListOrderEventsRequest, call: Call) -> Log:
    [merchant_id] = names.own_ids(request.parent, call.caller)
    ids = frozenset(names.own_ids(name, call.caller)[1] for name in request.orders)
    return Log(Role.MERCHANT, merchant_id, ids)
