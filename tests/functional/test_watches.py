"""What watches tell: everything of one's own, in order, from where one was; and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fbali.v1.allocation_pb2 import REJECT_REASON_OUT_OF_STOCK
from fbali.v1.fulfillment_service_pb2 import AcceptAllocationRequest, RejectAllocationRequest
from oms.domain.principals import Role
from oms.storage.event_log import VENDOR_DETAILS
from server.app import ApiThread
from server.streams import StreamLimits, WatchLimits
from tests.functional.estate import Estate, allocations_of, orders_of, settle
from tests.functional.watchers import Watch, caught_up, sequences, tell, watching, whole_log
from tests.services.stack import Caller, Stack, wait_for

Open = Callable[..., Watch]


@pytest.fixture
def opened(stack: Stack) -> Iterator[Open]:
    """Open watches, wait for their initial state, and close them in the end."""
    made: list[Watch] = []

    def open_watch(caller: Caller, *, port: int = 0, **fields: Any) -> Watch:
        make = Watch if "resume_token" in fields else watching
        made.append(make(port or stack.api.port, caller, **fields))
        return made[-1]

    yield open_watch
    for watch in made:
        watch.close()


def served(stack: Stack, **limits: Any) -> int:
    """Start one more server with other limits of watches."""
    limits_ = StreamLimits(watches=WatchLimits(**limits))
    api = ApiThread(stack.oms, stack.settings, limits_)
    stack._closing.callback(api.stop)
    return api.port


def test_day_of_work_is_told_to_whom_it_concerns_in_order(stack: Stack, opened: Open):
    callers = (stack.merchant, stack.vendor_a, stack.other_merchant, stack.other_vendor)
    merchant, vendor, *strangers = [opened(caller) for caller in callers]

    settle(stack, stack.merchant, stack.vendor_a)

    of_merchant = sequences(stack, "merchant_id = ?", stack.merchant.id)
    of_vendor = sequences(stack, "subject LIKE ?", f"{stack.vendor_a.name}/%")
    assert len(of_merchant) > len(of_vendor) > 10
    merchant.wait(lambda watch: watch.sequences == of_merchant)
    vendor.wait(lambda watch: watch.sequences == of_vendor)
    later = [tell(stack, caller) for caller in callers[2:]]
    for stranger, told in zip(strangers, later, strict=True):
        stranger.wait(lambda watch: watch.events)
        assert stranger.sequences == told


def test_event_names_its_order_and_its_allocation(stack: Stack, opened: Open, estate: Estate):
    caught_up(stack, stack.merchant)
    merchant, vendor = opened(stack.merchant), opened(stack.vendor_a)

    stack.vendor_a.call(AcceptAllocationRequest(name=estate.submitted))

    merchant.wait(lambda watch: watch.events)
    vendor.wait(lambda watch: watch.events)
    [part] = [one for one in allocations_of(stack.vendor_a) if one.name == estate.submitted]
    assert merchant.events[0].event == vendor.events[0].event
    assert merchant.events[0].event.kind == "allocation.accepted"
    assert merchant.events[0].event.actor == stack.vendor_a.name
    assert dict(vendor.events[0].event.details) == {"before": "SUBMITTED", "after": "ACCEPTED"}
    assert (merchant.events[0].order, vendor.events[0].allocation) == (part.order, part.name)


def test_vendor_learns_nothing_of_other_vendors(stack: Stack, estate: Estate):
    with stack.db.transaction():
        stack.db.run("UPDATE event SET actor = ? WHERE kind LIKE 'allocation%'", "vendors/v0other")

    log = whole_log(stack.vendor_a)

    actors = {item.event.actor for item in log}
    details = {key for item in log for key in item.event.details}
    assert actors <= {stack.vendor_a.name, stack.merchant.name, "system", "carrier", "operator"}
    assert details <= VENDOR_DETAILS
    assert {item.event.subject.split("/")[1] for item in log} == {stack.vendor_a.id}
    assert "vendors/v0other" in {item.event.actor for item in whole_log(stack.merchant)}


def test_initial_state_is_what_is_not_finished(stack: Stack, opened: Open, estate: Estate):
    caught_up(stack, stack.merchant)
    merchant, vendor = opened(stack.merchant), opened(stack.vendor_a)

    orders = [answer.order for answer in merchant.answers if answer.HasField("order")]
    parts = [answer.allocation for answer in vendor.answers if answer.HasField("allocation")]

    unfinished = [
        order
        for order in orders_of(stack.merchant, page_size=500)
        if order.shipping_status and order.shipping_status != 5  # DELIVERED.
    ]
    assert sorted(orders, key=lambda one: one.name) == sorted(unfinished, key=lambda one: one.name)
    live = [
        part for part in allocations_of(stack.vendor_a, page_size=500) if part.state in (1, 2, 3)
    ]
    assert len(parts) > 0
    assert {part.name for part in parts} == {part.name for part in live}
    assert merchant.contents[-1] == vendor.contents[-1] == "initial_state_complete"


def test_initial_state_that_broke_off_goes_on_where_it_was(
    stack: Stack, opened: Open, estate: Estate
):
    for caller in (stack.merchant, stack.vendor_a):
        port = served(stack, states_at_once=1)
        caught_up(stack, caller)
        whole = opened(caller, port=port)
        state = whole.contents.index("initial_state_complete")
        field = "order" if caller.role == Role.MERCHANT else "allocation"
        names = [getattr(answer, field).name for answer in whole.answers[:state]]
        told = tell(stack, caller)

        rest = opened(caller, resume_token=whole.answers[0].resume_token)

        rest.wait(lambda watch: watch.events)
        assert [getattr(answer, field).name for answer in rest.answers[:-2]] == names[1:]
        assert rest.contents[-2:] == ["initial_state_complete", "event"]
        assert rest.sequences == told


def test_what_happens_while_the_initial_state_is_sent_is_told_after_it(
    stack: Stack, opened: Open, estate: Estate
):
    port = served(stack, states_at_once=1)
    before = opened(stack.vendor_a, port=port).answers[0].resume_token
    stack.vendor_a.call(
        RejectAllocationRequest(
            name=estate.submitted, reject_reason=REJECT_REASON_OUT_OF_STOCK, note="none left"
        )
    )

    watch = opened(stack.vendor_a, resume_token=before)

    watch.wait(lambda one: one.events)
    assert watch.events[0].event.kind == "allocation.rejected"
    assert estate.submitted not in [answer.allocation.name for answer in watch.answers]


def test_watch_goes_on_where_another_one_ended(stack: Stack, opened: Open):
    first = opened(stack.merchant)
    told = tell(stack, stack.merchant, 3)
    first.wait(lambda watch: watch.sequences == told)
    first.close()
    missed = tell(stack, stack.merchant, 2)

    tokens = [answer.resume_token for answer in first.answers]
    second = opened(stack.merchant, resume_token=tokens[-1], port=stack.serve(stack.oms))
    third = opened(stack.merchant, resume_token=tokens[-2])

    second.wait(lambda watch: watch.sequences == missed)
    third.wait(lambda watch: watch.sequences == [told[-1], *missed])
    later = tell(stack, stack.merchant)
    second.wait(lambda watch: watch.sequences == missed + later)


def test_filter_tells_of_these_alone(stack: Stack, opened: Open, estate: Estate):
    caught_up(stack, stack.merchant)
    wanted, other = estate.order, estate.waiting
    watch = opened(stack.merchant, orders=[wanted])
    for name in (other, wanted, other):
        tell(stack, stack.merchant, thing=name.split("/o")[-1])

    watch.wait(lambda one: one.events)

    assert [event.order for event in watch.events] == [wanted]
    with_bookmark = opened(stack.merchant, orders=[wanted], bookmark_interval={"seconds": 1})
    with_bookmark.wait(lambda one: "bookmark" in one.contents)
    assert with_bookmark.events == []


def test_watch_that_is_too_slow_for_its_buffer_loses_nothing(stack: Stack, opened: Open):
    port = served(stack, buffered_events_max=2, events_at_once=3)
    watch = opened(stack.merchant, port=port)

    told = [number for _ in range(20) for number in tell(stack, stack.merchant, 20)]

    watch.wait(lambda one: len(one.events) >= len(told))
    assert watch.sequences == told


def test_quiet_watch_gets_bookmarks_whose_tokens_move_on(stack: Stack, opened: Open):
    watch = opened(stack.merchant, bookmark_interval={"seconds": 1})
    tell(stack, stack.other_merchant)

    watch.wait(lambda one: one.contents.count("bookmark") >= 2)

    told = tell(stack, stack.merchant)
    resumed = opened(stack.merchant, resume_token=watch.token)
    resumed.wait(lambda one: one.sequences == told)


def test_idle_watches_ask_the_database_nothing(stack: Stack, opened: Open):
    port = served(stack, watches_per_caller_max=60, token_check_seconds=1.0)
    for _ in range(50):
        opened(stack.merchant, port=port, bookmark_interval={"seconds": 1})
    statements: list[str] = []
    stack.db.on_statement = statements.append

    assert wait_for(lambda: sum("FROM token WHERE id IN" in sql for sql in statements) >= 3)
    stack.db.on_statement = None

    # One statement a second for all tokens, and those of the server's health.
    others = [sql for sql in statements if "FROM token" not in sql]
    assert len(statements) - len(others) < 6
    assert not [sql for sql in others if "event" in sql or "orders" in sql]
