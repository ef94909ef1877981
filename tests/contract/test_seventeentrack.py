"""The gateway to 17TRACK against recorded answers and faults, and against the pretend carrier."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from oms.domain.errors import GatewayError, InvalidInput
from oms.domain.packages import recompute
from oms.domain.tracking import Meaning, PackageState, ParcelNumber, TrackingEvent
from oms.gateways.carriers.seventeentrack import PARCELS_PER_CALL_MAX, SeventeenTrack
from oms.gateways.http import HttpSettings, trust_store
from oms.usecases.ports import CarrierGateway

S = PackageState
TLS = trust_store()
FIXTURES = Path(__file__).parents[1] / "fixtures" / "17track"
DELIVERED = (FIXTURES / "v2.2-gettrackinfo-delivered-chinapost.json").read_bytes()
RR = ParcelNumber("3011", "RR123456789CN")
LONE = ParcelNumber("", "LP00123456789")


@dataclass
class SetClock:
    at_ms: int = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.at_ms


@dataclass
class Script:
    """What the server answers, and what it was asked."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    stall_seconds: float = 0.0
    claimed_length: int | None = None
    calls: list[tuple[str, str, object]] = field(default_factory=list)

    def says(self, accepted=(), rejected=()):
        data = {"accepted": list(accepted), "rejected": list(rejected)}
        self.body = json.dumps({"code": 0, "data": data}).encode()


def handler_of(script):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            asked = json.loads(self.rfile.read(length))
            script.calls.append((self.path, self.headers["17token"], asked))
            time.sleep(script.stall_seconds)
            self.send_response(script.status)
            for name, value in script.headers.items():
                self.send_header(name, value)
            whole = len(script.body) if script.claimed_length is None else script.claimed_length
            self.send_header("Content-Length", str(whole))
            self.end_headers()
            self.wfile.write(script.body)
            self.close_connection = script.claimed_length is not None

        def log_message(self, *args):
            pass

    return Handler


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A caller that lost patience is part of the test."""


@contextmanager
def gateway_to(base_url, *, token="secret-key", timeout_seconds=5.0, body_bytes_max=10**9):
    settings = HttpSettings(
        SetClock(),
        TLS,
        timeout_seconds=timeout_seconds,
        body_bytes_max=body_bytes_max,
        allow_private_addresses=True,
        pause=lambda _: None,
    )
    with closing(SeventeenTrack(token, settings, base_url=base_url)) as gateway:
        yield gateway


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def server_url(script) -> Iterator[str]:
    server = Server(("127.0.0.1", 0), handler_of(script))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def gateway(server_url) -> Iterator[SeventeenTrack]:
    with gateway_to(server_url) as opened:
        yield opened


def scan(sub_status, **changes):
    plain = {
        "time_utc": "2026-05-02T18:34:00Z",
        "description": "said",
        "location": "BERLIN",
        "stage": None,
        "sub_status": sub_status,
    }
    return {**plain, **changes}


def item(number, *events, carrier=3011, status=None):
    latest = status or (events[0]["sub_status"] if events else "NotFound_Other")
    info = {
        "latest_status": {"status": latest.partition("_")[0], "sub_status": latest},
        "tracking": {"providers": [{"provider": {"key": carrier}, "events": list(events)}]},
    }
    return {"number": number, "carrier": carrier, "track_info": info}


def rejection(number, code, message="because."):
    return {"number": number, "error": {"code": code, "message": message}}


# What is sent, and what the recorded answers become.


def test_gateway_is_one_of_the_port(gateway):
    port: CarrierGateway = gateway

    assert (port.name, port.batch_size_max) == ("17track", 40)


def test_register_sends_key_and_carrier_as_documented(script, gateway):
    script.says(accepted=[{"origin": 1, "number": RR.tracking_number, "carrier": 3011}])

    gateway.register([RR, LONE])

    asked = [{"number": "RR123456789CN", "carrier": 3011}, {"number": "LP00123456789"}]
    assert script.calls == [("/track/v2.2/register", "secret-key", asked)]


def test_recorded_delivery_is_read_whole(script, gateway):
    script.body = DELIVERED

    [report] = gateway.fetch([RR])

    assert script.calls[0][0] == "/track/v2.2/gettrackinfo"
    assert (report.parcel, report.refusal) == (RR, "")
    assert (report.latest, report.raw_status) == (Meaning(S.DELIVERED), "Delivered_Other")
    assert report.events == tuple(
        TrackingEvent(at, Meaning(state), raw, words, where, "17track")
        for at, state, raw, words, where in [
            (1650852000, S.ANNOUNCED, "InfoReceived", "Order information received", "SHENZHEN"),
            (1650954600, S.HANDED_OVER, "InTransit_PickedUp", "Package picked up", "SHENZHEN"),
            (
                1651150800,
                S.IN_TRANSIT,
                "InTransit_Other",
                "Departed from facility",
                "LOS ANGELES, CA",
            ),
            (1651516440, S.DELIVERED, "Delivered_Other", "Package delivered", "LOS ANGELES, CA"),
        ]
    )
    assert recompute(report.events).delivered_at == 1651516440


def test_recorded_second_registration_is_a_success(script, gateway):
    # The number of the recorded answer is shorter than 17TRACK accepts, so it is put in place.
    recorded = (FIXTURES / "v2.2-register-already.json").read_bytes()
    script.body = recorded.replace(b'"x"', b'"RR123456789CN"')

    assert gateway.register([RR]) == {}


@pytest.mark.parametrize("status", [200, 401])
def test_recorded_refusal_of_the_key_says_what_to_check(script, gateway, status):
    script.status, script.body = status, (FIXTURES / "v2.2-auth-error.json").read_bytes()

    with pytest.raises(GatewayError, match=r"17TRACK refused the key .*Invalid security key") as it:
        gateway.fetch([RR])

    assert (it.value.word, it.value.retryable) == ("GATEWAY_CREDENTIALS_REFUSED", False)
    assert "secret-key" not in it.value.message


# Unknown words.


def test_unknown_status_is_kept_raw_and_moves_nothing(script, gateway):
    script.says(accepted=[item("RR123456789CN", scan("Teleported_Other", stage="Teleported"))])

    [report] = gateway.fetch([RR])

    assert (report.latest, report.raw_status) == (Meaning(None), "Teleported_Other")
    assert [(event.meaning, event.raw_status) for event in report.events] == [
        (Meaning(None), "Teleported_Other")
    ]


def test_stage_speaks_where_the_sub_status_is_missing(script, gateway):
    script.says(accepted=[item("RR123456789CN", scan(None, stage="PickedUp"), status="InTransit")])

    [report] = gateway.fetch([RR])

    assert report.events[0].meaning == Meaning(S.HANDED_OVER)
    assert report.events[0].raw_status == "PickedUp"


# One number never stops the others.


def test_rejections_are_told_for_each_number(script, gateway):
    parcels = [ParcelNumber("", f"NUMBER-{index}") for index in range(5)]
    script.says(
        accepted=[{"origin": 1, "number": "NUMBER-0", "carrier": 3011}],
        rejected=[
            rejection("NUMBER-1", -18019901),
            rejection("NUMBER-2", -18019903),
            rejection("NUMBER-3", -18019999, "Something new."),
        ],
    )

    refusals = gateway.register(parcels)

    assert list(refusals) == parcels[2:]
    assert "enter the carrier's code (-18019903: because.)" in refusals[parcels[2]]
    assert "does not follow this parcel (-18019999: Something new.)" in refusals[parcels[3]]
    assert refusals[parcels[4]] == "17TRACK said nothing of this parcel"


def test_unregistered_and_unreadable_numbers_are_reported_beside_the_others(script, gateway):
    parcels = [RR, *(ParcelNumber("", f"NUMBER-{index}") for index in range(5))]
    broken = item("NUMBER-1")
    broken["track_info"]["tracking"] = "none"
    delivered = json.loads(DELIVERED)["data"]["accepted"]
    script.says(
        accepted=[broken, "nonsense", {"number": "NUMBER-3", "carrier": 1}, *delivered],
        rejected=[
            None,
            rejection("NUMBER-0", -18019902),
            rejection("NUMBER-2", -18019909),
            {"number": "NUMBER-4", "error": "no"},
        ],
    )

    reports = {report.parcel: report for report in gateway.fetch(parcels)}

    assert list(reports) == parcels
    assert len(reports[RR].events) == 4
    assert "does not follow this parcel yet (-18019902: because.)" in reports[parcels[1]].refusal
    assert "tracking is no object" in reports[parcels[2]].refusal
    assert [reports[parcel].refusal for parcel in parcels[3:5]] == ["", ""]
    assert [reports[parcel].latest for parcel in parcels[1:]] == [Meaning(None)] * 5
    assert reports[parcels[5]].refusal == "17TRACK refused it: it does not follow this parcel (-1)"


def test_unacceptable_numbers_and_codes_are_never_sent(script, gateway):
    script.says(accepted=[{"number": "RR123456789CN", "carrier": 3011}])
    wrong = [ParcelNumber("usps", "RR123456789CN"), ParcelNumber("", "RR 1"), ParcelNumber("", "")]

    refusals = gateway.register([*wrong, RR])

    assert list(refusals) == wrong
    assert "3011" in refusals[wrong[0]]
    assert script.calls[0][2] == [{"number": "RR123456789CN", "carrier": 3011}]


def test_nothing_is_sent_for_nothing(script, gateway):
    assert (gateway.register([]), list(gateway.fetch([]))) == ({}, [])
    assert script.calls == []


def test_more_than_a_batch_is_a_mistake_of_the_caller(gateway):
    with pytest.raises(AssertionError):
        gateway.fetch([ParcelNumber("", f"NUMBER-{n}") for n in range(PARCELS_PER_CALL_MAX + 1)])


def test_same_number_of_two_carriers_is_kept_apart(script, gateway):
    other = ParcelNumber("21051", "RR123456789CN")
    script.says(
        accepted=[
            item("RR123456789CN", scan("Delivered_Other"), carrier=21051),
            item("RR123456789CN", scan("InTransit_Other"), carrier=3011),
        ]
    )

    states = {report.parcel: report.latest.state for report in gateway.fetch([RR, other])}

    assert states == {RR: S.IN_TRANSIT, other: S.DELIVERED}


def test_number_without_carrier_gets_all_that_is_known_of_it(script, gateway):
    older = scan("InTransit_PickedUp", time_utc="2026-05-01T00:00:00Z")
    script.says(
        accepted=[
            item("lp00123456789", older, carrier=1),
            item("LP00123456789", scan("Delivered_Other"), older, carrier=2),
        ]
    )

    [report] = gateway.fetch([LONE])

    assert report.latest == Meaning(S.DELIVERED)
    assert [event.meaning.state for event in report.events] == [S.HANDED_OVER, S.DELIVERED]


# Times and texts.


@pytest.mark.parametrize(
    "changes",
    [
        {"time_utc": "2026-05-02T18:34:00Z"},
        {"time_utc": "2026-05-02T18:34:00"},
        {"time_utc": None, "time_iso": "2026-05-02T14:34:00-04:00"},
        {"time_utc": "soon", "time_iso": "2026-05-02T18:34:00"},
        {"time_utc": "0001-01-01T00:00:00Z", "time_iso": "2026-05-02T18:34:00Z"},
        {
            "time_utc": 7,
            "time_raw": {"date": "2026-05-02", "time": "14:34:00", "timezone": "-04:00"},
        },
        {"time_utc": "", "time_raw": {"date": "2026-05-02", "time": "18:34:00", "timezone": "?"}},
    ],
)
def test_time_is_read_in_every_form(script, gateway, changes):
    script.says(accepted=[item("RR123456789CN", scan("Delivered_Other", **changes))])

    [report] = gateway.fetch([RR])

    assert [event.occurred_at for event in report.events] == [1777746840]


def test_day_without_a_time_is_its_beginning(script, gateway):
    raw = {"date": "2026-05-02", "time": None, "timezone": None}
    script.says(accepted=[item("RR123456789CN", scan("X", time_utc=None, time_raw=raw))])

    assert [event.occurred_at for event in gateway.fetch([RR])[0].events] == [1777680000]


def test_scan_without_time_is_kept_at_the_time_of_the_one_before(script, gateway):
    untimed = {"time_utc": None}
    script.says(
        accepted=[
            item(
                "RR123456789CN",
                scan("Delivered_Other", **untimed),
                scan("OutForDelivery_Other", time_utc="2026-05-03T00:00:00Z"),
                scan("InTransit_Other", time_utc="2026-05-01T00:00:00Z"),
                scan("InfoReceived", **untimed),
            )
        ]
    )

    [report] = gateway.fetch([RR])

    told = {event.raw_status: event.occurred_at for event in report.events}
    assert told["Delivered_Other"] == told["OutForDelivery_Other"] == 1777766400
    assert told["InfoReceived"] == told["InTransit_Other"] == 1777593600
    assert recompute(report.events).state == S.DELIVERED


def test_scans_without_any_time_are_counted_in_the_refusal(script, gateway):
    scans = [scan("Delivered_Other", time_utc=None), scan("InTransit_Other", time_utc=None)]
    script.says(accepted=[item("RR123456789CN", *scans)])

    [report] = gateway.fetch([RR])

    assert (report.events, report.latest) == ((), Meaning(S.DELIVERED))
    assert report.refusal.startswith("17TRACK sent 2 events")


def test_texts_are_made_fit_for_a_database(script, gateway):
    address = {"country": "DE", "state": None, "city": "BERLIN"}
    odd = scan("InTransit_Other", description="a\0b\ud800" + "c" * 2000, location=None)
    script.says(accepted=[item("RR123456789CN", odd | {"address": address})])

    [event] = gateway.fetch([RR])[0].events

    assert event.location == "BERLIN, DE"
    assert event.description.startswith("a b\ufffdccc")
    assert len(event.description) == 1000


# Faults.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": 401}, "GATEWAY_CREDENTIALS_REFUSED"),
        ({"status": 404}, "GATEWAY_NOT_FOUND"),
        ({"status": 429}, "GATEWAY_THROTTLED"),
        ({"status": 500}, "GATEWAY_SERVER_ERROR"),
        ({"status": 503}, "GATEWAY_SERVER_ERROR"),
        ({"status": 302, "headers": {"Location": "/login"}}, "GATEWAY_NOT_FOUND"),
        ({"body": b"<html>maintenance</html>"}, "GATEWAY_ANSWER_MALFORMED"),
        ({"body": DELIVERED[:500]}, "GATEWAY_ANSWER_MALFORMED"),
        ({"body": DELIVERED[:500], "claimed_length": 999}, "GATEWAY_ANSWER_MALFORMED"),
        ({"body": b""}, "GATEWAY_ANSWER_MALFORMED"),
        ({"body": b"[]"}, "GATEWAY_ANSWER_MALFORMED"),
        ({"body": b'{"code": "0"}'}, "GATEWAY_ANSWER_MALFORMED"),
        ({"body": b'{"code": 0, "data": []}'}, "GATEWAY_ANSWER_MALFORMED"),
        ({"body": b'{"code": 0, "data": {"accepted": {}}}'}, "GATEWAY_ANSWER_MALFORMED"),
        ({"body": b'{"code": -18010001, "data": null}'}, "GATEWAY_CREDENTIALS_REFUSED"),
        ({"body": b'{"code": 429, "data": {"errors": [1]}}'}, "GATEWAY_THROTTLED"),
        ({"body": b'{"code": -18019907}'}, "GATEWAY_THROTTLED"),
        ({"body": b'{"code": -18019908}'}, "GATEWAY_REQUEST_REFUSED"),
        ({"body": b'{"code": -18010014}'}, "GATEWAY_REQUEST_REFUSED"),
        ({"body": b'{"code": -1}'}, "GATEWAY_SERVER_ERROR"),
        (
            {"body": b'{"code": 0, "data": {}, "x": "' + b"x" * 9_000_000},
            "GATEWAY_ANSWER_MALFORMED",
        ),
    ],
)
@pytest.mark.parametrize("call", ["register", "fetch"])
def test_faults_are_told_in_plain_words(script, gateway, changes, reason, call):
    for name, value in changes.items():
        setattr(script, name, value)

    with pytest.raises(GatewayError) as failure:
        getattr(gateway, call)([RR])

    assert failure.value.word == reason
    assert "17TRACK" in failure.value.message
    assert "secret-key" not in failure.value.message


def test_throttling_says_how_long_to_wait(script, gateway):
    script.status, script.headers = 429, {"Retry-After": "7"}

    with pytest.raises(GatewayError) as failure:
        gateway.fetch([RR])

    assert failure.value.retry_after_seconds == 7


def test_slow_answer_is_given_up(script, server_url):
    script.stall_seconds = 1.0

    impatient = gateway_to(server_url, timeout_seconds=0.2)
    with impatient as gateway, pytest.raises(GatewayError) as failure:
        gateway.fetch([RR])

    assert failure.value.word == "GATEWAY_TIMEOUT"


def test_nobody_listening_is_told():
    with gateway_to("http://127.0.0.1:9") as lonely, pytest.raises(GatewayError) as failure:
        lonely.fetch([RR])

    assert failure.value.word == "GATEWAY_UNREACHABLE"


@pytest.mark.parametrize("token", ["", "two\nlines", "schlüssel"])
def test_key_that_cannot_be_one_is_refused(token):
    with pytest.raises(InvalidInput), gateway_to("http://127.0.0.1:9", token=token):
        pass


def test_calls_keep_to_three_a_second(script, server_url):
    pauses: list[float] = []
    settings = HttpSettings(SetClock(), TLS, allow_private_addresses=True, pause=pauses.append)
    script.body = DELIVERED

    with closing(SeventeenTrack("key", settings, base_url=server_url)) as gateway:
        gateway.fetch([RR])
        gateway.fetch([RR])

    assert len(pauses) == 1
    assert 0.2 < pauses[0] <= 0.35
