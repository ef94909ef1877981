"""Stores are told of parcels: when, how, and what of."""

from pathlib import Path

from fbali.v1.fulfillment_service_pb2 import (
    AnswerCancellationRequest,
)
from fbali.v1.order_pb2 import SHIPPING_STATUS_IN_TRANSIT
from fbali.v1.order_service_pb2 import (
    CancelOrderRequest,
)
from fbali.v1.store_pb2 import (
    WRITE_BACK_MODE_OFF,
    WRITE_BACK_MODE_SEPARATE,
    WRITE_BACK_MODE_TOGETHER,
)
from fbali.v1.write_back_pb2 import WriteBackMethod, WriteBackState
from oms.domain.jobs import JobKind
from oms.storage import jobs
from oms.storage.database import Database
from tests.functional.estate import (
    sync,
)
from tests.functional.shopkeeper import Shopkeeper, each_way, keeper_of, numbers, state_of
from tests.services.stack import Stack

HOUR = 3600


def test_parcel_is_told_as_a_fulfilment_of_its_units(keeper: Shopkeeper):
    keeper.pack("1001", "T-1", 2, 1)
    pending = keeper.states()
    keeper.stack.work()

    [told] = keeper.write_backs()
    [made] = keeper.in_shop(1001).fulfillments
    items = dict(made.meta)["_items"]
    assert pending == {"T-1": "PENDING"}
    assert (state_of(told), told.order_number, told.external_id) == (
        "CONFIRMED",
        "1001",
        str(made.id),
    )
    assert told.method == WriteBackMethod.WRITE_BACK_METHOD_CORE_FULFILLMENT
    assert items == [{"item_id": 10010, "qty": 2}, {"item_id": 10011, "qty": 1}]
    assert numbers(keeper.in_shop(1001)) == ["T-1"]
    assert keeper.in_shop(1001).status == "processing"
    assert keeper.kinds("1001") == ["write_back.confirmed"]
    assert [item.tracking_number for item in keeper.order("1001").write_backs] == ["T-1"]


def test_announced_parcel_is_told_when_the_carrier_has_it(keeper: Shopkeeper):
    package = keeper.pack("1001", "T-1", handed_over=False)
    keeper.stack.work()
    before = keeper.states()

    keeper.hand_over(package)
    keeper.stack.work()

    assert before == {}
    assert keeper.states() == {"T-1": "CONFIRMED"}


def test_first_scan_of_the_carrier_is_a_hand_over(keeper: Shopkeeper):
    keeper.pack("1002", "SMOOTH-77", handed_over=False)
    for _ in range(6):
        keeper.stack.clock.advance(20)
        with keeper.stack.db.transaction():
            jobs.enqueue(keeper.stack.db, JobKind.POLL_TRACKING, keeper.stack.clock.now_ms())
        keeper.stack.work()

    assert keeper.states() == {"SMOOTH-77": "CONFIRMED"}
    assert keeper.in_shop(1002).status == "completed"


def test_order_is_completed_with_its_last_parcel_and_that_is_no_news(keeper: Shopkeeper):
    keeper.pack("1001", "T-1", 2, 1)
    keeper.stack.work()
    keeper.pack("1001", "T-2")
    keeper.stack.work()
    completed = keeper.in_shop(1001).status

    sync(keeper.stack, keeper.stack.merchant, keeper.store)
    sync(keeper.stack, keeper.stack.merchant, keeper.store)

    order = keeper.order("1001")
    assert completed == "completed"
    assert order.store_status == "completed"
    assert order.shipping_status == SHIPPING_STATUS_IN_TRANSIT
    assert {line.elsewhere_quantity for line in order.lines} == {0}
    assert "line.changed" not in [event.kind for event in order.history]
    assert keeper.kinds("1001") == [
        "write_back.confirmed",
        "write_back.confirmed",
        "write_back.order_completed",
    ]
    assert numbers(keeper.in_shop(1001)) == ["T-1", "T-2"]


def test_together_waits_for_the_last_unit_of_the_order(stack: Stack):
    keeper = Shopkeeper(stack, WRITE_BACK_MODE_TOGETHER)
    keeper.pack("1001", "T-1", 2, 1)
    announced = keeper.pack("1001", "T-2", handed_over=False)
    stack.work()
    before = keeper.states()

    keeper.hand_over(announced)
    stack.work()

    assert before == {}
    assert keeper.states() == {"T-1": "CONFIRMED", "T-2": "CONFIRMED"}
    assert keeper.in_shop(1001).status == "completed"


def test_together_is_told_when_the_rest_is_cancelled(stack: Stack):
    keeper = Shopkeeper(stack, WRITE_BACK_MODE_TOGETHER)
    keeper.pack("1001", "T-1", 2, 1)
    stack.shop.store.refund(1001, amount="1.00", units={10011: 2})
    sync(stack, stack.merchant, keeper.store)
    part = keeper.part("1001")
    stack.work()

    assert part.lines[1].cancellation_quantity == 2  # The vendor is asked, and may still ship.
    assert keeper.states() == {}

    keeper.vendor.call(AnswerCancellationRequest(name=part.name, agreed=True))
    stack.work()

    assert keeper.states() == {"T-1": "CONFIRMED"}
    assert keeper.in_shop(1001).status == "completed"


def test_order_that_the_merchant_cut_short_is_told_and_not_completed(stack: Stack):
    keeper = Shopkeeper(stack)
    keeper.pack("1003", "T-1", 1)
    stack.merchant.call(CancelOrderRequest(name=keeper.order("1003").name))
    stack.work()

    assert keeper.states() == {"T-1": "CONFIRMED"}
    assert keeper.in_shop(1003).status == "processing"


def test_off_tells_nothing_and_leaves_the_past_alone(stack: Stack):
    keeper = Shopkeeper(stack, WRITE_BACK_MODE_OFF)
    keeper.pack("1001", "T-1", 2, 1)
    stack.work()
    stack.clock.advance(HOUR)

    store = keeper.set_mode(WRITE_BACK_MODE_SEPARATE)
    stack.clock.advance(HOUR)
    keeper.pack("1001", "T-2")
    stack.work()

    assert store.write_back_mode == WRITE_BACK_MODE_SEPARATE
    assert keeper.states() == {"T-2": "CONFIRMED"}
    assert numbers(keeper.in_shop(1001)) == ["T-2"]


def test_store_switched_off_ends_nothing_that_was_noted(keeper: Shopkeeper):
    keeper.pack("1001", "T-1", 2, 1)
    keeper.set_mode(WRITE_BACK_MODE_OFF)
    keeper.pack("1001", "T-2")
    keeper.stack.work()

    assert keeper.states() == {"T-1": "CONFIRMED"}


@each_way
def test_store_is_told_by_the_best_it_has(
    database: Database, tmp_path: Path, shop: dict[str, bool], method: str, field: str
):
    with keeper_of(database, tmp_path, **shop) as keeper:
        keeper.pack("1001", "T-1", 2, 1)
        keeper.stack.work()
        halfway = keeper.in_shop(1001).status
        keeper.pack("1001", "T-2")
        keeper.stack.work()

        order = keeper.in_shop(1001)
        used = {name: len(getattr(order, name)) for name in ("fulfillments", "trackings", "notes")}
        methods = {
            WriteBackMethod.Name(item.method).removeprefix("WRITE_BACK_METHOD_")
            for item in keeper.write_backs()
        }
        assert methods == {method}
        assert used == {"fulfillments": 0, "trackings": 0, "notes": 0} | {field: 2}
        assert (halfway, order.status) == ("processing", "completed")


def test_write_backs_are_filtered_by_state_and_order(keeper: Shopkeeper):
    keeper.pack("1001", "T-1", 2, 1)
    keeper.pack("1002", "T-2")
    keeper.stack.work()

    of_order = keeper.write_backs(order=keeper.order("1002").name)
    pending = keeper.write_backs(state=WriteBackState.WRITE_BACK_STATE_PENDING)

    assert [item.tracking_number for item in of_order] == ["T-2"]
    assert pending == []
    assert [item.tracking_number for item in keeper.write_backs()] == ["T-2", "T-1"]
