"""Watches through plain stubs, as any language would open them: each in a thread, all kept."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc

from fbali.v1.fulfillment_service_pb2 import ListAllocationEventsRequest, WatchAllocationsRequest
from fbali.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
from fbali.v1.order_service_pb2 import ListOrderEventsRequest, WatchOrdersRequest
from fbali.v1.order_service_pb2_grpc import OrderServiceStub
from oms.domain.principals import Role
from oms.storage import events
from oms.storage.events import NewEvent
from tests.services.stack import Caller, Stack, wait_for

REQUESTS: Mapping[Role | None, tuple[Any, Any, str]] = {
    Role.MERCHANT: (WatchOrdersRequest, ListOrderEventsRequest, "merchants/-"),
    Role.VENDOR: (WatchAllocationsRequest, ListAllocationEventsRequest, "vendors/-"),
}


class Watch:
    """An open watch; what comes is kept in `answers`."""

    def __init__(self, port: int, caller: Caller, **fields: Any) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        request, _, parent = REQUESTS[caller.role]
        metadata = (("authorization", f"Bearer {caller.secret}"),)
        stub = stub_of(self._channel, caller)
        open_watch = stub.WatchOrders if caller.role == Role.MERCHANT else stub.WatchAllocations
        self.call = open_watch(request(parent=parent, **fields), metadata=metadata)
        self.answers: list[Any] = []
        self.code: grpc.StatusCode | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for answer in self.call:
                self.answers.append(answer)
            self.code = grpc.StatusCode.OK
        except grpc.RpcError as error:
            self.code = error.code()

    @property
    def events(self) -> list[Any]:
        return [answer.event for answer in self.answers if answer.HasField("event")]

    @property
    def sequences(self) -> list[int]:
        return [event.event.sequence for event in self.events]

    @property
    def contents(self) -> list[str]:
        return [answer.WhichOneof("content") for answer in self.answers]

    @property
    def token(self) -> str:
        return str(self.answers[-1].resume_token)

    def wait(self, found: Callable[["Watch"], Any]) -> Any:
        return wait_for(lambda: found(self))

    def ended(self) -> grpc.StatusCode:
        """Wait until it is over; return how it ended."""
        self._thread.join(20)
        assert self.code is not None, "the watch goes on"
        return self.code

    def close(self) -> None:
        self.call.cancel()
        self._thread.join(20)
        self._channel.close()


def stub_of(channel: grpc.Channel, caller: Caller) -> Any:
    return (
        OrderServiceStub(channel)
        if caller.role == Role.MERCHANT
        else FulfillmentServiceStub(channel)
    )


def watching(port: int, caller: Caller, **fields: Any) -> Watch:
    """Open a watch with its initial state, and wait for that: everything from here on is told."""
    watch = Watch(port, caller, include_initial_state=True, **fields)
    watch.wait(lambda one: "initial_state_complete" in one.contents or one.code)
    assert watch.code is None
    return watch


def tell(
    stack: Stack, owner: Caller, count: int = 1, thing: str = "1", text: str = ""
) -> list[int]:
    """Write events of an order, or of an allocation, as a use case does; return their sequences."""
    merchant = stack.merchant if owner.role == Role.VENDOR else owner
    subject = f"merchants/{merchant.id}/orders/o{thing}"
    if owner.role == Role.VENDOR:
        subject = f"vendors/{owner.id}/allocations/a{thing}"
    event = NewEvent(merchant.id, f"o{thing}", "test", "system", subject, {"reason": text})
    with stack.db.transaction():
        rows = stack.db.all("SELECT COALESCE(MAX(sequence), 0) FROM event")
        events.append(stack.db, [event] * count, stack.clock.now_ms())
        return sequences(stack, "sequence > ?", rows[0][0])


def page_request(caller: Caller, **fields: Any) -> Any:
    _, request, parent = REQUESTS[caller.role]
    return request(parent=parent, **fields)


def whole_log(caller: Caller, **fields: Any) -> list[Any]:
    """Read all pages of a log."""
    return list(_pages(caller, fields))


def _pages(caller: Caller, fields: dict[str, Any]) -> Iterator[Any]:
    token = ""
    while True:
        page: Any = caller.call(page_request(caller, page_token=token, **fields))
        yield from page.order_events if caller.role == Role.MERCHANT else page.allocation_events
        token = page.next_page_token
        if not token:
            return


def sequences(stack: Stack, where: str, *parameters: object) -> list[int]:
    """Read which events there are."""
    with stack.db.session():
        sql = f"SELECT sequence FROM event WHERE {where} ORDER BY sequence"
        return [row[0] for row in stack.db.all(sql, *parameters)]


def caught_up(stack: Stack, caller: Caller) -> None:
    """Wait until the server knows of all that was written: a watch begins where its server is."""
    column = "merchant_id" if caller.role == Role.MERCHANT else "vendor_id"
    written = sequences(stack, f"{column} = ?", caller.id)
    wait_for(lambda: [one.event.sequence for one in whole_log(caller, page_size=500)] == written)
