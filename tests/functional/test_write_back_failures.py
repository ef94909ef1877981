"""What goes wrong with stores is visible, retried, and never told twice or too much."""

from pathlib import Path

import pytest

from app.demo.shop_reply import RefusalError, Reply
from fbali.errors import FbaliError
from fbali.v1.fulfillment_service_pb2 import (
    VoidPackageRequest,
)
from fbali.v1.hosting_service_pb2 import DisconnectStoreRequest
from fbali.v1.write_back_pb2 import WriteBackMethod, WriteBackState
from oms.storage.database import Database
from tests.functional import goods
from tests.functional.shopkeeper import (
    Shopkeeper,
    each_way,
    fulfilled_by_hand,
    keeper_of,
    numbers,
    state_of,
)
from tests.services.stack import Stack, dump

HOUR = 3600


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


def test_refusal_is_shown_in_the_store_s_words_and_retried_when_it_is_mended(
    database: Database, tmp_path: Path
):
    with keeper_of(database, tmp_path, key_may_write=False) as keeper:
        stack = keeper.stack
        keeper.pack("1001", "T-1", 2, 1)
        stack.work()
        [failed] = keeper.write_backs(state=WriteBackState.WRITE_BACK_STATE_FAILED)
        stack.shop.key_may_write = True

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
