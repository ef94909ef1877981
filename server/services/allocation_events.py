"""The methods of FulfillmentService that follow what happens to allocations."""

from functools import partial

from fbali.v1 import fulfillment_service_pb2 as pb
from fbali.v1.watch_pb2 import WatchAllocationsResponse
from oms.domain.principals import Role
from oms.usecases import follow_events
from oms.usecases.context import Call, Oms
from oms.usecases.follow_events import Log
from server import names
from server.conversion.allocations import allocation_message
from server.conversion.basics import seconds
from server.conversion.events import WatchMessages, allocation_event_message
from server.log_pages import LogPage
from server.paging import page_size
from server.resume_tokens import StateKey, invalid_token
from server.watching import BOOKMARK_SECONDS, State, Watch


class AllocationEventMethods:
    """Watch allocations, or read their log page by page."""

    _oms: Oms

    def WatchAllocations(self, request: pb.WatchAllocationsRequest, call: Call) -> Watch:
        """Follow what happens to the vendor's allocations."""
        log = _log(request, call)
        return Watch(
            log=log,
            token=request.resume_token,
            bookmark_seconds=seconds(request, "bookmark_interval", BOOKMARK_SECONDS),
            with_state=request.include_initial_state,
            state=partial(self._unfinished, log),
            messages=WatchMessages(
                WatchAllocationsResponse,
                "allocation",
                partial(allocation_event_message, log.owner_id),
            ),
        )

    def ListAllocationEvents(self, request: pb.ListAllocationEventsRequest, call: Call) -> LogPage:
        """List what happened to the vendor's allocations, or wait for it."""
        log = _log(request, call)
        return LogPage(
            log=log,
            token=request.page_token,
            size=page_size(request),
            wait_seconds=seconds(request, "wait_duration", 0.0),
            answer=lambda events, next_page_token, resume_token: pb.ListAllocationEventsResponse(
                allocation_events=[
                    allocation_event_message(log.owner_id, event) for event in events
                ],
                next_page_token=next_page_token,
                resume_token=resume_token,
            ),
        )

    def _unfinished(self, log: Log, key: StateKey, limit: int) -> State:
        now_ms = self._oms.clock.now_ms()
        match key:
            case ():
                before = ""
            case (str(before),):
                pass
            case _:
                raise invalid_token("resume_token")
        return [
            ((view.id,), allocation_message(view, now_ms))
            for view in follow_events.unfinished_allocations(self._oms, log, before, limit)
        ]


def _log(request: pb.WatchAllocationsRequest | pb.ListAllocationEventsRequest, call: Call) -> Log:
    [vendor_id] = names.own_ids(request.parent, call.caller)
    ids = frozenset(names.own_ids(name, call.caller)[1] for name in request.allocations)
    return Log(Role.VENDOR, vendor_id, ids)
