"""An error of ours is logged with all it says, and told without a word of it."""

import logging
from dataclasses import replace
from typing import Any, NoReturn

import grpc
import pytest

from fbali.client import Client
from fbali.errors import ServerError
from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from fbali.v1.order_service_pb2 import GetSyncRunRequest, SyncOrdersRequest
from fbali.v1.store_pb2 import SYNC_RUN_STATE_FAILED
from oms.domain.imports import ExportFormat, ImportFormat
from oms.domain.jobs import FAILURES_MAX
from oms.usecases.ports import StoreAddress, StoreGateways
from tests.functional.estate import Estate
from tests.functional.sample_requests import SAMPLES
from tests.services.stack import Caller, Stack, dump

SECRET = "the planted text of an error"


class BrokenGateways(StoreGateways):
    """Stores whose program has a fault."""

    def open(self, address: StoreAddress) -> NoReturn:
        raise KeyError(SECRET, address.base_url)

    def read_file(self, kind: ImportFormat, exported_at: int | None) -> NoReturn:
        raise KeyError(SECRET, kind)

    def write_file(self, kind: ExportFormat) -> NoReturn:
        raise KeyError(SECRET, kind)


def broken_caller(stack: Stack) -> Caller:
    """The merchant, at a server whose stores are broken."""
    port = stack.serve(replace(stack.oms, stores=BrokenGateways()))
    client = Client(f"127.0.0.1:{port}", token=stack.merchant.secret)
    return replace(stack.merchant, client=client)


def test_error_of_a_gateway_is_logged_with_its_incident_and_not_told(
    stack: Stack, estate: Estate, caplog: pytest.LogCaptureFixture
):
    caller = broken_caller(stack)
    before = dump(stack.db)

    with pytest.raises(ServerError) as refused:
        caller.call(SAMPLES["ConnectStore"](estate))

    told = refused.value
    assert SECRET not in f"{told.message} {told.metadata} {told.__cause__}"
    assert (told.reason, told.violations) == ("INTERNAL", ())
    [record] = [item for item in caplog.records if item.levelno >= logging.ERROR]
    assert record.call == told.request_id  # type: ignore[attr-defined]
    assert SECRET in caplog.text
    assert dump(stack.db) == before
    caller.client.close()


def test_trailers_of_an_unexpected_error_hold_nothing_of_it(stack: Stack, estate: Estate):
    caller = broken_caller(stack)

    with pytest.raises(ServerError) as refused:
        caller.call(SAMPLES["TestStore"](estate))

    cause: Any = refused.value.__cause__
    raw = repr(cause.trailing_metadata()) if cause is not None else ""
    assert SECRET not in raw + str(refused.value)
    caller.client.close()


def test_table_that_is_gone_is_not_told(
    stack: Stack, estate: Estate, caplog: pytest.LogCaptureFixture
):
    with stack.db.transaction():
        stack.db.run("ALTER TABLE hosting RENAME TO hosting_gone")

    with pytest.raises(ServerError) as refused:
        stack.merchant.call(SAMPLES["GetHosting"](estate))

    assert "hosting" not in refused.value.message.replace(estate.hosting, "")
    assert refused.value.request_id
    assert "hosting" in caplog.text
    assert refused.value.reason == "INTERNAL"


def test_error_of_a_job_is_told_to_the_operator_and_not_to_the_merchant(
    stack: Stack, estate: Estate
):
    run = stack.merchant.call(SyncOrdersRequest(name=estate.store)).sync_run
    sound, stack.oms = stack.oms, replace(stack.oms, stores=BrokenGateways())

    for _ in range(FAILURES_MAX):
        stack.work()
        stack.clock.advance(600)
    stack.oms = sound

    told = stack.merchant.call(GetSyncRunRequest(name=run.name)).sync_run
    assert told.state == SYNC_RUN_STATE_FAILED
    assert told.problem.reason == "INTERNAL"
    assert SECRET not in str(told)
    jobs = stack.operator.call(SAMPLES["ListJobs"](estate)).jobs
    assert any(SECRET in job.last_error for job in jobs)
    assert told.problem.message == f"an error of ours: ask the operator for job {given_up(jobs)}"


def given_up(jobs: Any) -> str:
    kind = "sync_store"
    [name] = [job.name for job in jobs if SECRET in job.last_error and job.kind == kind]
    return str(name).removeprefix("jobs/")


def test_next_sync_works_again_after_an_error_of_ours(stack: Stack, estate: Estate):
    stack.merchant.call(SyncOrdersRequest(name=estate.store))
    sound, stack.oms = stack.oms, replace(stack.oms, stores=BrokenGateways())
    stack.work()
    stack.oms = sound
    stack.clock.advance(600)

    stack.work()

    runs = stack.merchant.call(SAMPLES["ListSyncRuns"](estate)).sync_runs
    assert [run.problem.reason for run in runs] == ["", ""]
    assert runs[0].finish_time.seconds > 0


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("/fbali.v1.OrderService/GetOrder", b"\xff\xff\xff", "INVALID_ARGUMENT"),
        ("/fbali.v1.OrderService/GetOrder", b"\x0a\x02\xff\xfe", "INVALID_ARGUMENT"),  # No UTF-8.
        ("/fbali.v1.OrderService/NoSuchMethod", b"", "UNIMPLEMENTED"),
        ("/fbali.v1.NoSuchService/GetOrder", b"", "UNIMPLEMENTED"),
    ],
)
def test_broken_bytes_and_unknown_methods_are_refused_without_a_trace(
    stack: Stack, caplog: pytest.LogCaptureFixture, method: str, body: bytes, code: str
):
    metadata = (("authorization", f"Bearer {stack.merchant.secret}"),)

    channel: Any = grpc.insecure_channel(f"127.0.0.1:{stack.api.port}")
    with channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(method)(body, metadata=metadata)

    call: Any = refused.value
    assert call.code().name == code
    assert "DecodeError" not in call.details()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert stack.merchant.code(GetServerInfoRequest()) == "OK"
