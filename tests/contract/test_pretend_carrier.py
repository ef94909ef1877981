"""The pretend carrier behaves as 17TRACK does, seen through the gateway."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from app.demo.carrier import JOURNEYS, TOKEN, PretendCarrier, journey_of
from oms.domain.errors import GatewayError
from oms.domain.packages import recompute
from oms.domain.tracking import ExceptionReason, Meaning, PackageState, ParcelNumber
from oms.gateways.carriers.seventeentrack import SeventeenTrack
from oms.gateways.http import HttpSettings, trust_store

S, R = PackageState, ExceptionReason
SECONDS_PER_STEP = 10
TLS = trust_store()


class SetClock:
    def __init__(self):
        self.at_ms = 1_800_000_000_000

    def now_ms(self):
        return self.at_ms


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def carrier(clock) -> Iterator[PretendCarrier]:
    with PretendCarrier(clock, seconds_per_step=SECONDS_PER_STEP) as running:
        yield running


@pytest.fixture
def gateway(carrier, clock) -> Iterator[SeventeenTrack]:
    with closing(open_gateway(carrier, clock)) as opened:
        yield opened


def open_gateway(carrier, clock, token=TOKEN):
    settings = HttpSettings(clock, TLS, allow_private_addresses=True, pause=lambda _: None)
    return SeventeenTrack(token, settings, base_url=carrier.base_url)


def travel(gateway, clock, number):
    """Return the states that a parcel is seen in, step by step, until it stays where it is."""
    parcel = ParcelNumber("", number)
    assert gateway.register([parcel]) == {}
    seen = []
    for _ in range(len(journey_of(number)) + 2):
        [report] = gateway.fetch([parcel])
        assert report.refusal == ""
        seen.append(recompute(report.events).state)
        clock.at_ms += SECONDS_PER_STEP * 1000
    return seen


def test_smooth_journey_ends_at_the_door(gateway, clock):
    assert travel(gateway, clock, "DEMO-SMOOTH-1") == [
        S.ANNOUNCED,
        S.ANNOUNCED,
        S.HANDED_OVER,
        S.IN_TRANSIT,
        S.IN_TRANSIT,
        S.OUT_FOR_DELIVERY,
        S.DELIVERED,
        S.DELIVERED,
    ]


@pytest.mark.parametrize(
    ("number", "trouble", "end"),
    [
        ("DEMO-ATTEMPT-1", Meaning(S.EXCEPTION, R.ATTEMPT_FAILED), S.DELIVERED),
        ("DEMO-CUSTOMS-1", Meaning(S.EXCEPTION, R.CUSTOMS), S.DELIVERED),
        ("DEMO-RETURN-1", Meaning(S.EXCEPTION, R.REFUSED), S.RETURNED),
        ("DEMO-LOST-1", Meaning(S.EXCEPTION, R.LOST), S.EXCEPTION),
    ],
)
def test_troubled_journeys_end_as_they_should(gateway, clock, number, trouble, end):
    seen = travel(gateway, clock, number)

    [report] = gateway.fetch([ParcelNumber("", number)])
    assert trouble in [event.meaning for event in report.events]
    assert seen[-1] == end
    assert report.latest.state == end


def test_nothing_is_known_before_the_first_step(gateway):
    parcel = ParcelNumber("", "DEMO-SMOOTH-2")
    gateway.register([parcel])

    [report] = gateway.fetch([parcel])

    assert (report.latest, report.raw_status) == (Meaning(None), "NotFound_Other")
    assert (report.events, report.refusal) == ((), "")


def test_registering_twice_is_harmless(gateway, clock):
    parcel = ParcelNumber("3011", "DEMO-SMOOTH-3")
    gateway.register([parcel])
    clock.at_ms += 6 * SECONDS_PER_STEP * 1000

    assert gateway.register([parcel]) == {}
    assert gateway.fetch([parcel])[0].latest == Meaning(S.DELIVERED)


def test_unregistered_and_malformed_numbers_are_refused_alone(gateway):
    good, unknown, odd = (ParcelNumber("", text) for text in ("DEMO-1", "DEMO-2", "DEMO/3"))

    refusals = gateway.register([good, odd])
    reports = gateway.fetch([good, unknown])

    assert list(refusals) == [odd]
    assert reports[0].refusal == ""
    assert "-18019902" in reports[1].refusal


def test_wrong_key_is_refused(carrier, clock):
    stranger = closing(open_gateway(carrier, clock, token="wrong"))
    refused = pytest.raises(GatewayError, match="Invalid security key")
    with stranger as gateway, refused as failure:
        gateway.fetch([ParcelNumber("", "DEMO-1")])

    assert failure.value.word == "GATEWAY_CREDENTIALS_REFUSED"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/track/v2.2/register", b"[" + b'{"number": "DEMO-1"},' * 40 + b"{}]", 200, -18010014),
        ("/track/v2.2/register", b"{}", 200, -18010013),
        ("/track/v2.2/register", b"half", 200, -18010013),
        ("/track/v1/register", b"[{}]", 404, 404),
    ],
)
def test_wrong_calls_are_refused_whole(carrier, path, body, status, code):
    answered, document = carrier.answer(path, TOKEN, body)

    assert (answered, document["code"]) == (status, code)


def test_journeys_are_drawn_by_the_number_and_all_occur():
    drawn = [journey_of(f"RR{n:09}CN") for n in range(200)]

    assert {id(steps) for steps in drawn} == {id(steps) for steps in JOURNEYS.values()}
    assert drawn == [journey_of(f"RR{n:09}CN") for n in range(200)]
