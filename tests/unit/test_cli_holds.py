"""Orders are held, released and cancelled; vendors answer; what came of it is shown."""

import json

import grpc
import pytest

from fbali.cli.main import run
from fbali.cli.plain_rendering import render_plain
from fbali.cli.views.allocation_blocks import allocation_document
from fbali.cli.views.order_detail import order_document
from fbali.v1.allocation_pb2 import ALLOCATION_STATE_CANCELLATION_REQUESTED
from fbali.v1.hold_pb2 import HOLD_REASON_ADDRESS, HOLD_REASON_FRAUD_RISK, Hold, OrderResult
from fbali.v1.order_pb2 import PENDING_REASON_HELD
from fbali.v1.order_service_pb2 import HoldOrdersResponse
from tests.services.command_line import environment_of, run_on_terminal
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import (
    DAY,
    HOUR,
    MERCHANT,
    ORDER,
    TOKEN,
    at,
    full_order,
    mug_allocation,
)
from tests.services.scripted_server import Refusal, ScriptedServer


@pytest.fixture
def server():
    with ScriptedServer(sample_answers(), TOKEN) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN=TOKEN)


def all_held(request):
    return HoldOrdersResponse(results=[OrderResult(order=name) for name in request.orders])


def test_hold_says_why_and_until_when(server, environment):
    words = ["orders", "hold", "o1", "o2", "o1", "--reason", "fraud-risk"]

    code = run([*words, "--note", "odd card", "--until", "2026-12-01T12:00"], environment)

    [request] = server.requests("HoldOrders")
    assert code == 0
    assert list(request.orders) == ["merchants/-/orders/o1", "merchants/-/orders/o2"]
    assert (request.reason, request.note) == (HOLD_REASON_FRAUD_RISK, "odd card")
    assert request.HasField("expire_time")
    assert request.request_id


def test_refused_order_is_shown_and_partly_done(server, environment, capsys):
    refused = OrderResult(order="merchants/m/orders/o2", refusal_reason="RESOURCE_NOT_FOUND")
    server.script(
        "HoldOrders",
        HoldOrdersResponse(results=[OrderResult(order="merchants/m/orders/o1"), refused]),
    )

    code = run(["orders", "hold", "o1", "o2", "--reason", "merchant"], environment)

    assert code == 7
    assert capsys.readouterr().out.splitlines() == [
        "ID\tRESULT",
        "o1\theld",
        "o2\trefused: resource not found",
    ]


def test_many_orders_are_held_in_batches(server, environment, capsys):
    server.script("HoldOrders", all_held)
    names = [f"o{number}" for number in range(501)]

    code = run(["orders", "hold", *names, "--reason", "merchant", "-o", "json"], environment)

    assert code == 0
    assert [len(one.orders) for one in server.requests("HoldOrders")] == [500, 1]
    assert len(json.loads(capsys.readouterr().out)["results"]) == 501


def test_error_after_the_first_batch_keeps_what_was_done(server, environment, capsys):
    refusal = Refusal(grpc.StatusCode.INTERNAL, "it broke", "INTERNAL", request_id="r1")
    server.script("HoldOrders", all_held, refusal)
    names = [f"o{number}" for number in range(501)]

    code = run(["orders", "hold", *names, "--reason", "merchant"], environment)

    captured = capsys.readouterr()
    assert code == 7
    assert len(captured.out.splitlines()) == 501
    assert captured.err.startswith("error: it broke")


def test_release_without_a_reason_releases_all_holds(server, environment):
    assert run(["orders", "release", "o1"], environment) == 0
    assert run(["orders", "release", "o1", "--reason", "address"], environment) == 0

    reasons = [one.reason for one in server.requests("ReleaseOrders")]
    assert reasons == [0, HOLD_REASON_ADDRESS]


def test_cancelling_is_asked_about_the_order_as_it_was_seen(server, environment):
    done = run_on_terminal(["orders", "cancel", "o1", "--note", "gone"], environment, typed=["y"])

    [request] = server.requests("CancelOrder")
    assert done.exit_code == 0
    assert "Cancel order 1042 (1 units are with vendors, 3 in parcels go on)?" in done.stdout
    assert (request.name, request.note) == ("merchants/-/orders/o1", "gone")
    assert request.etag == "o-7"


def test_cancelling_with_yes_takes_the_order_as_it_is(server, environment):
    assert run(["orders", "cancel", "o1", "--yes"], environment) == 0

    assert server.requests("GetOrder") == []
    assert server.requests("CancelOrder")[0].etag == ""


def test_cancelling_in_a_script_needs_yes(server, environment, capsys):
    assert run(["orders", "cancel", "o1", "--no-input"], environment) == 2

    assert "Add --yes" in capsys.readouterr().err
    assert server.requests("CancelOrder") == []


@pytest.mark.parametrize(("flag", "agreed"), [("--agree", True), ("--refuse", False)])
def test_vendor_answers_a_cancellation(server, environment, flag, agreed):
    words = ["allocations", "answer-cancellation", "a1", flag, "--note", "in print"]

    assert run(words, environment) == 0

    [request] = server.requests("AnswerCancellation")
    assert (request.name, request.agreed) == ("vendors/-/allocations/a1", agreed)
    assert request.note == "in print"


def test_vendor_must_say_which_answer(server, environment, capsys):
    assert run(["allocations", "answer-cancellation", "a1"], environment) == 2

    assert "say --agree or --refuse" in capsys.readouterr().err
    assert server.requests("AnswerCancellation") == []


def test_order_shows_its_holds_and_when_it_was_cancelled():
    order = full_order()
    order.lines[2].pending_reason = PENDING_REASON_HELD
    order.cancel_time.CopyFrom(at(-HOUR))
    order.holds.extend(
        [
            Hold(reason=HOLD_REASON_ADDRESS, owner=MERCHANT, note="no number", create_time=at(0)),
            Hold(
                reason=HOLD_REASON_FRAUD_RISK,
                owner="system",
                expire_time=at(DAY),
                create_time=at(0),
            ),
        ]
    )

    text = render_plain(order_document(order))

    address, fraud = [line.split("  ") for line in text.splitlines() if "  2026-11-23" in line][1:3]
    assert "Cancelled" in text
    assert "the address is to be checked" in " ".join(address)
    assert [cell for cell in address if cell][-2:] == ["merchant", "no number"]
    assert "it may be fraud" in " ".join(fraud)
    assert "Gift card holder: the order is held" in text
    assert f"fbali orders release {ORDER.rpartition('/')[2]}" in text


def test_order_without_holds_says_nothing_of_them():
    assert "Holds" not in render_plain(order_document(full_order()))


def test_allocation_shows_what_is_asked_back_until_when_and_the_changed_address():
    allocation = mug_allocation()
    allocation.state = ALLOCATION_STATE_CANCELLATION_REQUESTED
    allocation.cancellation_deadline_time.CopyFrom(at(DAY))
    allocation.address_change_time.CopyFrom(at(-HOUR))
    allocation.lines[0].cancellation_quantity = 1

    text = render_plain(allocation_document(allocation))

    assert "Answer cancellation before  2026-11-24" in text
    assert "Address changed             2026-11-23" in text
    assert "ASKED BACK" in text
    assert "answer-cancellation a01jd9z5zq8k3v6t2r4w7x9y1aj --agree, or --refuse" in text
    assert "The address changed after you accepted" in text
    assert "ASKED BACK" not in render_plain(allocation_document(mug_allocation()))
