"""Programs that know nothing of the contract learn it from the server: grpcurl and buf curl."""

import json
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest as Question

from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from fbali.v1.admin_service_pb2_grpc import AdminServiceStub
from server.app import SERVICES, ApiThread
from tests.functional.home import Home
from tests.services.grpcurl import BUILD_SECONDS_MAX, grpcurl
from tests.services.session import MissingServiceError, skip_or_fail
from tests.services.stack import METHODS, Stack

BUF = Path(sysconfig.get_path("scripts")) / "buf"
VERSIONS = ["grpc.reflection.v1", "grpc.reflection.v1alpha"]
OURS = {service.full_name for service in SERVICES}
LISTED = OURS | {"grpc.health.v1.Health"} | {f"{name}.ServerReflection" for name in VERSIONS}
SECONDS_MAX = 30

pytestmark = pytest.mark.timeout(BUILD_SECONDS_MAX + SECONDS_MAX)


@pytest.fixture(scope="session")
def program() -> Path:
    """grpcurl, built if need be."""
    try:
        return grpcurl()
    except MissingServiceError as missing:
        skip_or_fail(missing)


def run(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def ask(channel: grpc.Channel, version: str, *questions: Question) -> list[Any]:
    """Ask the server about itself, in either version of the protocol."""
    call = channel.stream_stream(
        f"/{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=Question.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return list(call(iter(questions), timeout=SECONDS_MAX))


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_list_and_describe_the_services(shared_stack: Stack, version: str):
    symbols = [*sorted(OURS), *(f"{name}.ServerReflection" for name in VERSIONS)]
    questions = [
        Question(list_services=""),
        *(Question(file_containing_symbol=symbol) for symbol in symbols),
    ]

    with grpc.insecure_channel(f"127.0.0.1:{shared_stack.api.port}") as channel:
        listed, *described = ask(channel, version, *questions)

    assert {service.name for service in listed.list_services_response.service} == LISTED
    assert [len(one.file_descriptor_response.file_descriptor_proto) > 0 for one in described] == (
        [True] * len(symbols)
    )


def test_grpcurl_lists_and_describes_without_a_token(shared_stack: Stack, program: Path):
    ask_server: list[str | Path] = [program, "-plaintext", f"127.0.0.1:{shared_stack.api.port}"]

    listed = run([*ask_server, "list"]).split()
    methods = [name for service in OURS for name in run([*ask_server, "list", service]).split()]
    described = run([*ask_server, "describe", "fbali.v1.ListOrdersRequest"])
    method = run([*ask_server, "describe", "fbali.v1.OrderService.ListOrders"])
    field = run([*ask_server, "describe", "fbali.v1.ListOrdersRequest.page_token"])
    itself = run([*ask_server, "describe", "grpc.reflection.v1.ServerReflection"])

    assert set(listed) == LISTED
    assert {name.rpartition(".")[2] for name in methods} == set(METHODS)
    assert "string page_token = 3 [" in described
    assert "rpc ListOrders ( .fbali.v1.ListOrdersRequest )" in method
    assert "string page_token = 3" in field
    assert "rpc ServerReflectionInfo" in itself


def test_grpcurl_asks_for_health(shared_stack: Stack, program: Path):
    for service in ("", *sorted(OURS)):
        answer = run(
            [
                *(program, "-plaintext", "-d", json.dumps({"service": service})),
                *(f"127.0.0.1:{shared_stack.api.port}", "grpc.health.v1.Health/Check"),
            ]
        )
        assert json.loads(answer) == {"status": "SERVING"}


def buf_curl(home: Home, secret: str, path: str, data: object = None) -> str:
    command: list[str | Path] = [
        *(BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge"),
        *("--header", f"Authorization: Bearer {secret}"),
    ]
    if data is not None:
        command += ["--data", json.dumps(data)]
    return run([*command, f"http://127.0.0.1:{home.stack.api.port}/{path}"])


def test_buf_curl_calls_reads_and_streams(shared_home: Home):
    secret = shared_home.merchant.secret
    parent = {"parent": shared_home.estate.merchant}

    counts = json.loads(buf_curl(shared_home, secret, "fbali.v1.OrderService/CountOrders", parent))
    exported = buf_curl(
        shared_home,
        secret,
        "fbali.v1.OrderService/ExportOrders",
        {**parent, "format": "EXPORT_FORMAT_CSV"},
    )

    assert {"tag": "ORDER_TAG_PENDING", "orderCount": "1"} in counts["counts"]
    first, _ = json.JSONDecoder().raw_decode(exported)
    assert set(first) == {"chunk"}


@pytest.fixture
def silent(stack: Stack) -> Iterator[int]:
    """The port of a server that does not tell what it is like."""
    api = ApiThread(stack.oms, replace(stack.settings, reflection=False))
    yield api.port
    api.stop()


def test_server_that_is_told_so_reflects_nothing_and_serves_all_the_same(stack: Stack, silent: int):
    metadata = (("authorization", f"Bearer {stack.merchant.secret}"),)

    with grpc.insecure_channel(f"127.0.0.1:{silent}") as channel:
        codes = set()
        for version in VERSIONS:
            with pytest.raises(grpc.RpcError) as refused:
                ask(channel, version, Question(list_services=""))
            codes.add(refused.value.code())
        AdminServiceStub(channel).GetServerInfo(GetServerInfoRequest(), metadata=metadata)

    assert codes == {grpc.StatusCode.UNIMPLEMENTED}
