"""Orders are placed by hand: previewed, decided about, placed, and answered one by one."""

import json

import grpc
import pytest

from fbali.cli.main import run
from fbali.v1.order_pb2 import PENDING_REASON_HELD, Order, OrderLine
from fbali.v1.order_service_pb2 import (
    ORDER_TAG_PENDING,
    ListOrdersResponse,
    PlaceOrdersResponse,
    PreviewPlacementResponse,
)
from fbali.v1.placement_pb2 import OrderPlacement
from fbali.v1.product_pb2 import Product
from tests.services.command_line import environment_of, run_on_terminal
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import LAMP, MUG, PRODUCT, SHENZHEN, TOKEN, placement
from tests.services.scripted_server import Refusal, ScriptedServer

LANTERN = Product(name=LAMP, title="Paper lantern")
PREVIEWED = PreviewPlacementResponse(placements=[placement()])
UNHOSTED = PreviewPlacementResponse(placements=[placement()], unhosted_products=[PRODUCT, LANTERN])
NOT_FOUND = OrderPlacement(
    order="merchants/m/orders/o2",
    refusal_reason="RESOURCE_NOT_FOUND",
    refusal_message="there is no such order",
)


@pytest.fixture
def server():
    with ScriptedServer(sample_answers(), TOKEN) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN=TOKEN)


def chosen(request):
    return [
        (one.product, one.variant, one.vendor or "done", one.remember) for one in request.choices
    ]


def test_yes_places_with_the_choices_of_the_options(server, environment):
    words = ["--host", "u1=v1", "--host-and-remember", "u2=v2", "--done", "u3", "--yes"]

    assert run(["orders", "place", "o1", *words], environment) == 0

    [request] = server.requests("PlaceOrders")
    assert list(request.orders) == ["merchants/-/orders/o1"]
    assert chosen(request) == [
        ("merchants/-/products/u1", "", "vendors/v1", False),
        ("merchants/-/products/u2", "", "vendors/v2", True),
        ("merchants/-/products/u3", "", "done", False),
    ]
    assert request.request_id


def test_file_of_choices_is_read(server, environment, tmp_path):
    file = tmp_path / "choices.csv"
    file.write_text(
        "\ufeffproduct,variant,action,vendor,remember\n"
        "u1,x1,host,v1,yes\n"
        "u2,,done,,\n"
        "u3,,wait,,no\n"
    )

    assert run(["orders", "place", "o1", "--choices", str(file), "--yes"], environment) == 0

    assert chosen(server.requests("PlaceOrders")[0]) == [
        ("merchants/-/products/u1", "merchants/-/products/u1/variants/x1", "vendors/v1", True),
        ("merchants/-/products/u2", "", "done", False),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("product,what\n", "must begin with product,variant,action,vendor,remember"),
        ("", "it has nothing"),
        ("product,action\nu1,burn\n", "line 2: the action 'burn' is none"),
        ("product,action\nu1,host\n", "line 2: host needs a vendor"),
        ("product,action,vendor\nu1,done,v1\n", "line 2: done takes no vendor"),
        ("product,action,remember\nu1,done,yes\n", "line 2: done cannot be remembered"),
        ("product,action,vendor,remember\nu1,host,v1,perhaps\n", "remember is yes or no"),
        ("product,action\nU 1,done\n", "line 2: 'U 1' is no product"),
        ("product,action\nu1,done\nu1,done\n", "more than one choice for u1"),
        ('product,action\n"u1"x,done\n', "is no CSV file"),
    ],
)
def test_wrong_file_of_choices_is_named_and_nothing_is_asked(
    server, environment, tmp_path, capsys, content, problem
):
    file = tmp_path / "choices.csv"
    file.write_text(content)

    assert run(["orders", "place", "o1", "--choices", str(file), "--yes"], environment) == 2

    assert problem in capsys.readouterr().err
    assert server.calls == []


def test_file_in_another_encoding_is_refused(server, environment, tmp_path, capsys):
    file = tmp_path / "choices.csv"
    file.write_bytes(b"product,action\n\xff\xfe,done\n")

    assert run(["orders", "place", "o1", "--choices", str(file), "--yes"], environment) == 2

    assert "is not written in UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--yes"], "name orders, or say --all-pending"),
        (["o1", "--all-pending", "--yes"], "name orders, or say --all-pending"),
        (["o1"], "nobody can be asked; add --yes to place, or --dry-run to look"),
        (["o1", "--host", "u1", "--yes"], "write PRODUCT=VENDOR"),
        (["o1", "--host", "u1=v1", "--done", "u1", "--yes"], "more than one choice for u1"),
    ],
)
def test_unclear_wish_is_refused_before_any_call(server, environment, capsys, words, problem):
    assert run(["orders", "place", *words], environment) == 2

    assert problem in capsys.readouterr().err
    assert server.calls == []


def test_dry_run_shows_the_plan_and_places_nothing(server, environment, capsys):
    assert run(["orders", "place", "o1", "--dry-run"], environment) == 0

    text = capsys.readouterr().out
    lines = [line.split() for line in text.splitlines()]
    assert "can be placed in part" in text
    assert ["Quoted", "costs:", "12.60", "EUR;", "margin:", "32.10", "EUR"] in lines
    assert "Vendor: Shenzhen Source  1 orders, 3 units, 12.60 EUR" in text
    assert ["1042", "3", "3", "x", "Enamel", "mug", "12.60", "EUR"] in lines
    assert "Gift card holder  no vendor hosts it" in text
    assert "Products that no vendor hosts" in text
    assert server.requests("PlaceOrders") == []


def test_refused_order_is_shown_and_partly_done(server, environment, capsys):
    server.script("PlaceOrders", PlaceOrdersResponse(placements=[placement(), NOT_FOUND]))

    assert run(["orders", "place", "o1", "o2", "--yes"], environment) == 7

    text = capsys.readouterr().out
    assert "placed in part" in text
    assert "refused: there is no such order" in text


def test_all_pending_leaves_held_orders_out(server, environment, capsys):
    waiting = OrderLine(pending_reason=PENDING_REASON_HELD)
    held = Order(name="merchants/m/orders/o2", lines=[waiting])
    free = Order(name="merchants/m/orders/o1")
    server.script("ListOrders", ListOrdersResponse(orders=[held, free]))

    assert run(["orders", "place", "--all-pending", "--yes"], environment) == 0

    assert server.requests("ListOrders")[0].tag == ORDER_TAG_PENDING
    assert list(server.requests("PlaceOrders")[0].orders) == ["merchants/m/orders/o1"]
    assert "1 held orders are left out" in capsys.readouterr().err


def test_no_pending_order_is_no_error(server, environment, capsys):
    server.script("ListOrders", ListOrdersResponse())

    assert run(["orders", "place", "--all-pending", "--yes", "-o", "json"], environment) == 0

    assert json.loads(capsys.readouterr().out) == {"placements": []}
    assert server.requests("PlaceOrders") == []


def test_many_orders_are_previewed_and_placed_in_batches(server, environment, capsys):
    server.script("PreviewPlacement", UNHOSTED)
    names = [f"o{number}" for number in range(501)]

    assert run(["orders", "place", *names, "--dry-run", "-o", "json"], environment) == 0
    preview = json.loads(capsys.readouterr().out)
    assert run(["orders", "place", *names, "--yes"], environment) == 0

    assert [one["name"] for one in preview["unhosted_products"]] == [MUG, LAMP]
    assert [len(one.orders) for one in server.requests("PreviewPlacement")] == [500, 1]
    first, second = server.requests("PlaceOrders")
    assert (len(first.orders), len(second.orders)) == (500, 1)
    assert first.request_id != second.request_id


def test_batch_that_fails_leaves_the_answer_of_those_before(server, environment, capsys):
    refusal = Refusal(grpc.StatusCode.FAILED_PRECONDITION, "it is over", "PARTNERSHIP_INACTIVE")
    server.script("PlaceOrders", PlaceOrdersResponse(placements=[placement()]), refusal)
    names = [f"o{number}" for number in range(501)]

    assert run(["orders", "place", *names, "--yes", "-o", "json"], environment) == 7

    captured = capsys.readouterr()
    assert len(json.loads(captured.out)["placements"]) == 1
    assert json.loads(captured.err)["error"]["reason"] == "PARTNERSHIP_INACTIVE"


def test_products_are_decided_one_by_one_on_a_terminal(server, environment):
    server.script("PreviewPlacement", UNHOSTED, PREVIEWED)

    done = run_on_terminal(
        ["orders", "place", "o1"], environment, columns=120, typed=["1", "y", "D", "y"]
    )

    assert done.exit_code == 0
    assert "1 of 2: Enamel mug (SKU MUG, p01jd9z5zq8k3v6t2r4w7x9y1ag, 2 units wait)" in done.stdout
    assert "  1  Shenzhen Source" in done.stdout
    assert "Place 1 orders with 1 vendors?" in done.stdout
    expected = [(MUG, "", SHENZHEN, True), (LAMP, "", "done", False)]
    assert [chosen(one) for one in server.requests("PreviewPlacement")] == [[], expected]
    assert chosen(server.requests("PlaceOrders")[0]) == expected


@pytest.mark.parametrize("answers", [["", "w"], ["s"]])
def test_products_may_be_left_waiting(server, environment, answers):
    server.script("PreviewPlacement", UNHOSTED)

    done = run_on_terminal(["orders", "place", "o1"], environment, typed=[*answers, "y"])

    assert done.exit_code == 0
    assert len(server.requests("PreviewPlacement")) == 1
    assert chosen(server.requests("PlaceOrders")[0]) == []


def test_saying_no_places_nothing(server, environment):
    server.script("PreviewPlacement", PREVIEWED)

    done = run_on_terminal(["orders", "place", "o1"], environment, typed=["n"])

    assert done.exit_code == 1
    assert "nothing was done" in done.stdout
    assert server.requests("PlaceOrders") == []


def test_nothing_is_asked_when_nothing_can_be_placed(server, environment):
    server.script("PreviewPlacement", PreviewPlacementResponse(placements=[NOT_FOUND]))

    done = run_on_terminal(["orders", "place", "o2"], environment)

    assert done.exit_code == 7
    assert "Nothing of it can be placed" in done.stdout
    assert server.requests("PlaceOrders") == []
