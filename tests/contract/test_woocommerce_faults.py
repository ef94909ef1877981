"""Every way in which a store fails to answer, and what the merchant is told."""

import gzip
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import trustme

from oms.domain.errors import GATEWAY_REASONS, GatewayError, InvalidInput
from oms.gateways.http import HttpSettings, trust_store
from tests.services.faulty_http import (
    FaultyServer,
    Step,
    answer,
    half,
    raw,
    reset,
    silence,
    trickle,
)
from tests.services.loopback import LoopbackServer, http_answer
from tests.services.replay import recording
from tests.services.woocommerce_store import KEY, HandClock, open_store, settings

SHORT = 0.3  # Seconds; the deadline of tests that wait for it.
ERROR = json.dumps({"code": "some_code", "message": "Some <b>words</b> of\nthe store."})
PAGE = "<!DOCTYPE html><html><head><title>Checking your browser</title></head></html>"
ORDERS = json.dumps(recording("orders-by-modified-page1").body).encode()


def failure(*steps: Step, http: HttpSettings | None = None) -> GatewayError:
    """What reading orders fails with, when the server takes these steps."""
    with FaultyServer(*steps) as server, pytest.raises(GatewayError) as caught:
        open_store(server.url, http).read_orders(since=0, cursor="")
    error = caught.value
    assert error.retryable == GATEWAY_REASONS[error.word]
    assert not any(secret in error.message for secret in KEY.values())
    return error


@pytest.mark.parametrize(
    ("status", "body", "reason", "message"),
    [
        (400, ERROR, "GATEWAY_REQUEST_REFUSED", "the store refused the request (400: Some words"),
        (401, ERROR, "GATEWAY_CREDENTIALS_REFUSED", "check the consumer key and secret"),
        (403, ERROR, "GATEWAY_CREDENTIALS_REFUSED", "the store refused the key (403: Some words"),
        (403, PAGE, "GATEWAY_REQUEST_REFUSED", "ask the host to let requests to its API pass"),
        (404, ERROR, "GATEWAY_NOT_FOUND", "nothing at /wp-json/wc/v3/orders (404: Some words"),
        (404, PAGE, "GATEWAY_NOT_FOUND", "that its permalinks are not plain"),
        (408, "", "GATEWAY_TIMEOUT", "the store gave up waiting (408)"),
        (410, "", "GATEWAY_NOT_FOUND", "(410)"),
        (418, "", "GATEWAY_REQUEST_REFUSED", "the store refused the request (418)"),
        (429, ERROR, "GATEWAY_THROTTLED", "the store asks for fewer requests (429: Some words"),
        (500, ERROR, "GATEWAY_SERVER_ERROR", "the store failed (500: Some words of the store.)"),
        (501, PAGE, "GATEWAY_REQUEST_REFUSED", "something in front of the store refused"),
        (502, PAGE, "GATEWAY_SERVER_ERROR", "the store failed (502)"),
        (503, PAGE, "GATEWAY_SERVER_ERROR", "the store failed (503)"),
        (204, "", "GATEWAY_ANSWER_MALFORMED", "its answer is empty"),
        (200, PAGE, "GATEWAY_ANSWER_MALFORMED", "a web page instead of data (Checking your brow"),
        (200, "", "GATEWAY_ANSWER_MALFORMED", "its answer is empty"),
        (200, '[{"id": 1}, {"id"', "GATEWAY_ANSWER_MALFORMED", "broke off in the middle"),
        (200, "[1, 2 3]", "GATEWAY_ANSWER_MALFORMED", "no valid JSON (at character 6)"),
        (200, "Notice: x in y", "GATEWAY_ANSWER_MALFORMED", "else than JSON (Notice: x in y)"),
        (200, b"[\x00]", "GATEWAY_ANSWER_MALFORMED", "holds NUL bytes"),
        (200, b"[\xff]", "GATEWAY_ANSWER_MALFORMED", "not text in UTF-8"),
        (200, "[" * 200_000, "GATEWAY_ANSWER_MALFORMED", "the store did not answer as expected"),
        (200, '{"id": 1}', "GATEWAY_ANSWER_MALFORMED", "an object where a list was asked for"),
        (200, "null", "GATEWAY_ANSWER_MALFORMED", "a single value where a list was asked for"),
    ],
)
def test_answer_that_is_no_list_is_told_plainly(status, body, reason, message):
    error = failure(answer(status, body))

    assert error.word == reason
    assert message in error.message


def test_refused_key_is_told_in_the_words_of_the_store():
    refused = recording("error-bad-credentials")

    error = failure(answer(refused.status, json.dumps(refused.body)))

    assert error.message == (
        "the store refused the key (401: Sorry, you cannot list resources.): check the consumer "
        "key and secret, and that the key may read and write"
    )


def test_credentials_that_a_store_repeats_are_blanked_out():
    document = {"message": f"unknown key {KEY['consumer_key']}"}

    error = failure(answer(401, json.dumps(document)))

    assert "unknown key ***" in error.message


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "120"}, 120),
        (429, {"Retry-After": "0"}, 0),
        (429, {"Retry-After": "999999999999999999999"}, 86_400),
        (429, {"Retry-After": "-5"}, 0),
        (429, {"Retry-After": "soon"}, 0),
        (429, {}, 0),
        (503, {"Retry-After": "30"}, 30),
        (
            429,
            {
                "Retry-After": "Mon, 23 Nov 2026 06:01:30 GMT",
                "Date": "Mon, 23 Nov 2026 06:00:00 GMT",
            },
            90,
        ),
        (429, {"Retry-After": "Mon, 23 Nov 2026 06:01:30 GMT"}, 30),
        (429, {"Retry-After": "Mon, 23 Nov 2026 05:00:00 GMT"}, 0),
        (429, {"Retry-After": "Tue, 23 Nov 2027 06:01:30 GMT"}, 86_400),
    ],
)
def test_store_that_asks_for_patience_is_given_it(status, headers, seconds):
    clock = HandClock(int(datetime(2026, 11, 23, 6, 1, tzinfo=UTC).timestamp()))

    error = failure(answer(status, "", headers), http=settings(clock))

    assert error.word == "GATEWAY_THROTTLED"
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://www.shop.example/wp-json/wc/v3/orders?x=1", "to https://www.shop.example: if"),
        ("https://user:word@www.shop.example/en/", "to https://www.shop.example/en/: if"),
        ("//other.example/wp-json/wc/v3/orders", "to https://other.example: if"),
        ("/login?key=1", "to /login of the same host"),
        ("", "without saying where"),
        ("https://[::1", "without saying where"),
        ("mailto:owner@shop.example", "without saying where"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_reported_and_not_followed(status, location, shown):
    error = failure(answer(status, "", {"Location": location}))

    assert error.word == "GATEWAY_NOT_FOUND"
    assert shown in error.message


def test_silent_store_meets_the_deadline():
    began = time.monotonic()

    error = failure(silence, http=settings(timeout_seconds=SHORT))

    assert error.word == "GATEWAY_TIMEOUT"
    assert "did not answer completely within 0.3 seconds" in error.message
    assert time.monotonic() - began < 4 * SHORT


@pytest.mark.parametrize("start", [0, 5, 40, 400])
def test_trickling_store_meets_the_deadline_of_the_whole_answer(start):
    whole = http_answer(200, ORDERS)

    def step(connection, closing):
        connection.sendall(whole[:start])
        trickle(whole[start:], pause_seconds=0.02)(connection, closing)

    began = time.monotonic()
    error = failure(step, http=settings(timeout_seconds=SHORT))

    assert error.word == "GATEWAY_TIMEOUT"
    assert time.monotonic() - began < 4 * SHORT


def test_machine_that_is_silent_before_encryption_meets_the_deadline():
    def swallow(connection):
        while connection.recv(65536):
            pass

    with LoopbackServer(swallow) as server:
        store = open_store(f"https://127.0.0.1:{server.port}", settings(timeout_seconds=SHORT))
        with pytest.raises(GatewayError) as caught:
            store.identify()

    assert caught.value.word == "GATEWAY_TIMEOUT"


def test_machine_that_accepts_no_connection_meets_the_deadline():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.settimeout(0)
            connection.connect_ex(("127.0.0.1", port))
        with pytest.raises(GatewayError) as caught:
            open_store(f"http://127.0.0.1:{port}", settings(timeout_seconds=SHORT)).identify()
        for connection in waiting:
            connection.close()

    assert caught.value.word == "GATEWAY_TIMEOUT"
    assert "did not accept a connection within 0.3 seconds" in caught.value.message


def test_dropped_connection_is_tried_once_more():
    with FaultyServer(reset, answer(200, ORDERS, {"X-WP-TotalPages": "1"})) as server:
        page = open_store(server.url).read_orders(since=0, cursor="")

    assert len(page.orders) == 30
    assert server.targets[0] == server.targets[1]
    assert len(server.targets) == 2


@pytest.mark.parametrize("step", [reset, raw(b"")])
def test_connection_that_keeps_dropping_is_told(step):
    with FaultyServer(step) as server, pytest.raises(GatewayError) as caught:
        open_store(server.url).identify()

    assert caught.value.word == "GATEWAY_UNREACHABLE"
    assert "the store dropped the connection" in caught.value.message
    assert len(server.targets) == 2


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (half(ORDERS), "its answer broke off in the middle"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[1"), "broke off"),
        (raw(b"220 mail.example ESMTP ready\r\n"), "does not speak HTTP"),
        (answer(200, b"[]", {"Content-Encoding": "gzip"}), "compressed wrongly"),
    ],
)
def test_answer_that_is_not_whole_is_told(step, message):
    error = failure(step)

    assert error.word == "GATEWAY_ANSWER_MALFORMED"
    assert message in error.message


def test_answer_that_never_ends_is_cut_off():
    bomb = gzip.compress(b" " * 4_000_000)

    error = failure(
        answer(200, bomb, {"Content-Encoding": "gzip"}), http=settings(body_bytes_max=1_000_000)
    )

    assert error.word == "GATEWAY_ANSWER_MALFORMED"
    assert "its answer is longer than 1000000 bytes" in error.message


def test_compressed_answer_is_read_whatever_its_type_says():
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/html", "X-WP-TotalPages": "1"}
    with FaultyServer(answer(200, gzip.compress(b"\xef\xbb\xbf" + ORDERS), headers)) as server:
        page = open_store(server.url).read_orders(since=0, cursor="")

    assert len(page.orders) == 30
    assert server.request_headers[0]["accept-encoding"] == "gzip"


def test_address_where_nothing_listens_is_told():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(GatewayError) as caught:
        open_store(f"http://127.0.0.1:{port}").identify()

    assert caught.value.word == "GATEWAY_UNREACHABLE"
    assert caught.value.message == (
        f"nothing listens at 127.0.0.1:{port} (connection refused): check the address"
    )


def test_name_that_does_not_exist_is_told():
    with pytest.raises(GatewayError) as caught:
        open_store("https://shop.invalid").identify()

    assert caught.value.word == "GATEWAY_UNREACHABLE"
    assert "the name shop.invalid could not be looked up" in caught.value.message


def test_name_that_leads_to_a_private_machine_is_refused_when_it_is_called():
    # An address written as one number passes as a name and is resolved by the system alone.
    store = open_store("https://2130706433:1", settings(allow_private_addresses=False))

    with pytest.raises(GatewayError) as caught:
        store.identify()

    assert caught.value.word == "GATEWAY_REQUEST_REFUSED"
    assert "leads to a machine that this server may not call" in caught.value.message


@contextmanager
def encrypted_server(
    authority: trustme.CA, name: str, not_after: datetime | None = None
) -> Iterator[FaultyServer]:
    """A server whose certificate is for `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=not_after).configure_cert(context)
    listing = answer(200, ORDERS, {"X-WP-TotalPages": "1"})
    with FaultyServer(listing, tls=context) as server:
        yield server


def test_certificate_of_an_extra_authority_is_trusted(tmp_path):
    authority, file = trustme.CA(), tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))

    with encrypted_server(authority, "127.0.0.1") as server:
        store = open_store(server.url, settings(tls=trust_store(str(file))))
        page = store.read_orders(since=0, cursor="")

    assert len(page.orders) == 30


@pytest.mark.parametrize(
    ("name", "not_after", "is_trusted", "why"),
    [
        ("127.0.0.1", None, False, "certificate"),
        ("other.example", None, True, "IP address mismatch"),
        ("127.0.0.1", datetime(2020, 1, 1, tzinfo=UTC), True, "certificate has expired"),
    ],
)
def test_certificate_that_does_not_verify_is_told(tmp_path, name, not_after, is_trusted, why):
    authority, file = trustme.CA(), tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    tls = trust_store(str(file) if is_trusted else None)

    with (
        encrypted_server(authority, name, not_after) as server,
        pytest.raises(GatewayError) as caught,
    ):
        open_store(server.url, settings(tls=tls)).identify()

    assert caught.value.word == "GATEWAY_CERTIFICATE_INVALID"
    assert f"the certificate of 127.0.0.1:{server.port} is not trusted" in caught.value.message
    assert why in caught.value.message


def test_port_that_does_not_speak_https_is_told():
    def serve(connection):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(65536)

    with LoopbackServer(serve) as server, pytest.raises(GatewayError) as caught:
        open_store(f"https://127.0.0.1:{server.port}").identify()

    assert caught.value.word == "GATEWAY_UNREACHABLE"
    assert "does not speak https (wrong version number)" in caught.value.message


def test_extra_authority_that_is_no_certificate_is_refused(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")

    for name in ("empty.pem", "absent.pem"):
        with pytest.raises(InvalidInput, match="extra_ca_file"):
            trust_store(str(tmp_path / name))
