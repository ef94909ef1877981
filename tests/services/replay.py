"""Recorded answers, replayed over HTTP on a loopback port."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.services.loopback import LoopbackServer, http_answer, read_request

RECORDINGS = Path(__file__).parent.parent / "fixtures"
NO_ROUTE = {
    "code": "rest_no_route",
    "message": "No route was found matching the URL and request method.",
    "data": {"status": 404},
}


@dataclass(frozen=True)
class Recording:
    """One recorded exchange."""

    path: str
    status: int
    headers: dict[str, str]
    body: Any
    sent: Any = None


@dataclass(frozen=True)
class Request:
    """One request that was replayed to; header names are lower case."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


def recording(name: str, folder: str = "woocommerce-11.0.1") -> Recording:
    """Read a recorded exchange by the name of its file."""
    text = (RECORDINGS / folder / f"{name}.json").read_text(encoding="utf-8")
    exchange = json.loads(text)
    response = exchange["response"]
    request = exchange["request"]
    return Recording(
        path=request["path"],
        status=response["status"],
        headers=response["headers"],
        body=response["body"],
        sent=request["body"],
    )


class ReplayServer:
    """Answers each request with the first recording that was set up for it, else with 404."""

    def __init__(self, date: str = "Mon, 23 Nov 2026 06:00:00 GMT"):
        self.requests: list[Request] = []
        self._date = date
        self._answers: list[tuple[str, dict[str, str], Recording]] = []
        self._server = LoopbackServer(self._serve)
        self.url = self._server.url

    def on(self, answer: Recording, query: dict[str, str] | None = None, path: str = ""):
        """Answer requests to the recording's path (or another) that carry these parameters."""
        self._answers.append((path or answer.path, query or {}, answer))

    def close(self):
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details):
        self.close()

    def _serve(self, connection: socket.socket):
        while (read := read_request(connection)) is not None:
            target, headers = read
            parts = urlsplit(target)
            request = Request(parts.path, dict(parse_qsl(parts.query)), headers)
            self.requests.append(request)
            found = self._find(request)
            body = json.dumps(found.body, ensure_ascii=False).encode()
            sent = {**found.headers, "Date": self._date}
            connection.sendall(http_answer(found.status, body, sent))

    def _find(self, request: Request) -> Recording:
        for path, query, answer in self._answers:
            if path == request.path and query.items() <= request.query.items():
                return answer
        return Recording(request.path, 404, {}, NO_ROUTE)
