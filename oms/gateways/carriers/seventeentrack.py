"""17TRACK, API v2.2: one service that follows parcels of some 2,000 carriers.

https://asset.17track.net/api/document/v2.2_en/index.html describes it. Following a number costs one
unit of quota, once; reading it costs nothing.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from oms.domain.errors import GatewayError, InvalidInput
from oms.domain.tracking import ParcelNumber, TrackingReport
from oms.gateways.carriers.seventeentrack_answers import (
    NAME,
    Item,
    UnreadableError,
    read_list,
    read_object,
    read_report,
    read_text,
    refused,
)
from oms.gateways.http import HttpSettings, JsonClient
from oms.gateways.http_address import parse_base_url
from oms.gateways.http_words import Wording, malformed, plain_words

BASE_URL: Final = "https://api.17track.net"
PARCELS_PER_CALL_MAX: Final = 40
SECONDS_BETWEEN_CALLS: Final = 0.35  # At most 3 calls a second are answered.
BODY_BYTES_MAX: Final = 8 * 1024 * 1024  # Forty parcels with long histories are half a megabyte.
WORDS_CHARACTERS_MAX: Final = 200  # Of a refusal.
RETRY_AFTER_DAILY_LIMIT_SECONDS: Final = 3600.0

_WORDING: Final = Wording(
    subject="17TRACK",
    if_refused="the access key, and whether this server's address is on its list of allowed ones",
    if_missing="the address of its API",
)

_NUMBER: Final = re.compile(r"[!-~]{5,50}")
_CARRIER_CODE: Final = re.compile(r"[0-9]{0,9}")

_ALREADY_REGISTERED: Final = -18019901
_DAILY_LIMIT: Final = -18019907
_NOTHING_KNOWN_YET: Final = -18019909

# The code of a whole answer -> what it is to us; other codes are failures that may pass.
_REASONS: Final[Mapping[int, str]] = {
    401: "GATEWAY_CREDENTIALS_REFUSED",
    429: "GATEWAY_THROTTLED",
    -18010001: "GATEWAY_CREDENTIALS_REFUSED",  # The address is not on the list of allowed ones.
    -18010002: "GATEWAY_CREDENTIALS_REFUSED",
    -18010003: "GATEWAY_SERVER_ERROR",
    -18010004: "GATEWAY_CREDENTIALS_REFUSED",  # The account is disabled.
    -18010005: "GATEWAY_CREDENTIALS_REFUSED",
    -18010010: "GATEWAY_REQUEST_REFUSED",
    -18010011: "GATEWAY_REQUEST_REFUSED",
    -18010012: "GATEWAY_REQUEST_REFUSED",
    -18010013: "GATEWAY_REQUEST_REFUSED",
    -18010014: "GATEWAY_REQUEST_REFUSED",
    -18010015: "GATEWAY_REQUEST_REFUSED",
    _DAILY_LIMIT: "GATEWAY_THROTTLED",
    -18019908: "GATEWAY_REQUEST_REFUSED",  # The quota is used up, until somebody buys more.
}

# The code of one number -> what to do about it; other codes are told in 17TRACK's words alone.
_ADVICE: Final[Mapping[int, str]] = {
    -18010012: "the tracking number is not written as one, check it",
    -18019902: "it does not follow this parcel yet",
    -18019903: "it cannot tell the carrier from the number, enter the carrier's code",
    _DAILY_LIMIT: "it takes no more parcels today",
    -18019908: "its quota is used up, buy more",
    -18019910: "it knows no carrier with this code, check it",
    -18019911: "it cannot follow parcels of this carrier",
}


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the answer says of one parcel: what is known, or the error with its words."""

    item: Item
    code: int = 0
    words: str = ""

    @property
    def refusal(self) -> str:
        advice = _ADVICE.get(self.code, "it does not follow this parcel")
        said = f"{self.code}: {self.words}" if self.words else f"{self.code}"
        return f"17TRACK refused it: {advice} ({said})"


class SeventeenTrack:
    """The gateway to 17TRACK. A carrier's code is 17TRACK's number for it, or empty."""

    name: str = NAME
    batch_size_max: int = PARCELS_PER_CALL_MAX

    def __init__(
        self,
        token: str,
        settings: HttpSettings,
        *,
        base_url: str = BASE_URL,
        pace: Callable[[], float] | None = None,
    ) -> None:
        """Prepare calls with the access key `token`; nothing is sent yet.

        `pace` reserves the next call and returns the seconds to wait before it. The key's limit is
        for all who use it, so processes that share a key share a pace; without one this gateway
        keeps its own.

        Raises:
            InvalidInput: the key cannot be one, or the address is not acceptable.
        """
        if not token or not token.isascii() or not token.isprintable():
            raise InvalidInput.of("token", "enter the access key as 17TRACK shows it")
        bounded = replace(settings, body_bytes_max=min(settings.body_bytes_max, BODY_BYTES_MAX))
        base = parse_base_url(base_url, allow_private=settings.allow_private_addresses)
        headers = {"17token": token}
        self._client = JsonClient(base, bounded, _WORDING, headers=headers, secrets=[token])
        self._pause = settings.pause
        self._pace = pace or _OwnPace().reserve

    def register(self, parcels: Sequence[ParcelNumber]) -> Mapping[ParcelNumber, str]:
        """Ask to follow parcels; see the port."""
        refusals = {}
        for parcel, verdicts in self._ask("/track/v2.2/register", parcels).items():
            is_followed = any(verdict.code in (0, _ALREADY_REGISTERED) for verdict in verdicts)
            if not is_followed:
                refusals[parcel] = _refusal(parcel, verdicts)
        return refusals

    def fetch(self, parcels: Sequence[ParcelNumber]) -> Sequence[TrackingReport]:
        """Read what is known of registered parcels; see the port."""
        answers = self._ask("/track/v2.2/gettrackinfo", parcels)
        return [_report(parcel, verdicts) for parcel, verdicts in answers.items()]

    def close(self) -> None:
        """Let go of the kept connection."""
        self._client.close()

    def _ask(
        self, path: str, parcels: Sequence[ParcelNumber]
    ) -> dict[ParcelNumber, list[_Verdict]]:
        """Call once for all parcels, and return what was said of each: nothing, once or more."""
        assert len(parcels) <= PARCELS_PER_CALL_MAX, "the caller keeps to batch_size_max"
        verdicts: dict[ParcelNumber, list[_Verdict]] = {parcel: [] for parcel in parcels}
        asked = [parcel for parcel in verdicts if not _obstacle(parcel)]
        if not asked:
            return verdicts
        self._wait_for_turn()
        answer = self._client.post(path, [_request(parcel) for parcel in asked])
        for verdict in _read_answer(answer.document):
            owner = _owner(verdict.item, verdicts, asked)
            if owner is not None:
                verdicts[owner].append(verdict)
        return verdicts

    def _wait_for_turn(self) -> None:
        wait = self._pace()
        if wait > 0:
            self._pause(wait)


class _OwnPace:
    """The pace of one process that shares its key with nobody."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._next_call_at = 0.0

    def reserve(self) -> float:
        with self._guard:
            now = time.monotonic()
            wait = max(0.0, self._next_call_at - now)
            self._next_call_at = now + wait + SECONDS_BETWEEN_CALLS
        return wait


def _obstacle(parcel: ParcelNumber) -> str:
    """Say why a parcel cannot be asked for: it could make the whole call fail."""
    if not _NUMBER.fullmatch(parcel.tracking_number):
        return "the tracking number must have 5 to 50 letters, digits or signs, without spaces"
    if not _CARRIER_CODE.fullmatch(parcel.carrier_code):
        return "the carrier's code is not 17TRACK's number for it, such as 3011"
    return ""


def _request(parcel: ParcelNumber) -> dict[str, object]:
    request: dict[str, object] = {"number": parcel.tracking_number}
    if parcel.carrier_code:
        request["carrier"] = int(parcel.carrier_code)
    return request


def _report(parcel: ParcelNumber, verdicts: Sequence[_Verdict]) -> TrackingReport:
    accepted = [verdict.item for verdict in verdicts if verdict.code == 0]
    if accepted:
        return read_report(parcel, accepted)
    if any(verdict.code == _NOTHING_KNOWN_YET for verdict in verdicts):
        return read_report(parcel, [{}])
    return refused(parcel, _refusal(parcel, verdicts))


def _refusal(parcel: ParcelNumber, verdicts: Sequence[_Verdict]) -> str:
    if verdicts:
        return verdicts[0].refusal
    return _obstacle(parcel) or "17TRACK said nothing of this parcel"


def _read_answer(document: object) -> Iterator[_Verdict]:
    """Read the envelope, and what is said of each number as far as it can be read.

    Raises:
        GatewayError: the call failed as a whole.
    """
    envelope = document if isinstance(document, dict) else {}
    code = envelope.get("code")
    if not isinstance(code, int):
        raise malformed(_WORDING.subject, "its answer has no code")
    if code != 0:
        raise _failure(code, envelope.get("data"))
    try:
        data = read_object(envelope.get("data"), "data")
        accepted = read_list(data.get("accepted"), "accepted")
        rejected = read_list(data.get("rejected"), "rejected")
    except UnreadableError as error:
        raise malformed(_WORDING.subject, str(error)) from None
    yield from (_Verdict(item) for item in accepted if isinstance(item, dict))
    yield from (_read_rejection(item) for item in rejected if isinstance(item, dict))


def _read_rejection(item: Item) -> _Verdict:
    error = item.get("error")
    told = error if isinstance(error, dict) else {}
    code = told.get("code")
    return _Verdict(item, code if isinstance(code, int) and code else -1, _words(told))


def _failure(code: int, data: object) -> GatewayError:
    """Say why a whole call failed, in the words of the first error that came with it."""
    errors = data.get("errors") if isinstance(data, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    words = _words(first if isinstance(first, dict) else {})
    said = f"{code}: {words}" if words else f"{code}"
    reason = _REASONS.get(code, "GATEWAY_SERVER_ERROR")
    messages = {
        "GATEWAY_CREDENTIALS_REFUSED": f"refused the key ({said}): check {_WORDING.if_refused}",
        "GATEWAY_THROTTLED": f"asks for fewer requests ({said}): it is asked again later",
        "GATEWAY_REQUEST_REFUSED": f"refused the request ({said})",
        "GATEWAY_SERVER_ERROR": f"failed ({said}): it is asked again later",
    }
    wait = RETRY_AFTER_DAILY_LIMIT_SECONDS if code == _DAILY_LIMIT else 0.0
    message = f"{_WORDING.subject} {messages[reason]}"
    return GatewayError(message, reason=reason, retry_after_seconds=wait)


def _words(error: Mapping[str, object]) -> str:
    return plain_words(read_text(error.get("message"), characters_max=WORDS_CHARACTERS_MAX))


def _owner(
    item: Item,
    verdicts: Mapping[ParcelNumber, Sequence[_Verdict]],
    asked: Sequence[ParcelNumber],
) -> ParcelNumber | None:
    """Tell which parcel an item speaks of; None if it is none of those that were asked for.

    17TRACK writes numbers in capitals, names the carrier it found where none was given, corrects a
    wrong one, and leaves it out when it refuses. So the best match is taken: the same carrier, then
    a parcel that nothing was said of yet, then one without a carrier.
    """
    number, code = _folded(item.get("number")), str(item.get("carrier") or "")
    return min(
        (parcel for parcel in asked if _folded(parcel.tracking_number) == number),
        key=lambda p: (p.carrier_code != code, bool(verdicts[p]), bool(p.carrier_code)),
        default=None,
    )


def _folded(number: object) -> str:
    return str(number).strip().upper()
