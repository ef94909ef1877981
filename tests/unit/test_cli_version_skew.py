"""Every command gets along with a server one minor version newer or older."""

import json
import shlex

import grpc
import pytest

from fbali import Client, errors
from fbali.cli.main import run
from fbali.v1.order_pb2 import Order
from fbali.v1.order_service_pb2 import GetOrderRequest, GetOrderResponse
from tests.services.command_line import all_verbs, environment_of, lay_out_files
from tests.services.newer_server import UNKNOWN_FIELD, UNKNOWN_NUMBER, answers_of, newer, older
from tests.services.sample_answers import sample_answers
from tests.services.sample_shop import full_order
from tests.services.scripted_server import Refusal, ScriptedServer

VERBS = all_verbs()
OFFLINE = {words for words in VERBS if words.split()[0] in {"help", "completion"}}
OFFLINE |= {"auth login", "auth logout"}
ONLINE = sorted(VERBS.keys() - OFFLINE)
UNKNOWN = f"unknown ({UNKNOWN_NUMBER})"
QUIET = {"hosting explain", "tokens issue"}  # They show nothing but the choice, and the secret.
UNKNOWN_METHOD = Refusal(grpc.StatusCode.UNIMPLEMENTED, "Method not found!", bare=True)

# Where a command cannot go on without what it is not told, it says what is missing.
NO_STORE = "no connected store can be synced"
SAID_OF_NEWER = {"sync": (1, NO_STORE)}
SAID_OF_OLDER = {
    "aftersales open": (2, "names no line of this order"),
    "partnerships accept": (1, "only vendors accept invitations"),
    "stores test": (1, "The store does not work"),
    "sync": (1, NO_STORE),
}


@pytest.fixture(scope="module")
def newer_server():
    with ScriptedServer(answers_of(newer, sample_answers())) as server:
        yield server


@pytest.fixture(scope="module")
def older_server():
    with ScriptedServer(answers_of(older, sample_answers())) as server:
        yield server


@pytest.fixture(scope="module")
def ignorant_server():
    with ScriptedServer(dict.fromkeys(sample_answers(), UNKNOWN_METHOD)) as server:
        yield server


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lay_out_files(tmp_path)
    common = {"FBALI_CONSUMER_KEY": "ck_1", "FBALI_CONSUMER_SECRET": "cs_1", "FBALI_TOKEN": "t"}

    def command(server, words, *options):
        environment = environment_of(tmp_path, FBALI_SERVER=server.address, **common)
        code = run([*shlex.split(VERBS[words].example)[1:], *options], environment)
        return code, capsys.readouterr()

    return command


def is_as_said(code, captured, said):
    expected, words = said
    text = captured.out + captured.err
    return code == expected and words in text and "an error of fbali itself" not in text


@pytest.mark.parametrize("words", ONLINE)
def test_what_a_newer_server_says_is_shown(newer_server, command, words):
    code, captured = command(newer_server, words)
    _, document = command(newer_server, words, "-o", "json")

    assert is_as_said(code, captured, SAID_OF_NEWER.get(words, (0, "")))
    has_unknown = f": {UNKNOWN_NUMBER}" in document.out or f" {UNKNOWN_NUMBER}\n" in document.out
    assert has_unknown == (UNKNOWN in captured.out) or words in QUIET


@pytest.mark.parametrize("output", ["json", "jsonl", "csv"])
@pytest.mark.parametrize("words", ONLINE)
def test_programs_get_what_a_newer_server_says(newer_server, command, words, output):
    code, captured = command(newer_server, words, "-o", output)

    assert is_as_said(code, captured, SAID_OF_NEWER.get(words, (0, "")))
    if output == "json" and code == 0:
        assert isinstance(json.loads(captured.out), dict)


@pytest.mark.parametrize("words", ONLINE)
def test_what_an_older_server_does_not_say_is_left_out(older_server, command, words):
    code, captured = command(older_server, words)

    assert is_as_said(code, captured, SAID_OF_OLDER.get(words, (0, "")))


@pytest.mark.parametrize("words", ONLINE)
def test_command_that_the_server_does_not_know_says_so(ignorant_server, command, words):
    code, captured = command(ignorant_server, words)

    assert is_as_said(code, captured, (1, "does not know this call: it is of another version"))


def test_what_is_not_known_travels_on_through_the_client(newer_server):
    with Client(newer_server.address) as client:
        order = client.orders.GetOrder(GetOrderRequest()).order

    assert order.shipping_status == UNKNOWN_NUMBER
    assert UNKNOWN_FIELD in Order.FromString(order.SerializeToString()).SerializeToString()


@pytest.mark.parametrize(
    ("code", "family"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, errors.Refused),
        (grpc.StatusCode.OUT_OF_RANGE, errors.OutOfRange),
        (grpc.StatusCode.DATA_LOSS, errors.ServerError),
    ],
)
def test_reason_that_is_not_known_keeps_its_family_and_words(code, family):
    refusal = Refusal(code, "the moon is full", "MOON_FULL", {"phase": "4"}, request_id="r1")
    with (
        ScriptedServer({"GetOrder": refusal}) as server,
        Client(server.address) as client,
        pytest.raises(errors.FbaliError) as refused,
    ):
        client.orders.GetOrder(GetOrderRequest())

    error = refused.value
    assert type(error) is family
    assert (error.message, error.reason, error.metadata) == (
        "the moon is full",
        "MOON_FULL",
        {"phase": "4"},
    )


def test_reason_whose_code_has_changed_is_of_the_family_of_the_code():
    refusal = Refusal(grpc.StatusCode.FAILED_PRECONDITION, "old", "RESUME_TOKEN_EXPIRED")
    with (
        ScriptedServer({"GetOrder": refusal}) as server,
        Client(server.address) as client,
        pytest.raises(errors.Refused),
    ):
        client.orders.GetOrder(GetOrderRequest())


def test_samples_are_changed_throughout():
    order = GetOrderResponse(order=full_order())

    changed, aged = newer(order).order, older(order).order

    assert {one.state for one in changed.allocations} == {UNKNOWN_NUMBER}
    assert changed.allocations[1].packages[0].state == UNKNOWN_NUMBER
    assert UNKNOWN_FIELD in changed.allocations[1].packages[0].SerializeToString()
    assert (aged.name, aged.number, len(aged.lines)) == (
        order.order.name,
        "",
        len(order.order.lines),
    )
