"""A merchant whose store is told of what vendor A packs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.demo.shop_records import Fulfillment, Order
from fbali.v1.fulfillment_service_pb2 import (
    CreatePackageRequest,
    ReportPackageEventRequest,
)
from fbali.v1.hosting_service_pb2 import UpdateStoreRequest
from fbali.v1.order_service_pb2 import (
    GetOrderRequest,
    ListWriteBacksRequest,
    RetryWriteBackRequest,
)
from fbali.v1.package_pb2 import PACKAGE_STATE_HANDED_OVER, PackageLine
from fbali.v1.store_pb2 import (
    WRITE_BACK_MODE_SEPARATE,
)
from fbali.v1.write_back_pb2 import WriteBackState
from oms.storage.database import Database
from tests.functional.estate import (
    allocations_of,
    connect,
    fill,
    host,
    orders_of,
    products_of,
)
from tests.services.stack import Stack, StackOptions

WAYS = [
    ({}, "CORE_FULFILLMENT", "fulfillments"),
    ({"has_fulfillments": False, "has_tracking_plugin": True}, "SHIPMENT_TRACKING", "trackings"),
    ({"has_fulfillments": False}, "NOTE_AND_STATUS", "notes"),
]
each_way = pytest.mark.parametrize(("shop", "method", "field"), WAYS)


class Shopkeeper:
    """A stack whose store is connected, with order 1001 (lamp 2, mat 3) and others at vendor A."""

    def __init__(self, stack: Stack, mode: Any = WRITE_BACK_MODE_SEPARATE):
        self.stack = stack
        fill(stack)
        self.store = connect(stack, stack.merchant, write_back_mode=mode).name
        stack.work()
        products = {item.title: item.name for item in products_of(stack.merchant)}
        host(stack.merchant, stack.vendor_a, products["Lamp"], products["Mat"])
        stack.work()
        self.vendor = stack.vendor_a

    def part(self, number: str) -> Any:
        return next(item for item in allocations_of(self.vendor) if item.order_number == number)

    def pack(self, number: str, tracking: str, *units: int, handed_over: bool = True) -> Any:
        """Pack units of the part's lines, all that is left when none are given."""
        part = self.part(number)
        lines = [
            PackageLine(line=line.line, quantity=count)
            for line, count in zip(part.lines, units, strict=False)
            if count
        ]
        request = CreatePackageRequest(
            parent=part.name, tracking_number=tracking, lines=lines, handed_over=handed_over
        )
        return self.vendor.call(request).package

    def hand_over(self, package: Any) -> None:
        self.vendor.call(
            ReportPackageEventRequest(name=package.name, state=PACKAGE_STATE_HANDED_OVER)
        )

    def write_backs(self, **fields: Any) -> list[Any]:
        request = ListWriteBacksRequest(parent=self.stack.merchant.name, **fields)
        return list(self.stack.merchant.call(request).write_backs)

    def states(self) -> dict[str, str]:
        return {item.tracking_number: state_of(item) for item in self.write_backs()}

    def retry(self, write_back: Any) -> Any:
        request = RetryWriteBackRequest(name=write_back.name)
        return self.stack.merchant.call(request).write_back

    def order(self, number: str) -> Any:
        [found] = [item for item in orders_of(self.stack.merchant) if item.number == number]
        return self.stack.merchant.call(GetOrderRequest(name=found.name)).order

    def kinds(self, number: str) -> list[str]:
        return [
            event.kind
            for event in self.order(number).history
            if event.kind.startswith("write_back.")
        ]

    def set_mode(self, mode: Any) -> Any:
        request = UpdateStoreRequest(name=self.store, write_back_mode=mode)
        return self.stack.merchant.call(request).store

    def in_shop(self, number: int) -> Order:
        found = self.stack.shop.store.order(number)
        assert found is not None
        return found


def state_of(write_back: Any) -> str:
    return WriteBackState.Name(write_back.state).removeprefix("WRITE_BACK_STATE_")


def numbers(order: Order) -> list[str]:
    return [dict(item.meta)["_tracking_number"] for item in order.fulfillments]


def fulfilled_by_hand(*meta: tuple[str, Any]) -> Fulfillment:
    return Fulfillment(id=7, status="fulfilled", is_fulfilled=True, updated_at=1, meta=meta)


@contextmanager
def keeper_of(database: Database, folder: Path, **shop: Any) -> Iterator[Shopkeeper]:
    with Stack(database, folder, StackOptions(shop=shop)) as stack:
        yield Shopkeeper(stack)
