"""What watches send, and events as the logs of merchants and vendors hold them."""

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from fbali.v1.event_pb2 import Event as EventMessage
from fbali.v1.watch_pb2 import AllocationEvent as AllocationEventMessage
from fbali.v1.watch_pb2 import (
    Bookmark,
    InitialStateComplete,
    WatchAllocationsResponse,
    WatchOrdersResponse,
)
from fbali.v1.watch_pb2 import OrderEvent as OrderEventMessage
from oms.domain.views import EventView
from oms.usecases.follow_events import LoggedEvent
from server import names
from server.conversion.basics import instant


def event_message(event: EventView) -> EventMessage:
    """Convert a row of history."""
    return EventMessage(
        sequence=event.sequence,
        kind=event.kind,
        actor=event.actor,
        subject=event.subject,
        details=event.details,
        occur_time=instant(event.created_at),
    )


def order_event_message(merchant_id: str, logged: LoggedEvent) -> OrderEventMessage:
    """Convert a row of a merchant's log."""
    return OrderEventMessage(
        order=names.order(merchant_id, logged.thing_id), event=event_message(logged.event)
    )


def allocation_event_message(vendor_id: str, logged: LoggedEvent) -> AllocationEventMessage:
    """Convert a row of a vendor's log."""
    return AllocationEventMessage(
        allocation=names.allocation(vendor_id, logged.thing_id), event=event_message(logged.event)
    )


@dataclass(frozen=True, slots=True)
class WatchMessages:
    """Makes the messages of one watch: each holds a resume token and one content."""

    answer: type[WatchOrdersResponse] | type[WatchAllocationsResponse]
    thing_field: str  # Of an order or allocation of the initial state.
    event_message: Callable[[LoggedEvent], Message]

    def event(self, token: str, logged: LoggedEvent) -> Message:
        """Tell of an event."""
        return self._answer(token, event=self.event_message(logged))

    def thing(self, token: str, thing: Message) -> Message:
        """Send an order or an allocation of the initial state."""
        return self._answer(token, **{self.thing_field: thing})

    def state_complete(self, token: str) -> Message:
        """Tell that the initial state was sent."""
        return self._answer(token, initial_state_complete=InitialStateComplete())

    def bookmark(self, token: str) -> Message:
        """Tell of a position alone."""
        return self._answer(token, bookmark=Bookmark())

    def _answer(self, token: str, **content: Message) -> Message:
        return self.answer(resume_token=token, **content)  # type: ignore[arg-type]
