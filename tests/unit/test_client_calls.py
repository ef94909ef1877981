"""Every call of the client has a deadline, a token, a request_id and bounded retries."""

import socket
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import trustme
from google.protobuf import descriptor_pool

from fbali import errors
from fbali.calls import CallPolicy
from fbali.channels import Endpoint, parse_target
from fbali.client import Client
from fbali.retries import is_repeatable
from fbali.v1.admin_service_pb2 import GetServerInfoRequest
from fbali.v1.hosting_service_pb2 import DisconnectStoreRequest
from fbali.v1.order_service_pb2 import GetOrderRequest, SyncOrdersRequest
from tests.services.sample_answers import sample_answers
from tests.services.scripted_server import SERVICES, Refusal, ScriptedServer

BUSY = Refusal(grpc.StatusCode.UNAVAILABLE, "busy", "TEMPORARILY_UNAVAILABLE")
ANSWERS = sample_answers()


@pytest.fixture
def server():
    with ScriptedServer(ANSWERS) as server:
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(server, waits):
    with Client(server.address, token="t", policy=CallPolicy(sleep=waits.append)) as client:
        yield client


def test_busy_server_is_asked_again_with_growing_waits(server, client, waits):
    server.script("GetOrder", BUSY, BUSY, BUSY, ANSWERS["GetOrder"])

    assert client.orders.GetOrder(GetOrderRequest()).order.number == "1042"

    assert len(server.requests("GetOrder")) == 4
    assert [0.05 <= waits[0] <= 0.1, 0.1 <= waits[1] <= 0.2, 0.2 <= waits[2] <= 0.4] == [True] * 3


def test_fourth_refusal_is_the_last(server, client):
    server.script("GetOrder", BUSY)

    with pytest.raises(errors.Unavailable, match="busy"):
        client.orders.GetOrder(GetOrderRequest())

    assert len(server.requests("GetOrder")) == 4


def test_retries_of_a_change_carry_the_same_request_id(server, client):
    server.script("SyncOrders", BUSY, BUSY, ANSWERS["SyncOrders"])
    request = SyncOrdersRequest(name="merchants/-/stores/s1")

    client.orders.SyncOrders(request)
    client.orders.SyncOrders(request)

    ids = [sent.request_id for sent in server.requests("SyncOrders")]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert str(uuid.UUID(ids[0], version=4)) == ids[0]
    assert request.request_id == ""


def test_request_id_of_the_caller_is_kept(server, client):
    own = str(uuid.uuid4())

    client.orders.SyncOrders(SyncOrdersRequest(request_id=own))

    assert server.requests("SyncOrders")[0].request_id == own


def test_conflict_is_not_tried_again(server, client):
    server.script("DisconnectStore", Refusal(grpc.StatusCode.ABORTED, reason="ETAG_MISMATCH"))

    with pytest.raises(errors.Conflict):
        client.hosting.DisconnectStore(DisconnectStoreRequest())

    assert len(server.calls) == 1


def test_delay_that_the_server_asks_for_is_kept(server, client, waits):
    patient = Refusal(grpc.StatusCode.UNAVAILABLE, retry_after_seconds=7.5)
    server.script("GetOrder", patient, ANSWERS["GetOrder"])

    client.orders.GetOrder(GetOrderRequest())

    assert waits == [7.5]


@pytest.mark.parametrize("timeout", [None, 5])
def test_delay_past_the_deadline_ends_the_call_at_once(server, client, waits, timeout):
    asked = 21 if timeout is None else 6
    server.script("GetOrder", Refusal(grpc.StatusCode.UNAVAILABLE, retry_after_seconds=asked))

    with pytest.raises(errors.Unavailable):
        client.orders.GetOrder(GetOrderRequest(), timeout=timeout)

    assert (len(server.calls), waits) == (1, [])


def test_token_is_sent_as_bearer_and_not_at_all_when_empty(server, client):
    client.admin.GetServerInfo(GetServerInfoRequest())
    with Client(server.address) as stranger:
        stranger.admin.GetServerInfo(GetServerInfoRequest())

    assert server.calls[0].metadata["authorization"] == "Bearer t"
    assert "authorization" not in server.calls[1].metadata


def test_own_metadata_of_a_call_is_kept(server, client):
    client.admin.GetServerInfo(GetServerInfoRequest(), metadata=[("x-trace", "7")])

    assert server.calls[0].metadata["x-trace"] == "7"


def test_every_method_of_the_contract_may_be_repeated():
    """A new method that neither reads only nor carries a request_id has to be thought about."""
    unsafe = []
    for service in SERVICES:
        for method in descriptor_pool.Default().FindServiceByName(service).methods:
            fields = method.input_type.fields_by_name
            if "request_id" not in fields and not is_repeatable(
                f"/{service}/{method.name}", GetOrderRequest()
            ):
                unsafe.append(method.full_name)

    assert unsafe == []


@pytest.mark.parametrize(
    ("target", "endpoint"),
    [
        ("127.0.0.1:7443", Endpoint("127.0.0.1:7443", tls=False)),
        ("127.8.9.1:1", Endpoint("127.8.9.1:1", tls=False)),
        ("localhost:7443", Endpoint("localhost:7443", tls=False)),
        ("[::1]:7443", Endpoint("[::1]:7443", tls=False)),
        ("http://127.0.0.1:7443/", Endpoint("127.0.0.1:7443", tls=False)),
        ("unix:/run/fbali.sock", Endpoint("unix:/run/fbali.sock", tls=False)),
        ("https://oms.example:443", Endpoint("oms.example:443", tls=True)),
        ("127.0.0.1:1,127.0.0.1:2", Endpoint("ipv4:127.0.0.1:1,127.0.0.1:2", tls=False)),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", Endpoint("ipv4:127.0.0.1:1,127.0.0.1:2", tls=False)),
        ("[::1]:1,[::1]:2", Endpoint("ipv6:[::1]:1,[::1]:2", tls=False)),
        ("https://10.0.0.1:1,10.0.0.2:1", Endpoint("ipv4:10.0.0.1:1,10.0.0.2:1", tls=True)),
        ("unix:/run/a,b.sock", Endpoint("unix:/run/a,b.sock", tls=False)),
    ],
)
def test_targets_are_read(target, endpoint):
    assert parse_target(target) == endpoint


@pytest.mark.parametrize(
    "target",
    [
        "oms.example:7443",
        "http://oms.example",
        "10.0.0.1:7443",
        "0.0.0.0:7443",
        "localhost.evil.example:1",
        "127.0.0.1.evil.example:1",
        "dns:///oms.example:1",
        "dns://127.0.0.1/oms.example:1",
        "ipv4:10.0.0.1:7443",
        "ipv4:127.0.0.1:7443,10.0.0.1:7443",
        "127.0.0.1:7443,10.0.0.1:7443",
        "2130706433:7443",
    ],
)
def test_other_machines_are_refused_in_clear_text(target):
    with pytest.raises(errors.InsecureTarget):
        Client(target, token="t")

    assert parse_target(target, tls=True).tls


def test_encrypted_connection_trusts_the_named_authority_alone(tmp_path):
    authority, other = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    credentials = grpc.ssl_server_credentials(
        [(certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())]
    )
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")

    with ScriptedServer(ANSWERS, "t", credentials) as server:
        target = f"https://{server.address}"
        with Client(target, token="t", ca_file=tmp_path / "ca.pem") as client:
            assert client.admin.GetServerInfo(GetServerInfoRequest()).version == "0.1.0"
        with (
            Client(target, token="t", ca_file=tmp_path / "other.pem") as client,
            pytest.raises(errors.Unavailable, match="cannot reach the server"),
        ):
            client.admin.GetServerInfo(GetServerInfoRequest())


def test_server_that_comes_back_is_found_again(server, waits):
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{placeholder.getsockname()[1]}"
    servers: list[grpc.Server] = []

    def start_server(_):
        if not servers:
            late = grpc.server(ThreadPoolExecutor(1))
            late.add_generic_rpc_handlers((server,))
            late.add_insecure_port(address)
            late.start()
            servers.append(late)
        threading.Event().wait(0.3)

    with Client(address, policy=CallPolicy(sleep=start_server)) as client:
        assert client.orders.GetOrder(GetOrderRequest()).order.number == "1042"
    servers[0].stop(None).wait()
