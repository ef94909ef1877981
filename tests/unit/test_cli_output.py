"""Every command answers programs as JSON, JSON lines and CSV, with the fields they ask for."""

import csv
import io
import json
import shlex

import pytest

from fbali.cli.main import run
from fbali.v1.order_pb2 import Order
from fbali.v1.order_service_pb2 import ListOrdersResponse
from tests.services.command_line import all_verbs, environment_of
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import TOKEN, listed_orders, money
from tests.services.scripted_server import ScriptedServer

VERBS = all_verbs()
NEEDS_A_SHELL = {"auth login"}
each_verb = pytest.mark.parametrize("words", sorted(VERBS.keys() - NEEDS_A_SHELL))


@pytest.fixture
def server():
    with ScriptedServer(sample_answers(), TOKEN) as server:
        yield server


@pytest.fixture
def environment(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # Examples read and write files.
    (tmp_path / "orders_export.csv").write_text("Name\n")
    return environment_of(
        tmp_path,
        FBALI_SERVER=server.address,
        FBALI_TOKEN=TOKEN,
        FBALI_CONSUMER_KEY="ck_1",
        FBALI_CONSUMER_SECRET="cs_1",
    )


def records(text):
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@each_verb
def test_every_line_is_an_object(words, environment, capsys):
    assert run([*shlex.split(VERBS[words].example)[1:], "-o", "jsonl"], environment) == 0

    captured = capsys.readouterr()
    assert captured.out
    assert all(isinstance(json.loads(line), dict) for line in captured.out.splitlines())
    assert captured.err == ""


@each_verb
def test_csv_has_a_title_for_every_cell(words, environment, capsys):
    if words == "completion":
        pytest.skip("it prints a script")

    assert run([*shlex.split(VERBS[words].example)[1:], "-o", "csv"], environment) == 0

    found = records(capsys.readouterr().out)
    assert len({len(record) for record in found}) == (0 if words == "hosting delete" else 1)


def test_csv_has_the_columns_of_the_piped_table(environment, capsys):
    run(["orders", "list"], environment)
    piped = [line.split("\t") for line in capsys.readouterr().out.splitlines()]

    run(["orders", "list", "-o", "csv"], environment)

    assert records(capsys.readouterr().out) == piped


def test_all_pages_are_written_as_they_come(server, environment, capsys):
    pages = [ListOrdersResponse(orders=[order]) for order in listed_orders()]
    pages[0].next_page_token, pages[1].next_page_token = "second", "third"
    server.script("ListOrders", *pages)

    assert run(["orders", "list", "--all", "-o", "jsonl"], environment) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == ["1043", "1042", "77"]
    tokens = [request.page_token for request in server.requests("ListOrders")]
    assert tokens == ["", "second", "third"]

    server.script("ListOrders", *pages)
    assert run(["orders", "list", "--all", "-o", "csv"], environment) == 0
    assert [record[0] for record in records(capsys.readouterr().out)] == [
        "ORDER",
        "1043",
        "1042",
        "77",
    ]


def test_limit_ends_the_rows_and_says_how_to_go_on(server, environment, capsys):
    page = ListOrdersResponse(orders=listed_orders()[:1], next_page_token="second")
    server.script("ListOrders", page)

    assert run(["orders", "list", "--limit", "1", "-o", "csv"], environment) == 0

    captured = capsys.readouterr()
    assert len(records(captured.out)) == 2
    assert "--page-token second" in captured.err
    assert len(server.requests("ListOrders")) == 1


def test_fields_choose_columns_and_numbers_stay_numbers(server, environment, capsys):
    order = Order(number="=1+1", total=money("USD", -5), customer_name="@eve")
    order.lines.add(sku="A")
    server.script("ListOrders", ListOrdersResponse(orders=[order]))
    fields = "number,total.amount_minor,customer_name,lines.sku,place_time"

    assert run(["orders", "list", "-o", "csv", "--fields", fields], environment) == 0

    assert records(capsys.readouterr().out) == [
        fields.split(","),
        ["'=1+1", "-5", "'@eve", '["A"]', ""],
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["jsonl", "--fields", "number,recipient.region_code"], None),
        (["json", "--fields", "number,recipient.region_code"], "orders"),
    ],
)
def test_fields_prune_json(environment, capsys, arguments, expected):
    assert run(["orders", "list", "-o", *arguments], environment) == 0

    text = capsys.readouterr().out
    first = json.loads(text)[expected][0] if expected else json.loads(text.splitlines()[0])
    assert first == {"number": "1043", "recipient": {"region_code": "US"}}


def test_fields_of_one_thing_are_those_of_the_answer(environment, capsys):
    assert (
        run(["stores", "show", "s0", "-o", "csv", "--fields", "store.base_url"], environment) == 0
    )

    assert records(capsys.readouterr().out)[0][0] == "store.base_url"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("nmae", "'nmae' is no field; Order has: name, store,"),
        ("total.nmae", "'nmae' is no field; Money has: "),
        ("number.x", "'number' has no parts"),
        ("place_time.seconds", "'place_time' has no parts"),
        (",", "--fields names nothing"),
    ],
)
@pytest.mark.parametrize("output", ["csv", "json", "jsonl"])
def test_unknown_field_names_the_allowed_ones(environment, capsys, fields, words, output):
    assert run(["orders", "list", "-o", output, "--fields", fields], environment) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err


def test_fields_need_a_format_that_has_them(environment, capsys):
    assert run(["orders", "list", "--fields", "name"], environment) == 2

    assert "--fields needs -o json, jsonl or csv" in capsys.readouterr().err
