"""A pretend carrier: 17TRACK's API v2.2 on loopback, for demonstrations and tests.

Every number that is registered starts a journey at once. Which one follows from the number, how
fast it goes from `seconds_per_step`.
"""

import json
import re
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from oms.usecases.ports import Clock

TOKEN: Final = "demo-carrier-token"  # noqa: S105 - It opens nothing but this pretence.
NUMBERS_PER_CALL_MAX: Final = 40
NUMBERS_MAX: Final = 100_000  # Registered ones; a pretence must not fill the machine.
BODY_BYTES_MAX: Final = 1024 * 1024
SECONDS_TO_NOTICE_THE_END: Final = 0.05
DETECTED_CARRIER: Final = 3011  # China Post.
_NUMBER: Final = re.compile(r"[A-Za-z0-9-]{5,50}")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One scan of a journey."""

    sub_status: str
    description: str
    city: str
    country: str


_ANNOUNCED: Final = Step("InfoReceived", "Order information received", "Shenzhen", "CN")
_PICKED_UP: Final = Step("InTransit_PickedUp", "Picked up by the carrier", "Shenzhen", "CN")
_DEPARTED: Final = Step("InTransit_Departure", "Departed from the airport", "Hong Kong", "HK")
_ARRIVED: Final = Step("InTransit_Arrival", "Arrived in the destination country", "Hamburg", "DE")
_WITH_COURIER: Final = Step("OutForDelivery_Other", "With the courier", "Berlin", "DE")
_DELIVERED: Final = Step("Delivered_Other", "Delivered", "Berlin", "DE")

JOURNEYS: Final[Mapping[str, Sequence[Step]]] = {
    "SMOOTH": (_ANNOUNCED, _PICKED_UP, _DEPARTED, _ARRIVED, _WITH_COURIER, _DELIVERED),
    "ATTEMPT": (
        _ANNOUNCED,
        _PICKED_UP,
        _ARRIVED,
        _WITH_COURIER,
        Step("DeliveryFailure_NoBody", "Nobody was at home", "Berlin", "DE"),
        _WITH_COURIER,
        _DELIVERED,
    ),
    "CUSTOMS": (
        _ANNOUNCED,
        _PICKED_UP,
        _ARRIVED,
        Step("InTransit_CustomsProcessing", "Presented to customs", "Leipzig", "DE"),
        Step("InTransit_CustomsRequiringInformation", "Customs ask for papers", "Leipzig", "DE"),
        Step("InTransit_CustomsReleased", "Released by customs", "Leipzig", "DE"),
        _WITH_COURIER,
        _DELIVERED,
    ),
    "RETURN": (
        _ANNOUNCED,
        _PICKED_UP,
        _ARRIVED,
        Step("DeliveryFailure_Rejected", "The recipient refused the parcel", "Berlin", "DE"),
        Step("Exception_Returning", "On its way back to the sender", "Berlin", "DE"),
        Step("Exception_Returned", "Back at the sender", "Shenzhen", "CN"),
    ),
    "LOST": (
        _ANNOUNCED,
        _PICKED_UP,
        _DEPARTED,
        Step("Exception_Lost", "The parcel could not be found", "Hong Kong", "HK"),
    ),
}

# One number in ten is lost and one goes back; half of them travel smoothly.
_SHARES: Final = ("SMOOTH",) * 5 + ("ATTEMPT", "ATTEMPT", "CUSTOMS", "RETURN", "LOST")


def journey_of(number: str) -> Sequence[Step]:
    """Choose a journey: by its name if the number holds one (DEMO-LOST-1), else by lot."""
    named = (steps for name, steps in JOURNEYS.items() if name in number.upper())
    return next(named, JOURNEYS[_SHARES[zlib.crc32(number.encode()) % len(_SHARES)]])


class PretendCarrier:
    """The service. `with PretendCarrier(clock) as carrier:` listens at `carrier.base_url`."""

    def __init__(
        self, clock: Clock, *, seconds_per_step: float = 10.0, token: str = TOKEN, port: int = 0
    ) -> None:
        """Listen on loopback, on a free port unless one is given.

        A registered parcel makes a step every `seconds_per_step` seconds of `clock`.
        """
        self._clock = clock
        self._token = token
        self._seconds_per_step = seconds_per_step
        self._registered_at_ms: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"carrier": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(SECONDS_TO_NOTICE_THE_END,), daemon=True
        )

    @property
    def base_url(self) -> str:
        """The address to give to the gateway."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to answer; what was registered is forgotten."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, token: str, body: bytes) -> tuple[HTTPStatus, Document]:
        """Answer one call as 17TRACK does."""
        calls = {
            "/track/v2.2/register": self._register,
            "/track/v2.2/gettrackinfo": self._look_up,
        }
        if token != self._token:
            return HTTPStatus.UNAUTHORIZED, _failed(-18010002, "Invalid security key.")
        if path not in calls:
            return HTTPStatus.NOT_FOUND, _failed(404, "Not found.")
        items = _parse(body)
        if items is None:
            return HTTPStatus.OK, _failed(-18010013, "Submitted data is invalid.")
        if len(items) > NUMBERS_PER_CALL_MAX:
            return HTTPStatus.OK, _failed(-18010014, "Tracking numbers exceed the 40 limit.")
        accepted: list[Document] = []
        rejected: list[Document] = []
        with self._lock:
            for item in items:
                done = calls[path](str(item.get("number", "")), item.get("carrier"))
                (rejected if "error" in done else accepted).append(done)
        return HTTPStatus.OK, {"code": 0, "data": {"accepted": accepted, "rejected": rejected}}

    def _register(self, number: str, carrier: object) -> Document:
        if not _NUMBER.fullmatch(number):
            return _rejected(number, -18010012, f"The format of '{number}' is invalid.")
        if carrier is not None and not isinstance(carrier, int):
            return _rejected(number, -18019910, f"The carrier code '{carrier}' is incorrect.")
        if len(self._registered_at_ms) >= NUMBERS_MAX:
            return _rejected(number, -18019907, "The daily tracking limit is exceeded.")
        key = number.upper(), carrier or DETECTED_CARRIER
        if key in self._registered_at_ms:
            words = f"The tracking number '{number}' has been registered."
            return _rejected(number, -18019901, words)
        self._registered_at_ms[key] = self._clock.now_ms()
        origin = 2 if carrier else 1
        return {"origin": origin, "number": key[0], "carrier": key[1], "tag": None}

    def _look_up(self, number: str, carrier: object) -> Document:
        code = carrier if isinstance(carrier, int) else DETECTED_CARRIER
        registered_at_ms = self._registered_at_ms.get((number.upper(), code))
        if registered_at_ms is None:
            words = f"The tracking number '{number}' does not register, please register first."
            return _rejected(number, -18019902, words)
        age_seconds = (self._clock.now_ms() - registered_at_ms) / 1000
        made = journey_of(number)[: max(0, int(age_seconds // self._seconds_per_step))]
        events = [
            _event(step, registered_at_ms / 1000 + position * self._seconds_per_step)
            for position, step in enumerate(made, start=1)
        ]
        info = _track_info(code, events[::-1])
        return {"number": number.upper(), "carrier": code, "tag": None, "track_info": info}


class _Handler(BaseHTTPRequestHandler):
    carrier: PretendCarrier
    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = -1  # Head and body in one packet; apart, the second waits 40 ms for an answer.

    def do_POST(self) -> None:
        """Answer one call."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = self.rfile.read(int(length))
        status, document = self.carrier.answer(self.path, self.headers.get("17token", ""), body)
        encoded = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - The base's name.
        """Keep the demonstration's screen free of calls."""


def _parse(body: bytes) -> list[Document] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    is_list = isinstance(document, list) and bool(document)
    return document if is_list and all(isinstance(item, dict) for item in document) else None


def _failed(code: int, message: str) -> Document:
    return {"code": code, "data": {"errors": [{"code": code, "message": message}]}}


def _rejected(number: str, code: int, message: str) -> Document:
    return {"number": number, "tag": None, "error": {"code": code, "message": message}}


def _event(step: Step, occurred_at: float) -> Document:
    moment = datetime.fromtimestamp(int(occurred_at), UTC)
    return {
        "time_iso": moment.isoformat(),
        "time_utc": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "time_raw": {
            "date": moment.strftime("%Y-%m-%d"),
            "time": moment.strftime("%H:%M:%S"),
            "timezone": "+00:00",
        },
        "description": step.description,
        "location": f"{step.city}, {step.country}",
        "stage": step.sub_status.removeprefix("InTransit_").removesuffix("_Other"),
        "sub_status": step.sub_status,
        "address": {"country": step.country, "state": None, "city": step.city},
    }


def _track_info(carrier: int, events: Sequence[Document]) -> Document:
    """Build what is known of a parcel from its events, newest first."""
    latest = events[0] if events else None
    sub_status = latest["sub_status"] if latest else "NotFound_Other"
    provider = {"key": carrier, "name": "Pretend Carrier", "country": "CN"}
    return {
        "latest_status": {
            "status": sub_status.partition("_")[0],
            "sub_status": sub_status,
            "sub_status_descr": None,
        },
        "latest_event": latest,
        "tracking": {"providers_hash": 0, "providers": [{"provider": provider, "events": events}]},
    }
