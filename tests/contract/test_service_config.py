"""gRPC itself, told by the service config of the contract, repeats what may be repeated."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from fbali.retries import is_repeatable
from oms.domain.errors import FbaliError, GatewayError, LimitExceeded, Refused, Unavailable
from protos.render_service_config import TARGET, render
from server.errors import status_of
from tests.services.bare_calls import bare_code
from tests.services.scripted_server import Refusal, ScriptedServer
from tests.services.stack import METHODS

AWAY = Refusal(grpc.StatusCode.UNAVAILABLE, reason="TEMPORARILY_UNAVAILABLE")
ATTEMPTS_MAX = 4

CONFIG = json.loads(TARGET.read_text("utf-8"))
LISTED = {
    entry["method"]: entry["service"] for part in CONFIG["methodConfig"] for entry in part["name"]
}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    answers = {name: GetMessageClass(method.output_type)() for name, (_, method) in METHODS.items()}
    with ScriptedServer(answers) as running:
        yield running


def calling(server: ScriptedServer, config: Any) -> grpc.Channel:
    """Connect as a program in any language does that hands the file to its gRPC."""
    options = (("grpc.service_config", json.dumps(config)), ("grpc.enable_retries", 1))
    return grpc.insecure_channel(server.address, options=options)


def code_of(channel: grpc.Channel, name: str) -> str:
    """Call a method with an empty message; tell how it ended."""
    return bare_code(channel, GetMessageClass(METHODS[name][1].input_type)(), secret="")


def test_file_is_what_the_contract_says():
    assert TARGET.read_text("utf-8") == render()


def test_file_waits_for_nothing_and_ends_nothing():
    assert [part["waitForReady"] for part in CONFIG["methodConfig"]] == [False]
    assert "timeout" not in TARGET.read_text("utf-8")
    assert all(METHODS[name][1].containing_service.full_name == LISTED[name] for name in LISTED)


@pytest.mark.parametrize("name", METHODS)
def test_bundled_client_and_the_file_agree_on_what_is_harmless_twice(name: str):
    _, method = METHODS[name]
    path = f"/{method.containing_service.full_name}/{name}"
    request = GetMessageClass(method.input_type)()

    is_listed = name in LISTED

    assert is_listed == (is_repeatable(path, request) and not method.client_streaming)


def test_reads_are_repeated_and_nothing_else_is(server: ScriptedServer):
    config = {**CONFIG}
    del config["retryThrottling"]  # It would rightly end what is done here.
    for name, (_, method) in METHODS.items():
        server.script(name, AWAY, AWAY, GetMessageClass(method.output_type)())

    with calling(server, config) as channel, ThreadPoolExecutor(8) as threads:
        codes = dict(zip(METHODS, threads.map(partial(code_of, channel), METHODS), strict=True))

    tries = {name: len(server.requests(name)) for name in METHODS}
    assert codes == {name: "OK" if name in LISTED else "UNAVAILABLE" for name in METHODS}
    assert tries == {name: 3 if name in LISTED else 1 for name in METHODS}
    assert 40 < len(LISTED) < len(METHODS) - 40


@pytest.mark.parametrize("code", ["INTERNAL", "RESOURCE_EXHAUSTED", "ABORTED", "DEADLINE_EXCEEDED"])
def test_what_is_not_unavailable_is_told_at_once(server: ScriptedServer, code: str):
    server.script("GetOrder", Refusal(grpc.StatusCode[code]))

    with calling(server, CONFIG) as channel:
        assert code_of(channel, "GetOrder") == code

    assert len(server.requests("GetOrder")) == 1


def test_server_that_stays_away_is_asked_four_times(server: ScriptedServer):
    server.script("GetOrder", AWAY)

    with calling(server, CONFIG) as channel:
        assert code_of(channel, "GetOrder") == "UNAVAILABLE"

    assert len(server.requests("GetOrder")) == ATTEMPTS_MAX


def test_server_that_fails_most_calls_is_not_asked_again_and_again(server: ScriptedServer):
    server.script("GetOrder", AWAY)

    with calling(server, CONFIG) as channel:
        for _ in range(10):
            code_of(channel, "GetOrder")

    # Ten tokens: the fifth failure leaves half of them, and with that there are no more retries.
    assert len(server.requests("GetOrder")) <= 10 + ATTEMPTS_MAX + 1


def pushback_of(error: FbaliError) -> Sequence[str]:
    trailers = status_of(error, "call").trailing_metadata
    return [value for key, value in trailers if key == "grpc-retry-pushback-ms"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unavailable("away"), ["1000"]),
        (Unavailable("away", retry_after_seconds=0.25), ["250"]),
        (Unavailable("away", retry_after_seconds=3600), ["-1"]),
        (LimitExceeded("busy", limit="calls"), ["1000"]),
        (GatewayError("throttled", reason="GATEWAY_THROTTLED", retry_after_seconds=2), ["2000"]),
        (GatewayError("gone", reason="GATEWAY_UNREACHABLE"), []),
        (GatewayError("refused", reason="GATEWAY_CREDENTIALS_REFUSED"), []),
        (Refused("no"), []),
    ],
    ids=lambda value: getattr(value, "message", None),
)
def test_refusal_tells_grpc_when_to_come_again(error: FbaliError, told: Sequence[str]):
    assert pushback_of(error) == told
