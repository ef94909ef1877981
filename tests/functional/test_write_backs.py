"""Stores are told of parcels: each once, visibly, and never more than was ordered."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.demo.shop_records import Fulfillment, Order
from app.demo.shop_reply import RefusalError, Reply
from fbali.errors import FbaliError
from fbali.v1.fulfillment_service_pb2 import (
    AnswerCancellationRequest,
    CreatePackageRequest,
    ReportPackageEventRequest,
    VoidPackageRequest,
)
from fbali.v1.hosting_service_pb2 import DisconnectStoreRequest, UpdateStoreRequest
from fbali.v1.order_pb2 import SHIPPING_STATUS_IN_TRANSIT
from fbali.v1.order_service_pb2 import (
    CancelOrderRequest,
    GetOrderRequest,
    ListWriteBacksRequest,
    RetryWriteBackRequest,
)
from fbali.v1.package_pb2 import PACKAGE_STATE_HANDED_OVER, PackageLine
from fbali.v1.store_pb2 import (
    WRITE_BACK_MODE_OFF,
    WRITE_BACK_MODE_SEPARATE,
    WRITE_BACK_MODE_TOGETHER,
)
from fbali.v1.write_back_pb2 import WriteBackMethod, WriteBackState
from oms.domain.jobs import JobKind
from oms.storage import jobs
from oms.storage.database import Database
from tests.functional import goods
from tests.functional.estate import (
    allocations_of,
    connect,
    fill,
    host,
    orders_of,
    products_of,
    sync,
)
from tests.services.stack import Stack, StackOptions, dump

HOUR = 3600


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


@pytest.fixture
def keeper(stack: Stack) -> Shopkeeper:
    return Shopkeeper(stack)


@contextmanager
def keeper_of(database: Database, folder: Path, **shop: Any) -> Iterator[Shopkeeper]:
    with Stack(database, folder, StackOptions(shop=shop)) as stack:
        yield Shopkeeper(stack)


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


WAYS = [
    ({}, "CORE_FULFILLMENT", "fulfillments"),
    ({"has_fulfillments": False, "has_tracking_plugin": True}, "SHIPMENT_TRACKING", "trackings"),
    ({"has_fulfillments": False}, "NOTE_AND_STATUS", "notes"),
]
each_way = pytest.mark.parametrize(("shop", "method", "field"), WAYS)


@each_way
def test_lost_answer_is_looked_up_and_nothing_is_said_twice(
    database: Database, tmp_path: Path, shop: dict[str, bool], method: str, field: str
):
    written: list[str] = []

    def loses(_method: str, path: str) -> bool:
        written.append(path)
        return written.count(path) == 1

    with keeper_of(database, tmp_path, loses_answer=loses, **shop) as keeper:
        keeper.pack("1002", "T-2")
        keeper.stack.work()
        [waiting] = keeper.write_backs()
        for _ in range(3):
            keeper.stack.clock.advance(60)
            keeper.stack.work()

        order = keeper.in_shop(1002)
        assert (state_of(waiting), waiting.problem_reason) == ("SENT", "GATEWAY_UNREACHABLE")
        assert WriteBackMethod.Name(waiting.method).endswith(method)
        assert keeper.states() == {"T-2": "CONFIRMED"}
        assert len(getattr(order, field)) == 1
        assert order.status == "completed"
        assert len(written) == 2  # The parcel and the completion: neither was sent again.


def test_worker_killed_between_answer_and_commit_finds_what_it_wrote(keeper: Shopkeeper):
    keeper.pack("1002", "T-1")
    keeper.stack.work()
    with keeper.stack.db.transaction():
        keeper.stack.db.run(
            "UPDATE write_back SET state = 'SENT', external_id = '', finished_at = NULL"
        )
        keeper.stack.db.run(
            "UPDATE job SET state = 'PENDING', lease_token = 'dead', due_at = 0,"
            " cursor = '{}', finished_at = NULL WHERE kind = 'write_back'"
        )

    keeper.stack.work()

    assert keeper.states() == {"T-1": "CONFIRMED"}
    assert numbers(keeper.in_shop(1002)) == ["T-1"]


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


def test_refusal_is_shown_in_the_store_s_words_and_retried_when_it_is_mended(
    database: Database, tmp_path: Path
):
    with keeper_of(database, tmp_path, key_may_write=False) as keeper:
        stack = keeper.stack
        keeper.pack("1001", "T-1", 2, 1)
        stack.work()
        [failed] = keeper.write_backs(state=WriteBackState.WRITE_BACK_STATE_FAILED)
        object.__setattr__(stack.shop.options, "key_may_write", True)

        retried = keeper.retry(failed)
        stack.work()

        assert failed.problem_reason == "GATEWAY_CREDENTIALS_REFUSED"
        assert "The API key provided does not have write permissions." in failed.problem_message
        assert state_of(retried) == "PENDING"
        assert keeper.states() == {"T-1": "CONFIRMED"}
        assert keeper.kinds("1001") == [
            "write_back.failed",
            "write_back.retried",
            "write_back.confirmed",
        ]
        with pytest.raises(FbaliError) as refused:
            keeper.retry(failed)
        assert refused.value.reason == "ILLEGAL_TRANSITION"


def test_failing_store_is_asked_again_later_and_given_up_in_the_end(stack: Stack):
    keeper = Shopkeeper(stack)
    refusal = RefusalError(500, "internal_server_error", "There has been a critical error.").reply
    stack.options.hook = lambda path, _query: refusal if path.endswith("ments") else None
    keeper.pack("1001", "T-1", 2, 1)
    stack.work()
    [first] = keeper.write_backs()
    for _ in range(14):
        stack.clock.advance(3 * HOUR)
        stack.work()

    [last] = keeper.write_backs()
    assert (state_of(first), first.failure_count) == ("PENDING", 1)
    assert first.next_attempt_time.seconds > first.create_time.seconds
    assert (state_of(last), last.failure_count) == ("FAILED", 12)
    assert "There has been a critical error." in last.problem_message
    [gone] = [item for item in keeper.order("1001").history if item.kind == "write_back.failed"]
    assert dict(gone.details).keys() == {"package", "reason", "failures"}


def test_store_that_asks_for_patience_gets_it(stack: Stack):
    keeper = Shopkeeper(stack)
    throttled = Reply(429, {"message": "Slow down."}, {"Retry-After": "3600"})
    stack.options.hook = lambda path, _query: throttled if path.endswith("ments") else None
    keeper.pack("1001", "T-1", 2, 1)
    stack.work()
    [waiting] = keeper.write_backs()
    stack.options.hook = lambda _path, _query: None
    stack.clock.advance(HOUR - 60)
    stack.work()
    early = keeper.states()
    stack.clock.advance(120)
    stack.work()

    assert waiting.problem_reason == "GATEWAY_THROTTLED"
    assert early == {"T-1": "PENDING"}
    assert keeper.states() == {"T-1": "CONFIRMED"}


def test_more_units_than_the_store_has_left_are_never_sent(keeper: Shopkeeper):
    by_hand = fulfilled_by_hand(("_items", [{"item_id": 10011, "qty": 1}]), ("_note", "x"))
    keeper.stack.shop.store.append(1001, "fulfillments", by_hand)
    keeper.pack("1001", "T-1")
    keeper.stack.work()

    [failed] = keeper.write_backs()
    assert (state_of(failed), failed.problem_reason) == ("FAILED", "GATEWAY_REQUEST_REFUSED")
    assert failed.problem_message == (
        "3 units of line 10011 do not fit into the store's order: 3 were ordered and 1 are in"
        " fulfilments that are there; correct those, then retry"
    )
    assert keeper.in_shop(1001).fulfillments == [by_hand]
    assert keeper.in_shop(1001).status == "processing"


def test_parcel_that_was_fulfilled_by_hand_with_its_number_is_not_told_again(keeper: Shopkeeper):
    by_hand = fulfilled_by_hand(("_tracking_number", "t-1 "))
    keeper.stack.shop.store.append(1001, "fulfillments", by_hand)
    keeper.pack("1001", "T-1", 2, 1)
    keeper.stack.work()

    [told] = keeper.write_backs()
    assert (state_of(told), told.external_id) == ("CONFIRMED", "7")
    assert keeper.in_shop(1001).fulfillments == [by_hand]


def test_parcel_voided_before_it_was_told_is_superseded(stack: Stack):
    keeper = Shopkeeper(stack)
    package = keeper.pack("1001", "T-1", 2, 1, handed_over=False)
    with stack.db.transaction():
        stack.db.run(
            "INSERT INTO write_back (id, merchant_id, order_id, store_id, package_id,"
            " tracking_number, state, method, failure_count, problem_reason, problem_message,"
            " external_id, is_outdated, created_at) SELECT 'b1', o.merchant_id, o.id, o.store_id,"
            " p.id, p.tracking_number, 'PENDING', '', 0, '', '', '', FALSE, 1"
            " FROM package p JOIN orders o ON o.id = p.order_id"
        )

    keeper.vendor.call(VoidPackageRequest(name=package.name))
    stack.work()

    assert keeper.states() == {"T-1": "SUPERSEDED"}
    assert keeper.kinds("1001") == ["write_back.superseded"]
    assert keeper.in_shop(1001).fulfillments == []


def test_disconnected_store_fails_visibly(keeper: Shopkeeper):
    keeper.stack.merchant.call(DisconnectStoreRequest(name=keeper.store))
    keeper.pack("1001", "T-1", 2, 1)
    keeper.stack.work()

    [failed] = keeper.write_backs()
    assert (state_of(failed), failed.problem_message) == (
        "FAILED",
        "the store is disconnected: connect it again, then retry",
    )


def test_order_that_the_store_deleted_fails_and_the_next_order_goes_on(keeper: Shopkeeper):
    keeper.stack.shop.remove_order(1001)
    keeper.pack("1001", "T-1", 2, 1)
    keeper.pack("1002", "T-2")
    keeper.stack.work()

    assert keeper.states() == {"T-1": "FAILED", "T-2": "CONFIRMED"}


def test_cancelled_order_is_told_of_what_travels_and_stays_cancelled(keeper: Shopkeeper):
    keeper.stack.shop.change_order(1002, status="cancelled")
    keeper.pack("1002", "T-2")
    keeper.stack.work()

    assert keeper.states() == {"T-2": "CONFIRMED"}
    assert keeper.in_shop(1002).status == "cancelled"


def test_history_and_jobs_hold_no_secret_and_no_person(database: Database, tmp_path: Path):
    with keeper_of(database, tmp_path, key_may_write=False) as keeper:
        keeper.pack("1001", "T-1", 2, 1)
        keeper.stack.work()

        kept = dump(keeper.stack.db)
        seen = repr([kept["event"], kept["write_back"], kept["job"]])
        secrets = keeper.stack.shop.credentials.values()
        for private in (*secrets, goods.EMAIL, "Ada", "Sample", "Market St"):
            assert private not in seen


def test_write_backs_are_filtered_by_state_and_order(keeper: Shopkeeper):
    keeper.pack("1001", "T-1", 2, 1)
    keeper.pack("1002", "T-2")
    keeper.stack.work()

    of_order = keeper.write_backs(order=keeper.order("1002").name)
    pending = keeper.write_backs(state=WriteBackState.WRITE_BACK_STATE_PENDING)

    assert [item.tracking_number for item in of_order] == ["T-2"]
    assert pending == []
    assert [item.tracking_number for item in keeper.write_backs()] == ["T-2", "T-1"]
