"""The server beside its methods: health, reflection, admission, and an end without losses."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from fbali.v1.admin_service_pb2_grpc import AdminServiceStub
from oms.domain.errors import Unavailable
from protos.render_service_config import TARGET as SERVICE_CONFIG
from server.app import SERVICES, ApiThread
from server.edge import CALLS_IN_FLIGHT_MAX
from tests.services.stack import Stack, wait_for

CHANNELS = 4  # One connection takes 200 calls at once.
PARALLEL = CALLS_IN_FLIGHT_MAX + 40


@pytest.fixture
def channel(stack: Stack) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{stack.api.port}") as opened:
        yield opened


def test_every_service_is_healthy(channel: grpc.Channel):
    stub = health_pb2_grpc.HealthStub(channel)

    states = {
        name: stub.Check(health_pb2.HealthCheckRequest(service=name)).status
        for name in ("", *(service.full_name for service in SERVICES))
    }

    assert states == dict.fromkeys(states, health_pb2.HealthCheckResponse.SERVING)


def test_health_of_a_service_that_is_not_there_is_not_found(channel: grpc.Channel):
    stub = health_pb2_grpc.HealthStub(channel)

    with pytest.raises(grpc.RpcError) as refused:
        stub.Check(health_pb2.HealthCheckRequest(service="fbali.v1.NoService"))

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_who_watches_health_hears_first_that_the_server_stops(stack: Stack):
    """Everything is withdrawn while the call that is under way goes on."""
    gate, reached = Event(), Event()

    def hold(_sql: str) -> None:
        reached.set()
        gate.wait(30)

    names = ["", *(service.full_name for service in SERVICES)]
    second = ApiThread(stack.oms, stack.settings)
    with (
        grpc.insecure_channel(f"127.0.0.1:{second.port}") as channel,
        ThreadPoolExecutor(2) as threads,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(service=name)) for name in names]
        before = [next(watch).status for watch in watches]
        stack.db.on_statement = hold
        answer = threads.submit(call_at, second.port, stack.merchant.secret)
        assert reached.wait(10)
        stopping = threads.submit(second.stop, 10.0)
        after = [next(watch).status for watch in watches]
        was_under_way = not answer.done()
        gate.set()
        assert answer.result() == "OK"
        stopping.result()
    stack.db.on_statement = None

    assert before == [health_pb2.HealthCheckResponse.SERVING] * len(names)
    assert after == [health_pb2.HealthCheckResponse.NOT_SERVING] * len(names)
    assert was_under_way


def test_calls_beyond_the_bound_are_refused_at_once_and_the_others_answered(stack: Stack):
    gate = Event()
    stack.db.on_statement = lambda _sql: wait_at(gate)
    metadata = (("authorization", f"Bearer {stack.merchant.secret}"),)
    with ExitStack() as closing:
        calls = [
            AdminServiceStub(channel).GetServerInfo.future(
                GetServerInfoRequest(), metadata=metadata
            )
            for channel in open_channels(stack, closing)
            for _ in range(PARALLEL // CHANNELS)
        ]
        refused = wait_for(lambda: done_at_least(calls, PARALLEL - CALLS_IN_FLIGHT_MAX))
        gate.set()
        codes = sorted(call.code().name for call in calls)

    assert codes == ["OK"] * CALLS_IN_FLIGHT_MAX + ["RESOURCE_EXHAUSTED"] * len(refused)
    assert len(refused) == PARALLEL - CALLS_IN_FLIGHT_MAX
    told = details_of(refused[0])
    assert told["ErrorInfo"].reason == "LIMIT_EXCEEDED"
    assert told["RetryInfo"].retry_delay.ToMilliseconds() == 1000
    stack.db.on_statement = None
    assert stack.merchant.code(GetServerInfoRequest()) == "OK"


def wait_at(gate: Event) -> None:
    gate.wait(30)


def open_channels(stack: Stack, closing: ExitStack) -> list[grpc.Channel]:
    options = (("grpc.use_local_subchannel_pool", 1),)
    target = f"127.0.0.1:{stack.api.port}"
    return [
        closing.enter_context(grpc.insecure_channel(target, options=options))
        for _ in range(CHANNELS)
    ]


def done_at_least(calls: list[Any], number: int) -> list[Any]:
    """Give the calls that ended although the gate is closed, once they are enough."""
    done = [call for call in calls if call.done()]
    return done if len(done) >= number else []


def details_of(call: Any) -> dict[str, Any]:
    status = rpc_status.from_call(call.exception())
    assert status is not None
    found: dict[str, Any] = {}
    for detail in status.details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo):
            message = kind()
            if detail.Unpack(message):
                found[kind.DESCRIPTOR.name] = message
    return found


def test_call_in_flight_is_answered_when_the_server_stops(stack: Stack):
    gate, reached = Event(), Event()

    def hold(_sql: str) -> None:
        reached.set()
        gate.wait(30)

    second = ApiThread(stack.oms, stack.settings)
    stack.db.on_statement = hold
    with ThreadPoolExecutor(2) as threads:
        answer = threads.submit(call_at, second.port, stack.merchant.secret)
        assert reached.wait(10)
        stopping = threads.submit(second.stop, 10.0)
        gate.set()
        assert answer.result() == "OK"
        stopping.result()
    stack.db.on_statement = None


def call_at(port: int, secret: str) -> str:
    metadata = (("authorization", f"Bearer {secret}"),)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        AdminServiceStub(channel).GetServerInfo(GetServerInfoRequest(), metadata=metadata)
    return "OK"


def test_grpc_itself_comes_again_when_the_server_said(stack: Stack):
    """The service config that the contract brings along is all that a client needs for it."""
    refused_at: list[float] = []
    options = (("grpc.service_config", SERVICE_CONFIG.read_text("utf-8")),)
    metadata = (("authorization", f"Bearer {stack.merchant.secret}"),)

    def refuse_once(_sql: str) -> None:
        if not refused_at:
            refused_at.append(time.monotonic())
            raise Unavailable("the database is away", retry_after_seconds=0.7)

    stack.db.on_statement = refuse_once
    with grpc.insecure_channel(f"127.0.0.1:{stack.api.port}", options=options) as channel:
        AdminServiceStub(channel).GetServerInfo(GetServerInfoRequest(), metadata=metadata)
    stack.db.on_statement = None

    [refused] = refused_at
    assert time.monotonic() - refused > 0.69
