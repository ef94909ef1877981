"""A store that answers badly, as its merchant sees it through GetSyncRun, and how it goes on."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from app.demo.shop_reply import Reply
from fbali.errors import FbaliError
from fbali.v1.hosting_service_pb2 import TestStoreRequest as ProbeRequest
from fbali.v1.order_service_pb2 import GetSyncRunRequest, ListSyncRunsRequest, SyncOrdersRequest
from fbali.v1.store_pb2 import (
    SYNC_RUN_STATE_FAILED,
    SYNC_RUN_STATE_SUCCEEDED,
    SYNC_RUN_STATE_WAITING,
    SyncRun,
)
from oms.storage.database import Database
from oms.usecases.sync_store import GATEWAY_FAILURES_MAX
from tests.functional import goods
from tests.functional.estate import connect, fill, orders_of, sync
from tests.services.faulty_http import FaultyServer, Step, answer, half, reset, silence
from tests.services.stack import Stack, StackOptions

TIMEOUT_SECONDS = 0.3
STATE = {
    "WAITING": SYNC_RUN_STATE_WAITING,
    "FAILED": SYNC_RUN_STATE_FAILED,
    "SUCCEEDED": SYNC_RUN_STATE_SUCCEEDED,
}


@pytest.fixture
def stack(database: Database, tmp_path) -> Iterator[Stack]:
    """A product that is impatient with stores, with a merchant whose shop is synced."""
    options = StackOptions(store_timeout_seconds=TIMEOUT_SECONDS)
    with Stack(database, tmp_path, options) as running:
        fill(running)
        connect(running, running.merchant)
        running.work()
        yield running


def store_of(stack: Stack) -> str:
    [row] = stack.db.all("SELECT id FROM store WHERE merchant_id = ?", stack.merchant.id)
    return f"{stack.merchant.name}/stores/{row[0]}"


def move_store(stack: Stack, url: str) -> None:
    """Let the store answer from another address."""
    with stack.db.transaction():
        stack.db.run("UPDATE store SET base_url = ?", url)


def run_at(stack: Stack, url: str) -> SyncRun:
    """Sync once while the store answers from an address."""
    move_store(stack, url)
    run: SyncRun = sync(stack, stack.merchant, store_of(stack))
    return run


def add_order(stack: Stack, number: int) -> None:
    now = stack.clock.now_seconds()
    stack.shop.add_order(goods.order(number, {goods.LAMP: 1}, now=now, is_new=True))


FAULTS: list[tuple[str, Step, str, str, str]] = [
    ("401", answer(401, '{"code":"x","message":"No."}'), "FAILED", "CREDENTIALS_REFUSED", "key"),
    ("404", answer(404, '{"code":"rest_no_route","message":"No."}'), "FAILED", "NOT_FOUND", "addr"),
    ("400", answer(400, '{"code":"x","message":"No."}'), "FAILED", "REQUEST_REFUSED", "refused"),
    ("429", answer(429, "{}", {"Retry-After": "90"}), "WAITING", "THROTTLED", "90 seconds"),
    ("500", answer(500, "{}"), "WAITING", "SERVER_ERROR", "error log"),
    ("503", answer(503, "{}", {"Retry-After": "90"}), "WAITING", "THROTTLED", "90 seconds"),
    ("html", answer(200, "<html>Down</html>"), "WAITING", "ANSWER_MALFORMED", "the store"),
    ("half", half(b'[{"id": 1}]' * 50), "WAITING", "ANSWER_MALFORMED", "broke off"),
    ("silence", silence, "WAITING", "TIMEOUT", "0.3 seconds"),
    ("reset", reset, "WAITING", "UNREACHABLE", "asked again later"),
]
each_fault = pytest.mark.parametrize(
    ("step", "state", "reason", "words"),
    [pytest.param(*fault[1:], id=fault[0]) for fault in FAULTS],
)


@each_fault
def test_fault_is_told_in_plain_words_and_the_next_run_catches_up(
    stack: Stack, step: Step, state: str, reason: str, words: str
):
    add_order(stack, 1100)
    with FaultyServer(step) as faulty:
        told = run_at(stack, faulty.url)
    add_order(stack, 1101)
    move_store(stack, stack.shop.url)
    stack.clock.advance(120)
    stack.work()
    again = sync(stack, stack.merchant, store_of(stack))

    assert (told.state, told.problem.reason) == (STATE[state], f"GATEWAY_{reason}")
    assert words in told.problem.message
    assert "Traceback" not in told.problem.message
    assert told.failure_count == 1
    assert told.HasField("next_attempt_time") == (state == "WAITING")
    assert told.HasField("finish_time") == (state == "FAILED")
    assert again.state == SYNC_RUN_STATE_SUCCEEDED
    assert {order.number for order in orders_of(stack.merchant)} >= {"1100", "1101"}


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(stack: Stack, status: int):
    asked_at = stack.clock.now_ms()

    with FaultyServer(answer(status, "{}", {"Retry-After": "90"})) as faulty:
        told = run_at(stack, faulty.url)
        before = len(faulty.targets)
        stack.clock.advance(60)
        stack.work()
        after_a_minute = len(faulty.targets)
        stack.clock.advance(60)
        stack.work()
        after_two = len(faulty.targets)

    wait_ms = told.next_attempt_time.ToMilliseconds() - asked_at
    assert 90_000 <= wait_ms < 110_000
    assert (after_a_minute - before, after_two - after_a_minute) == (0, 1)


def test_run_that_keeps_failing_is_given_up_after_growing_pauses(stack: Stack):
    pauses, states = [], []
    with FaultyServer(answer(500, "{}")) as faulty:
        told = run_at(stack, faulty.url)
        name = told.name
        while told.state == SYNC_RUN_STATE_WAITING:
            pause = told.next_attempt_time.ToMilliseconds() - stack.clock.now_ms()
            pauses.append(round(pause / 1000))
            stack.clock.advance(pause / 1000 + 0.1)
            stack.work()
            told = stack.merchant.call(GetSyncRunRequest(name=name)).sync_run
            states.append(told.failure_count)

    assert pauses == [1, 2, 4, 8, 16]
    assert states == [2, 3, 4, 5, GATEWAY_FAILURES_MAX]
    assert told.state == SYNC_RUN_STATE_FAILED
    assert told.problem.reason == "GATEWAY_SERVER_ERROR"
    assert not told.HasField("next_attempt_time")


def test_run_that_waits_goes_on_as_the_same_run_when_the_store_is_back(stack: Stack):
    add_order(stack, 1100)
    with FaultyServer(answer(500, "{}")) as faulty:
        told = run_at(stack, faulty.url)
    move_store(stack, stack.shop.url)
    stack.clock.advance(5)

    stack.work()

    done = stack.merchant.call(GetSyncRunRequest(name=told.name)).sync_run
    assert (done.state, done.failure_count) == (SYNC_RUN_STATE_SUCCEEDED, 0)
    assert not done.HasField("next_attempt_time")
    assert (done.created_count, done.quarantined_count) == (1, 0)
    runs = stack.merchant.call(ListSyncRunsRequest(parent=store_of(stack))).sync_runs
    assert [run.state for run in runs] == [SYNC_RUN_STATE_SUCCEEDED] * 2


def test_fault_in_the_middle_of_the_orders_loses_none(stack: Stack):
    now = stack.clock.now_seconds()
    for number in range(2000, 2250):
        stack.shop.add_order(goods.order(number, {goods.LAMP: 1}, now=now, is_new=True))
    calls = iter(range(100))

    def fail_from_the_third_on(path: str, _query: Any) -> Reply | None:
        return Reply(429, {}) if path.endswith("/orders") and next(calls) >= 2 else None

    stack.options.hook = fail_from_the_third_on
    told = sync(stack, stack.merchant, store_of(stack))
    stack.options.hook = lambda _path, _query: None
    stack.clock.advance(5)
    stack.work()

    done = stack.merchant.call(GetSyncRunRequest(name=told.name)).sync_run
    assert told.state == SYNC_RUN_STATE_WAITING
    assert 0 < told.created_count < 250
    assert (done.state, done.created_count) == (SYNC_RUN_STATE_SUCCEEDED, 250)
    assert len(orders_of(stack.merchant, page_size=500)) == 4 + 250


@pytest.mark.parametrize("method", ["sync", "probe", "connect"])
def test_certificate_that_does_not_verify_is_told_and_not_retried(stack: Stack, method: str):
    with FaultyServer(answer(200, "{}"), tls=tls_of_a_stranger()) as faulty:
        told = HOW_TO_ASK[method](stack, faulty.url)

        assert told[0] == "GATEWAY_CERTIFICATE_INVALID"
        assert "certificate" in told[1]
        assert faulty.targets == []


def tls_of_a_stranger() -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def ask_by_sync(stack: Stack, url: str) -> tuple[str, str]:
    told = run_at(stack, url)
    assert told.state == SYNC_RUN_STATE_FAILED
    return told.problem.reason, told.problem.message


def ask_by_probe(stack: Stack, url: str) -> tuple[str, str]:
    move_store(stack, url)
    told = stack.merchant.call(ProbeRequest(name=store_of(stack)))
    assert not told.works
    return told.problem.reason, told.problem.message


def ask_by_connect(stack: Stack, url: str) -> tuple[str, str]:
    with pytest.raises(FbaliError) as refused:
        connect(stack, stack.merchant, base_url=url)
    assert refused.value.code == "FAILED_PRECONDITION"
    return refused.value.reason, refused.value.message


HOW_TO_ASK: dict[str, Callable[[Stack, str], tuple[str, str]]] = {
    "sync": ask_by_sync,
    "probe": ask_by_probe,
    "connect": ask_by_connect,
}


@each_fault
def test_store_that_answers_badly_is_not_connected(
    stack: Stack, step: Step, state: str, reason: str, words: str
):
    with FaultyServer(step) as faulty, pytest.raises(FbaliError) as refused:
        connect(stack, stack.merchant, base_url=faulty.url)

    code = "FAILED_PRECONDITION" if state == "FAILED" else "UNAVAILABLE"
    assert (refused.value.code, refused.value.reason) == (code, f"GATEWAY_{reason}")
    assert words in refused.value.message
    assert [row[0] for row in stack.db.all("SELECT base_url FROM store")] == [stack.shop.url]


def test_second_request_for_a_sync_is_the_queued_run(stack: Stack):
    request = SyncOrdersRequest(name=store_of(stack))

    first, second = (stack.merchant.call(request).sync_run for _ in range(2))

    assert first.name == second.name
    stack.work()
    assert stack.merchant.call(request).sync_run.name != first.name
