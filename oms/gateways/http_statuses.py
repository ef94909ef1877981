"""Every HTTP status that is no success, as a GatewayError that says what to do next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin, urlsplit

from oms.domain.errors import GatewayError
from oms.gateways.http_words import Wording, malformed, plain_words

RETRY_AFTER_SECONDS_MAX: Final = 86_400  # A day; a store that asks for more is asked again then.
ADDRESS_CHARACTERS_MAX: Final = 200  # Of a redirect's target, in our messages.
_NOWHERE: Final = "unknown.invalid"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success: `words` is what the other side says of it, made plain."""

    status: int
    words: str
    is_web_page: bool
    location: str
    retry_after_seconds: float

    @property
    def said(self) -> str:
        """Render as `401: Sorry, you cannot list resources.`."""
        return f"{self.status}: {self.words}" if self.words else str(self.status)


# Status -> reason; a status that is absent follows its class (5xx failed, 4xx refused).
_REASONS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "GATEWAY_CREDENTIALS_REFUSED",
    HTTPStatus.FORBIDDEN: "GATEWAY_CREDENTIALS_REFUSED",
    HTTPStatus.NOT_FOUND: "GATEWAY_NOT_FOUND",
    HTTPStatus.GONE: "GATEWAY_NOT_FOUND",
    HTTPStatus.REQUEST_TIMEOUT: "GATEWAY_TIMEOUT",
    HTTPStatus.TOO_MANY_REQUESTS: "GATEWAY_THROTTLED",
    # Web application firewalls refuse with 501; WordPress itself never sends it.
    HTTPStatus.NOT_IMPLEMENTED: "GATEWAY_REQUEST_REFUSED",
}


def status_failure(refusal: Refusal, *, wording: Wording, path: str) -> GatewayError:
    """Turn a status that is no success into a refusal that says what to do next."""
    if refusal.status < HTTPStatus.MULTIPLE_CHOICES:
        return malformed(wording.subject, f"it sent an unexpected status ({refusal.said})")
    if refusal.status < HTTPStatus.BAD_REQUEST:
        return _redirected(refusal, wording.subject, path)
    reason = _reason(refusal)
    message = _message(reason, refusal, wording, path)
    return GatewayError(message, reason=reason, retry_after_seconds=refusal.retry_after_seconds)


def parse_retry_after(headers: Mapping[str, str], *, now_seconds: float) -> float:
    """Read how many seconds the other side asks to wait, 0 if it does not say.

    The header holds seconds or an HTTP date (RFC 9110, 10.2.3). A date is compared with the Date of
    the same answer, so that a clock that is wrong on either side does not matter.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), RETRY_AFTER_SECONDS_MAX))
    asked = parse_http_date(text)
    if asked is None:
        return 0.0
    sent = parse_http_date(headers.get("Date", ""))
    wait = asked - (now_seconds if sent is None else sent)
    return min(max(wait, 0.0), float(RETRY_AFTER_SECONDS_MAX))


def parse_http_date(text: str) -> float | None:
    """Read an HTTP date as UTC epoch seconds; None if it is none."""
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:  # "-0000" and a missing zone both mean UTC here.
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _reason(refusal: Refusal) -> str:
    if refusal.status == HTTPStatus.FORBIDDEN and refusal.is_web_page:
        return "GATEWAY_REQUEST_REFUSED"  # WooCommerce says 403 in JSON; a page is a firewall's.
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE and refusal.retry_after_seconds:
        return "GATEWAY_THROTTLED"
    if refusal.status in _REASONS:
        return _REASONS[refusal.status]
    is_failure = refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return "GATEWAY_SERVER_ERROR" if is_failure else "GATEWAY_REQUEST_REFUSED"


def _message(reason: str, refusal: Refusal, wording: Wording, path: str) -> str:
    subject, said = wording.subject, refusal.said
    if reason == "GATEWAY_REQUEST_REFUSED":
        return _refused(refusal, subject)
    wait = refusal.retry_after_seconds
    when = f"in {wait:g} seconds" if wait else "later"
    messages = {
        "GATEWAY_CREDENTIALS_REFUSED": f"{subject} refused the key ({said}): check "
        + wording.if_refused,
        "GATEWAY_NOT_FOUND": f"{subject} has nothing at {path} ({said}): check "
        + wording.if_missing,
        "GATEWAY_TIMEOUT": f"{subject} gave up waiting ({said}): it is asked again later",
        "GATEWAY_THROTTLED": f"{subject} asks for fewer requests ({said}): "
        f"it is asked again {when}",
        "GATEWAY_SERVER_ERROR": f"{subject} failed ({said}): if it lasts, look at its error log",
    }
    return messages[reason]


def _refused(refusal: Refusal, subject: str) -> str:
    """A web page instead of data comes from a firewall in front, which only its owner can open."""
    if refusal.is_web_page or refusal.status == HTTPStatus.NOT_IMPLEMENTED:
        return (
            f"something in front of {subject} refused the request ({refusal.said}): ask the host "
            "to let requests to its API pass the firewall"
        )
    return f"{subject} refused the request ({refusal.said})"


def _redirected(refusal: Refusal, subject: str, path: str) -> GatewayError:
    """Point to where a redirect leads, without what it may carry in user name or query."""
    try:
        parts = urlsplit(urljoin(f"https://{_NOWHERE}{path}", refusal.location))
    except ValueError:
        parts = urlsplit("")
    target = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if not refusal.location or not parts.netloc:
        message = f"{subject} redirects without saying where ({refusal.status}): check the address"
    elif parts.netloc == _NOWHERE:
        shown = plain_words(parts.path)[:ADDRESS_CHARACTERS_MAX]
        message = f"{subject} redirects to {shown} of the same host: check the address"
    else:
        shown = plain_words(target.removesuffix(path))[:ADDRESS_CHARACTERS_MAX]
        message = f"{subject} redirects to {shown}: if that is {subject}, enter that address"
    return GatewayError(message, reason="GATEWAY_NOT_FOUND")
