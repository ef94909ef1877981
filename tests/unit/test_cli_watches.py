"""The watches of the command line: told by the server, or asking a server that cannot tell."""

import json
import signal
import subprocess
import time

import grpc
import pytest

from fbali.cli.main import run
from fbali.v1.allocation_pb2 import (
    ALLOCATION_STATE_ACCEPTED,
    ALLOCATION_STATE_CANCELLED,
    ALLOCATION_STATE_SUBMITTED,
)
from fbali.v1.event_pb2 import Event
from fbali.v1.fulfillment_service_pb2 import GetAllocationResponse, ListAllocationsResponse
from fbali.v1.order_pb2 import SHIPPING_STATUS_DELIVERED
from fbali.v1.order_service_pb2 import GetOrderResponse
from fbali.v1.watch_pb2 import (
    AllocationEvent,
    Bookmark,
    OrderEvent,
    WatchAllocationsResponse,
    WatchOrdersResponse,
)
from tests.services.command_line import PROGRAM, environment_of
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import full_order, mug_allocation
from tests.services.scripted_server import Refusal, ScriptedServer, Stream

OLDER = Refusal(grpc.StatusCode.UNIMPLEMENTED, "Method not found!", bare=True)
BUSY = Refusal(grpc.StatusCode.UNAVAILABLE, "busy", "TEMPORARILY_UNAVAILABLE")
MARK = Bookmark()


@pytest.fixture
def server():
    with ScriptedServer(sample_answers()) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN="t")


@pytest.fixture
def fbali(environment, capsys):
    def fbali(*arguments):
        code = run(list(arguments), environment)
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err.splitlines()

    return fbali


def order(status=None):
    found = full_order()
    if status is not None:
        found.shipping_status = status
    return GetOrderResponse(order=found)


def order_news(sequence):
    event = OrderEvent(order=full_order().name, event=Event(sequence=sequence))
    return WatchOrdersResponse(resume_token=f"t{sequence}", event=event)


def part(state, name="vendors/v/allocations/a1"):
    found = mug_allocation()
    found.name, found.state = name, state
    return found


def part_news(sequence, name="vendors/v/allocations/a1"):
    event = AllocationEvent(allocation=name, event=Event(sequence=sequence))
    return WatchAllocationsResponse(resume_token=f"t{sequence}", event=event)


def test_order_is_looked_at_when_the_server_tells(server, fbali):
    server.script("GetOrder", order(), order(), order(SHIPPING_STATUS_DELIVERED))
    mark = WatchOrdersResponse(resume_token="t", bookmark=MARK)
    server.script("WatchOrders", Stream([mark, mark, order_news(1)], stays=True))

    code, lines, _ = fbali("orders", "watch", "o1", "--interval", "9999")

    assert code == 0
    assert lines[-1].endswith("order 1042: exception -> delivered")
    assert len(server.requests("GetOrder")) == 3  # At first, when it is connected, and on news.
    [wanted] = server.requests("WatchOrders")
    assert (wanted.parent, list(wanted.orders)) == ("merchants/-", ["merchants/-/orders/o1"])


def test_older_server_is_asked_instead(server, fbali):
    server.script("GetOrder", order(), order(), order(SHIPPING_STATUS_DELIVERED))
    server.script("WatchOrders", OLDER)

    code, lines, said = fbali("orders", "watch", "o1", "--interval", "1")

    assert (code, said) == (0, [])
    assert lines[-1].endswith("order 1042: exception -> delivered")
    assert len(server.requests("WatchOrders")) == 1


def test_lost_connection_is_said_once(server, fbali):
    server.script(
        "GetOrder", order(), order(), BUSY, BUSY, BUSY, BUSY, order(SHIPPING_STATUS_DELIVERED)
    )
    server.script(
        "WatchOrders", Stream([order_news(1)], BUSY), BUSY, Stream([order_news(2)], stays=True)
    )

    code, lines, said = fbali("orders", "watch", "o1")

    assert code == 0
    assert lines[-1].endswith("-> delivered")
    assert said[0] == "connection lost, trying again: busy"
    assert [request.resume_token for request in server.requests("WatchOrders")] == ["", "t1", "t1"]


def test_vendor_is_told_of_new_and_changed_allocations(server, fbali):
    other = "vendors/v/allocations/a2"
    server.script(
        "ListAllocations", ListAllocationsResponse(allocations=[part(ALLOCATION_STATE_SUBMITTED)])
    )
    server.script(
        "GetAllocation",
        GetAllocationResponse(allocation=part(ALLOCATION_STATE_ACCEPTED)),
        GetAllocationResponse(allocation=part(ALLOCATION_STATE_SUBMITTED, other)),
    )
    mark = WatchAllocationsResponse(resume_token="t", bookmark=MARK)
    news = [mark, part_news(1), part_news(2, other)]
    server.script("WatchAllocations", Stream(news, stays=True))

    code, lines, said = fbali("allocations", "watch", "--stop-after", "2", "-o", "jsonl")

    found = [json.loads(line) for line in lines]
    told = [(one["before"], one["after"]) for one in found if one["subject"] == "allocation"]
    assert (code, said) == (0, [])
    assert told == [
        ("", "waits for the vendor"),
        ("waits for the vendor", "accepted"),
        ("", "waits for the vendor"),
    ]
    assert [one.name for one in server.requests("GetAllocation")] == [part(0).name, other]


def test_vendor_of_an_older_server_sees_also_what_ended(server, fbali):
    listed = ListAllocationsResponse(allocations=[part(ALLOCATION_STATE_SUBMITTED)])
    server.script("ListAllocations", listed, listed, ListAllocationsResponse())
    ended = GetAllocationResponse(allocation=part(ALLOCATION_STATE_CANCELLED))
    server.script("GetAllocation", ended)
    server.script("WatchAllocations", OLDER)

    code, lines, said = fbali("allocations", "watch", "--stop-after", "4", "--interval", "1")

    assert (code, said) == (0, [])
    assert lines[-1].endswith("waits for the vendor -> cancelled")
    assert len(server.requests("GetAllocation")) == 1


def test_one_allocation_can_be_watched(server, fbali):
    server.script(
        "GetAllocation", GetAllocationResponse(allocation=part(ALLOCATION_STATE_ACCEPTED))
    )
    server.script("WatchAllocations", Stream(stays=True))

    code, _, _ = fbali("allocations", "watch", "a1", "--stop-after", "1", "-o", "json")

    [wanted] = server.requests("WatchAllocations")
    assert code == 0
    assert list(wanted.allocations) == ["vendors/-/allocations/a1"]
    assert server.requests("ListAllocations") == []


@pytest.mark.parametrize("words", [["orders", "watch", "o1"], ["allocations", "watch"]])
def test_interrupt_ends_it_cleanly(server, environment, words):
    server.script("WatchOrders", Stream(stays=True))
    server.script("WatchAllocations", Stream(stays=True))
    process = subprocess.Popen(
        [*PROGRAM, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not server.requests("WatchOrders") + server.requests("WatchAllocations"):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, err.strip()) == (130, "interrupted")
    assert out
