"""One bounded JSON-over-HTTP exchange with an outside system.

Every exchange has a deadline for the whole answer, a cap on its size, verified certificates and no
redirects. Credentials are sent in headers alone and never appear in a message.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

import urllib3

from oms.domain.errors import GatewayError, InvalidInput
from oms.gateways.http_address import BaseAddress
from oms.gateways.http_connection import CONNECT_TIMEOUT_SECONDS, Deadline, Guard, open_pool
from oms.gateways.http_failures import Attempt, connection_failure, is_worth_a_quick_retry
from oms.gateways.http_statuses import Refusal, parse_retry_after, status_failure
from oms.gateways.http_words import Wording, is_web_page, malformed, plain_words
from oms.usecases.ports import Clock

ANSWER_TIMEOUT_SECONDS: Final = 20.0
BODY_BYTES_MAX: Final = 32 * 1024 * 1024  # A hundred orders are half a megabyte.
QUICK_RETRY_PAUSE_SECONDS: Final = 0.2
# Some hosts refuse clients that name no product of their own. A cached list would hide changes.
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Cache-Control": "no-cache",
    "User-Agent": "FbAli-OMS",
}
_CHUNK_BYTES: Final = 64 * 1024
_SUCCESS: Final = range(200, 300)

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What all exchanges have in common; `timeout_seconds` is for one whole answer."""

    clock: Clock
    tls: ssl.SSLContext
    timeout_seconds: float = ANSWER_TIMEOUT_SECONDS
    body_bytes_max: int = BODY_BYTES_MAX
    allow_private_addresses: bool = False
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. `document` is the JSON, its fractions as Decimal.

    `took_seconds` runs from before the request was sent until the answer was read.
    """

    headers: Mapping[str, str]
    document: object = field(repr=False)
    took_seconds: float


def trust_store(extra_ca_file: str | None = None) -> ssl.SSLContext:
    """Trust what the system trusts, and the certificates of a PEM file besides.

    Raises:
        InvalidInput: the file is missing or holds no certificate.
    """
    context = ssl.create_default_context()
    if extra_ca_file:
        try:
            context.load_verify_locations(cafile=extra_ca_file)
        except (OSError, ssl.SSLError):
            found = "the file is missing or holds no PEM certificate"
            raise InvalidInput.of("extra_ca_file", found) from None
    return context


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    target: str
    body: bytes | None = field(default=None, repr=False)
    is_repeatable: bool = True


class JsonClient:
    """Exchanges with one outside system, one at a time, over one kept connection."""

    def __init__(
        self,
        base: BaseAddress,
        settings: HttpSettings,
        wording: Wording,
        *,
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> None:
        """Send `headers` with every request; blank out `secrets` in what the other side says."""
        self.wording = wording
        self._base = base
        self._settings = settings
        self._headers = {**_HEADERS, **headers}
        self._secrets = [secret for secret in secrets if secret]
        self._deadline = Deadline(settings.timeout_seconds)
        guard = Guard(settings.allow_private_addresses, self._deadline)
        self._pool = open_pool(base, guard, settings.tls)
        self._one_at_a_time = threading.Lock()

    def get(self, path: str, query: Query | None = None) -> Answer:
        """Read a document; `path` starts with a slash and follows the address's own prefix.

        Raises:
            GatewayError: no whole JSON document came, or a status that is no success.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        return self._exchange(_Request("GET", target), path)

    def post(self, path: str, document: object) -> Answer:
        """Send a document and read the answer; `path` is as in `get`.

        A connection that drops is tried once more, as in `get`, so the other side must bear the
        same document twice.

        Raises:
            GatewayError: no whole JSON document came, or a status that is no success.
        """
        return self._exchange(_Request("POST", path, json.dumps(document).encode()), path)

    def send_once(self, method: str, path: str, document: object) -> Answer:
        """Send a document that must not arrive twice; `path` is as in `get`.

        Whether it arrived is not known when this fails: look before sending it again.

        Raises:
            GatewayError: no whole JSON document came, or a status that is no success.
        """
        body = json.dumps(document).encode()
        return self._exchange(_Request(method, path, body, is_repeatable=False), path)

    def close(self) -> None:
        """Let go of the kept connection."""
        self._pool.close()

    def _exchange(self, request: _Request, path: str) -> Answer:
        with self._one_at_a_time:
            self._deadline.start()
            began = time.monotonic()
            response, body = self._read_with_a_retry(request)
            took = time.monotonic() - began
        if response.status not in _SUCCESS:
            raise status_failure(self._refusal(response, body), wording=self.wording, path=path)
        return Answer(response.headers, self._decode(body), took)

    def _read_with_a_retry(self, request: _Request) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        """Read once, and once more if the connection dropped and the request bears it."""
        try:
            return self._read(request)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if not (request.is_repeatable and is_worth_a_quick_retry(error)):
                raise self._failure(error) from error
        self._settings.pause(QUICK_RETRY_PAUSE_SECONDS)
        try:
            return self._read(request)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._failure(error) from error

    def _read(self, request: _Request) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        left = self._deadline.remaining_seconds()
        sent = {"Content-Type": "application/json"} if request.body is not None else {}
        response = self._pool.request(
            request.method,
            f"{self._base.prefix}{request.target}",
            body=request.body,
            headers={**self._headers, **sent},
            retries=False,
            redirect=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT_SECONDS, left), read=left),
        )
        try:
            return response, self._body(response)
        except BaseException:
            response.close()  # What is left of the answer would be taken for the next one.
            raise

    def _body(self, response: urllib3.BaseHTTPResponse) -> bytes:
        body = bytearray()
        for chunk in response.stream(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._settings.body_bytes_max:
                bound = f"{self._settings.body_bytes_max} bytes"
                raise malformed(self.wording.subject, f"its answer is longer than {bound}")
        return bytes(body)

    def _decode(self, body: bytes) -> object:
        subject = self.wording.subject
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise malformed(subject, "its answer is not text in UTF-8") from None
        if "\0" in text:
            raise malformed(subject, "its answer holds NUL bytes")
        if not text.strip():
            raise malformed(subject, "its answer is empty")
        try:
            return json.loads(text, parse_float=Decimal, parse_constant=str)
        except (ValueError, RecursionError) as error:
            raise malformed(subject, self._what_else(text, error)) from None

    def _what_else(self, text: str, error: Exception) -> str:
        """Say what came instead of JSON."""
        if is_web_page(text):
            return f"it sent a web page instead of data ({self._shown(text)})"
        if isinstance(error, json.JSONDecodeError) and text.lstrip()[0] in "[{":
            if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
                return "its answer broke off in the middle"
            return f"its answer is no valid JSON (at character {error.pos})"
        return f"it sent something else than JSON ({self._shown(text)})"

    def _refusal(self, response: urllib3.BaseHTTPResponse, body: bytes) -> Refusal:
        """Read what the other side says of a status that is no success."""
        text = body[:_CHUNK_BYTES].decode("utf-8-sig", errors="replace")
        words = self._shown(_message_in(text))
        now_seconds = self._settings.clock.now_ms() / 1000
        wait = parse_retry_after(response.headers, now_seconds=now_seconds)
        location = self._scrub(response.headers.get("Location", ""))
        return Refusal(response.status, words, is_web_page(text), location, wait)

    def _failure(self, error: BaseException) -> GatewayError:
        seconds = self._settings.timeout_seconds
        return connection_failure(error, Attempt(self.wording.subject, self._base.netloc, seconds))

    def _shown(self, text: str) -> str:
        """Make what the other side says fit for a message; secrets go before anything is cut."""
        return plain_words(self._scrub(text))

    def _scrub(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _message_in(text: str) -> str:
    """Find the words: WordPress has them in `message`, 17TRACK in `data.errors[].message`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    match document:
        case {"message": str(message)} | {"data": {"errors": [{"message": str(message)}, *_]}}:
            return message
    return ""
