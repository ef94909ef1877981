"""Every refusal of a server becomes its exception, its exit code and one line that helps."""

import json
import time
from dataclasses import dataclass

import grpc
import pytest

from fbali import errors
from fbali.calls import CallPolicy
from fbali.cli.exit_codes import _BY_FAMILY, MEANINGS, ExitCode
from fbali.cli.main import run
from fbali.client import Client
from fbali.v1.order_service_pb2 import GetOrderRequest
from tests.services.command_line import environment_of
from tests.services.sample_answers import sample_answers
from tests.services.scripted_server import Refusal, ScriptedServer

Code = grpc.StatusCode


@dataclass(frozen=True)
class Case:
    refusal: Refusal
    family: type[errors.FbaliError]
    exit_code: int
    line: str


CASES = [
    (
        Refusal(
            Code.INVALID_ARGUMENT, "invalid request", "INVALID_FIELD", {}, [("name", "is odd")]
        ),
        errors.InvalidInput,
        2,
        "error: invalid request: name: is odd",
    ),
    (
        Refusal(Code.UNAUTHENTICATED, "the token was revoked", "TOKEN_INVALID"),
        errors.Unauthenticated,
        4,
        "error: the token was revoked; run: fbali auth login",
    ),
    (
        Refusal(Code.PERMISSION_DENIED, "a vendor may not", "ROLE_NOT_ALLOWED", {"role": "vendor"}),
        errors.PermissionDenied,
        4,
        (
            "error: a vendor may not; see who you are with: fbali auth status; or choose another"
            " --profile"
        ),
    ),
    (
        Refusal(
            Code.NOT_FOUND,
            "o1 was not found",
            "RESOURCE_NOT_FOUND",
            {"resource": "merchants/m/orders/o1"},
        ),
        errors.NotFound,
        3,
        "error: o1 was not found; see what there is with: fbali orders list --all",
    ),
    (
        Refusal(Code.ALREADY_EXISTS, "it exists", "RESOURCE_ALREADY_EXISTS", {"resource": "x"}),
        errors.AlreadyExists,
        5,
        "error: it exists",
    ),
    (
        Refusal(Code.FAILED_PRECONDITION, "the store is off", "STORE_DISCONNECTED", {"store": "s"}),
        errors.Refused,
        5,
        (
            "error: the store is off; connect it again with: fbali stores update STORE"
            " --new-credentials"
        ),
    ),
    (
        Refusal(Code.ABORTED, "it changed", "ETAG_MISMATCH", {"current_etag": "2"}),
        errors.Conflict,
        5,
        (
            "error: it changed; somebody else changed it meanwhile: look at it again and repeat the"
            " command"
        ),
    ),
    (
        Refusal(Code.RESOURCE_EXHAUSTED, "too much", "LIMIT_EXCEEDED", retry_after_seconds=30),
        errors.LimitExceeded,
        6,
        "error: too much; try again in 30 s",
    ),
    (
        Refusal(Code.UNAVAILABLE, "busy", "TEMPORARILY_UNAVAILABLE", retry_after_seconds=100),
        errors.Unavailable,
        6,
        "error: busy; try again in 100 s",
    ),
    (
        Refusal(Code.UNAVAILABLE, "no answer: check the address", "GATEWAY_UNREACHABLE"),
        errors.Unavailable,
        6,
        "error: no answer: check the address",
    ),
    (
        Refusal(Code.FAILED_PRECONDITION, "the store refused it", "GATEWAY_CREDENTIALS_REFUSED"),
        errors.Refused,
        5,
        "error: the store refused it",
    ),
    (
        Refusal(Code.INTERNAL, "an error of ours", "INTERNAL", request_id="req-7"),
        errors.ServerError,
        1,
        "error: an error of ours; tell the operator this request id: req-7",
    ),
    (
        Refusal(Code.DATA_LOSS, "gone", "FROM_A_NEWER_SERVER"),
        errors.ServerError,
        1,
        "error: gone",
    ),
    (
        Refusal(Code.DEADLINE_EXCEEDED, "slow", bare=True),
        errors.DeadlineExceeded,
        6,
        (
            "error: the server at {address} did not answer in time; look whether it was done before"
            " you repeat it"
        ),
    ),
]
each_case = pytest.mark.parametrize(
    "case", [pytest.param(Case(*case), id=case[0].reason or case[0].code.name) for case in CASES]
)


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(sample_answers()) as server:
        yield server


def environment(server, tmp_path):
    return environment_of(tmp_path, FBALI_SERVER=server.address, FBALI_TOKEN="t")


@each_case
def test_exception_holds_what_the_server_said(server, case):
    refusal = case.refusal
    server.script("GetOrder", refusal)

    with Client(server.address) as client, pytest.raises(case.family) as caught:
        client.orders.GetOrder(GetOrderRequest(name="merchants/-/orders/o1"))

    error = caught.value
    assert type(error) is case.family
    if not refusal.bare:
        assert error.message == refusal.message
    assert error.reason == refusal.reason
    assert error.metadata == refusal.metadata
    assert [(one.field, one.description) for one in error.violations] == list(refusal.violations)
    assert error.retry_after_seconds == refusal.retry_after_seconds
    assert error.request_id == refusal.request_id


@each_case
def test_command_ends_with_one_helpful_line(server, tmp_path, capsys, case):
    server.script("GetOrder", case.refusal)

    assert run(["orders", "show", "o1"], environment(server, tmp_path)) == case.exit_code

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == case.line.format(address=server.address) + "\n"


@each_case
def test_programs_get_an_error_object(server, tmp_path, capsys, case):
    refusal = case.refusal
    server.script("GetOrder", refusal)
    arguments = ["orders", "show", "o1", "-o", "json"]

    assert run(arguments, environment(server, tmp_path)) == case.exit_code

    captured = capsys.readouterr()
    error = json.loads(captured.err)["error"]
    assert captured.out == ""
    assert (error["family"], error["exit_code"]) == (case.family.__name__, case.exit_code)
    assert error["reason"] == refusal.reason
    assert error["metadata"] == refusal.metadata
    assert error["request_id"] == refusal.request_id


def test_reasons_of_other_domains_are_not_taken_for_ours(server):
    server.script("GetOrder", Refusal(Code.NOT_FOUND, reason="SERVICE_DISABLED", domain="proxy"))

    with Client(server.address) as client, pytest.raises(errors.NotFound) as caught:
        client.orders.GetOrder(GetOrderRequest())

    assert caught.value.reason == ""


def test_unreachable_server_is_told_from_a_busy_one(tmp_path, capsys):
    settings = environment_of(tmp_path, FBALI_SERVER="127.0.0.1:1", FBALI_TOKEN="t")

    assert run(["orders", "show", "o1"], settings) == ExitCode.UNAVAILABLE

    line = capsys.readouterr().err
    assert line.startswith("error: cannot reach the server at 127.0.0.1:1: ")
    assert "Connection refused" in line
    assert line.endswith("; is it running there? choose another one with --server\n")


def test_control_characters_of_a_message_are_shown_as_escapes(server, tmp_path, capsys):
    server.script("GetOrder", Refusal(Code.NOT_FOUND, "no \x1b[2J\u202eorder"))

    run(["orders", "show", "o1"], environment(server, tmp_path))

    assert capsys.readouterr().err == "error: no \\x1b[2J\\u202eorder\n"


def test_other_machine_is_not_spoken_to_in_clear_text(tmp_path, capsys):
    settings = environment_of(tmp_path, FBALI_SERVER="shop.example:7443", FBALI_TOKEN="t")

    assert run(["auth", "status"], settings) == ExitCode.USAGE

    assert capsys.readouterr().err == (
        "error: shop.example:7443 is another machine and the connection would not be encrypted;"
        " write https://shop.example:7443\n"
    )


def test_every_family_has_an_exit_code_and_every_code_a_meaning():
    families = {
        family
        for family in vars(errors).values()
        if isinstance(family, type) and issubclass(family, errors.FbaliError)
    }

    assert families - {errors.FbaliError} == _BY_FAMILY.keys()
    assert MEANINGS.keys() == set(ExitCode)


def test_deadline_of_the_policy_ends_a_call(server):
    def slow(request):
        time.sleep(0.5)
        return sample_answers()["GetOrder"]

    server.script("GetOrder", slow)

    with (
        Client(server.address, policy=CallPolicy(timeout_seconds=0.1)) as client,
        pytest.raises(errors.DeadlineExceeded, match="did not answer in time"),
    ):
        client.orders.GetOrder(GetOrderRequest())
