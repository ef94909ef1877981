"""Logs of events page by page: tokens good and bad, and calls that wait for news."""

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fbali.errors import FbaliError, InvalidInput, NotFound, OutOfRange
from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from oms.domain.principals import Role
from oms.storage.event_log import Log
from server.app import ApiThread
from server.resume_tokens import Cursor, ResumeTokens
from tests.functional.watchers import Watch, page_request, tell, watching, whole_log
from tests.services.stack import Caller, Stack, wait_for

DAY_SECONDS = 86_400
WAIT = {"seconds": 20}


def sequences_of(caller: Caller, **fields: Any) -> list[int]:
    return [item.event.sequence for item in whole_log(caller, **fields)]


def page(caller: Caller, **fields: Any) -> Any:
    return caller.call(page_request(caller, **fields))


def known(stack: Stack, caller: Caller, count: int = 1) -> list[int]:
    """Write events and wait until the server knows of them."""
    told = tell(stack, caller, count)
    wait_for(lambda: sequences_of(caller, page_size=500)[-count:] == told)
    return told


def test_pages_hold_everything_once_in_order(stack: Stack):
    for caller in (stack.merchant, stack.vendor_a):
        told = known(stack, caller, 7)

        assert sequences_of(caller, page_size=2)[-7:] == told
        assert sequences_of(caller) == sequences_of(caller, page_size=1)


def test_empty_page_has_a_token_from_which_news_are_read(stack: Stack):
    empty = page(stack.other_vendor)
    told = tell(stack, stack.other_vendor, 2)

    assert (list(empty.allocation_events), empty.next_page_token) == ([], "")
    news = page(stack.other_vendor, page_token=empty.resume_token, wait_duration=WAIT)
    assert [item.event.sequence for item in news.allocation_events] == told


def test_tokens_of_watches_and_pages_are_the_same(stack: Stack):
    watch = watching(stack.api.port, stack.merchant)
    told = tell(stack, stack.merchant, 3)
    watch.wait(lambda one: one.sequences == told)
    watch.close()

    found = page(stack.merchant, page_token=watch.answers[-2].resume_token)
    resumed = Watch(stack.api.port, stack.merchant, resume_token=found.resume_token)

    assert [item.event.sequence for item in found.order_events] == told[2:]
    later = tell(stack, stack.merchant)
    resumed.wait(lambda one: one.sequences == later)
    resumed.close()


def test_log_begins_seven_days_ago(stack: Stack):
    known(stack, stack.merchant, 2)
    stack.clock.advance(8 * DAY_SECONDS)
    told = known(stack, stack.merchant, 2)

    assert sequences_of(stack.merchant) == told


def test_token_that_is_too_old_is_answered_by_the_oldest_one(stack: Stack):
    old = page(stack.merchant).resume_token
    known(stack, stack.merchant)
    stack.clock.advance(7 * DAY_SECONDS + 60)
    told = known(stack, stack.merchant, 2)

    with pytest.raises(OutOfRange) as refused:
        page(stack.merchant, page_token=old)
    watch = Watch(stack.api.port, stack.merchant, resume_token=old)

    assert refused.value.reason == "RESUME_TOKEN_EXPIRED"
    oldest = refused.value.metadata["oldest_token"]
    assert [e.event.sequence for e in page(stack.merchant, page_token=oldest).order_events] == told
    assert watch.ended().name == "OUT_OF_RANGE"
    watch.close()


def test_token_of_a_quiet_reader_stays_young(stack: Stack):
    token = page(stack.merchant).resume_token
    for _ in range(3):
        stack.clock.advance(5 * DAY_SECONDS)
        time.sleep(0.5)  # The reader looks at the clock a few times a second.
        token = page(stack.merchant, page_token=token).resume_token

    told = known(stack, stack.merchant)
    found = page(stack.merchant, page_token=token)
    assert [item.event.sequence for item in found.order_events] == told


def tampered(token: str) -> str:
    raw = bytearray(base64.urlsafe_b64decode(token + "=="))
    raw[-2] ^= 1
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_token_that_is_none_of_this_log_is_invalid(stack: Stack):
    known(stack, stack.merchant)
    own = page(stack.merchant).resume_token
    order = f"{stack.merchant.name}/orders/o1"
    wrong = {
        "garbled": "garbled",
        "no base64": "%%%",
        "tampered": tampered(own),
        "of another merchant": page(stack.other_merchant).resume_token,
        "of a vendor": page(stack.vendor_a).resume_token,
        "of a list": "eyJh",
    }

    reasons = {}
    for kind, token in wrong.items():
        with pytest.raises(InvalidInput) as refused:
            page(stack.merchant, page_token=token)
        reasons[kind] = (refused.value.reason, refused.value.violations[0].field)
        watch = Watch(stack.api.port, stack.merchant, resume_token=token)
        assert watch.ended().name == "INVALID_ARGUMENT"
        watch.close()

    assert reasons == dict.fromkeys(wrong, ("RESUME_TOKEN_INVALID", "page_token"))
    with pytest.raises((InvalidInput, NotFound)):
        page(stack.merchant, page_token=own, orders=[order])


@pytest.mark.parametrize("key", [("x", "y"), (1,), (-1, "o"), (10**30, "o"), (None, [])])
def test_token_that_somebody_made_up_is_invalid(stack: Stack, key: tuple[Any, ...]):
    now_ms = stack.clock.now_ms()
    for role, caller in ((Role.MERCHANT, stack.merchant), (Role.VENDOR, stack.vendor_a)):
        made_up = ResumeTokens(Log(role, caller.id)).write(Cursor(0, key), now_ms)
        watch = Watch(stack.api.port, caller, resume_token=made_up)

        assert watch.ended().name == "INVALID_ARGUMENT"

        watch.close()


def test_token_of_the_future_is_invalid(stack: Stack):
    known(stack, stack.merchant, 3)
    token = page(stack.merchant).resume_token
    with stack.db.transaction():
        stack.db.run("DELETE FROM event")  # As an older copy of the database would look like.
        if not stack.db.is_sqlite:
            stack.db.all("SELECT setval('event_sequence_seq', 1)")

    with pytest.raises(InvalidInput) as refused:
        page(stack.merchant, page_token=token)

    assert refused.value.reason == "RESUME_TOKEN_INVALID"


def test_filter_must_name_what_is_ones_own(stack: Stack):
    wanted = f"{stack.merchant.name}/orders/onowhere"
    with pytest.raises(NotFound) as refused:
        page(stack.merchant, orders=[wanted])

    assert refused.value.metadata["resource"] == wanted


def test_call_that_waits_is_answered_by_news(stack: Stack):
    token = page(stack.merchant).resume_token
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(page, stack.merchant, page_token=token, wait_duration=WAIT)
        time.sleep(0.5)
        is_waiting = not waiting.done()
        tell(stack, stack.other_merchant)
        told = tell(stack, stack.merchant)
        started = time.monotonic()
        found = waiting.result()

    assert is_waiting
    assert time.monotonic() - started < 2.0
    assert [item.event.sequence for item in found.order_events] == told


def test_call_that_waits_in_vain_is_answered_before_its_deadline(stack: Stack):
    token = page(stack.merchant).resume_token
    request = page_request(stack.merchant, page_token=token, wait_duration=WAIT)
    started = time.monotonic()

    found = stack.merchant.client.orders.ListOrderEvents(request, timeout=1.5)

    assert 1.0 < time.monotonic() - started < 1.5
    assert list(found.order_events) == []
    assert found.resume_token


def test_calls_that_wait_hold_no_thread_and_end_when_the_server_stops(stack: Stack):
    api = ApiThread(stack.oms, stack.settings)
    caller = stack.caller(Role.MERCHANT, stack.merchant.id, stack.merchant.secret)
    client = type(caller.client)(f"127.0.0.1:{api.port}", token=caller.secret)
    request = page_request(stack.merchant, wait_duration=WAIT)
    ended: list[Any] = []

    def wait() -> None:
        try:
            ended.append(client.orders.ListOrderEvents(request))
        except FbaliError as error:
            ended.append(error)

    threads = [threading.Thread(target=wait) for _ in range(15)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    started = time.monotonic()
    client.admin.GetServerInfo(GetServerInfoRequest())
    answered = time.monotonic() - started

    api.stop(grace_seconds=10)
    stopped = time.monotonic() - started - answered
    for thread in threads:
        thread.join()
    client.close()

    assert answered < 1.0
    assert stopped < 5.0
    assert [type(one).__name__ for one in ended] == ["ListOrderEventsResponse"] * 15
