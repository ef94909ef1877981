"""`fbali orders watch` tells every change once and ends where it was asked to."""

import json
from collections.abc import Iterator

import pytest

from fbali.cli.changes import Change, changes_between
from fbali.cli.main import run
from fbali.cli.news import OUTAGE_SECONDS_MAX, Outage, Watcher
from fbali.cli.order_watching import states_in
from fbali.cli.sync_following import Patience
from fbali.errors import Unavailable
from fbali.v1.order_pb2 import (
    ADMISSION_CANCELLED,
    SHIPPING_STATUS_DELIVERED,
    SHIPPING_STATUS_IN_TRANSIT,
)
from fbali.v1.order_service_pb2 import GetOrderResponse
from fbali.v1.package_pb2 import EXCEPTION_REASON_UNSPECIFIED, PACKAGE_STATE_DELIVERED
from tests.services.command_line import environment_of
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import full_order
from tests.services.scripted_server import ScriptedServer


class Clock:
    def __init__(self):
        self.now = 0.0

    def sleep(self, seconds):
        self.now += seconds

    def patience(self, seconds_max):
        return Patience(seconds_max, lambda: self.now, self.sleep)


@pytest.fixture
def server():
    with ScriptedServer(sample_answers()) as server:
        yield server


@pytest.fixture
def watch(server, tmp_path, capsys):
    environment = environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN="t")

    def watch(*arguments):
        code = run(["orders", "watch", "o1", "--interval", "1", *arguments], environment)
        return code, capsys.readouterr().out

    return watch


def delivered_order():
    order = full_order()
    order.shipping_status = SHIPPING_STATUS_DELIVERED
    package = order.allocations[1].packages[0]
    package.state, package.exception_reason = PACKAGE_STATE_DELIVERED, EXCEPTION_REASON_UNSPECIFIED
    return order


def test_changes_are_told_with_what_was_before():
    number = full_order().allocations[1].packages[0].tracking_number

    changes = changes_between(states_in(full_order()), states_in(delivered_order()))

    assert changes[0] == Change("order", "1042", "exception", "delivered")
    assert [(one.subject, one.before, one.after) for one in changes[1:]] == [
        ("parcel", "exception: customs", "delivered")
    ]
    assert changes[1].name.startswith(number)
    assert changes_between(*[states_in(delivered_order())] * 2) == []


def test_lines_are_written_until_it_is_delivered(server, watch):
    first, last = (GetOrderResponse(order=one()) for one in (full_order, delivered_order))
    server.script("GetOrder", first, last)

    code, text = watch("--exit-status")

    assert code == 0
    assert len(server.requests("GetOrder")) == 2
    assert text.splitlines()[0].endswith("  order 1042: exception")
    assert text.splitlines()[-2].endswith("  order 1042: exception -> delivered")
    assert text.splitlines()[-1].endswith(": exception: customs -> delivered")


@pytest.mark.parametrize(("options", "expected"), [((), 0), (("--exit-status",), 1)])
def test_order_that_ends_otherwise_ends_the_watch(server, watch, options, expected):
    order = full_order()
    order.admission = ADMISSION_CANCELLED
    server.script("GetOrder", GetOrderResponse(order=order))

    assert watch(*options)[0] == expected


def test_being_farther_is_enough(server, watch):
    order = full_order()
    order.shipping_status = SHIPPING_STATUS_IN_TRANSIT
    server.script("GetOrder", GetOrderResponse(order=order))

    assert watch("--until", "processing", "--exit-status")[0] == 0


def test_programs_get_an_object_for_each_change(watch):
    code, text = watch("--until", "exception", "-o", "jsonl")

    changes = [json.loads(line) for line in text.splitlines()]
    assert code == 0
    assert changes[0].keys() == {"time", "subject", "name", "before", "after"}
    assert (changes[0]["subject"], changes[0]["after"]) == ("order", "exception")


def script(*outcomes):
    """Give or raise one after the other, the last one for ever."""
    left: Iterator[object] = iter(outcomes[:-1])

    def get_order(_event):
        outcome = next(left, outcomes[-1])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return get_order


def test_short_outage_is_told_and_survived():
    said: list[str] = []
    get_order = script(full_order(), Unavailable("away"), full_order())

    found = list(Watcher(Clock().patience(30), 10, Outage(said.append)).asked(get_order))

    assert len(found) == 3
    assert said == ["connection lost, trying again: away"]


def test_long_outage_ends_the_watch():
    clock, get_order = Clock(), script(Unavailable("away"))

    with pytest.raises(Unavailable):
        list(Watcher(clock.patience(1e6), 60, Outage(lambda _: None)).asked(get_order))

    assert clock.now == OUTAGE_SECONDS_MAX + 60
