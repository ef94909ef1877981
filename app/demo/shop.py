"""A pretend WooCommerce shop on a loopback port: the demo's store, and the tests' and benchmarks'.

It speaks the part of REST v3 that connectors use: the index, orders, refunds, products, variations
and the version are read; fulfilments, tracking numbers, notes and the status of orders are read and
written. Filters are those on status and on the moment of the last change.
"""

import base64
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from app.demo.shop_answers import ShopAnswers
from app.demo.shop_catalog import Catalog
from app.demo.shop_documents import NAMESPACES
from app.demo.shop_records import Order
from app.demo.shop_reply import RefusalError, Reply
from app.demo.shop_store import ShopStore
from app.demo.shop_writes import NO_ROUTE, ShopWrites

CONSUMER_KEY: Final = "ck_demo"
CONSUMER_SECRET: Final = "cs_demo"  # noqa: S105 - The pretend shop has no secrets.

Hook = Callable[[str, Mapping[str, str]], Reply | None]


def _now_seconds() -> int:
    return int(time.time())


@dataclass(frozen=True, slots=True)
class ShopOptions:
    """How the shop is set up.

    `now_seconds` returns UTC epoch seconds and dates changes and answers. `hook` is called with
    path and query before each request is worked on, in the request's own thread: it may change the
    store, or return a reply that is sent instead. `hides_counts` leaves the X-WP headers out, as
    some proxies do. `has_fulfillments` and `has_tracking_plugin` say what it can be told of parcels
    with; `key_may_write` False refuses all writes. `loses_answer` is called with method and path
    after a write was applied: when it is true, the connection is dropped instead of an answer.
    """

    name: str = "Pretend Shop"
    currency: str = "USD"
    port: int = 0
    now_seconds: Callable[[], int] = _now_seconds
    hook: Hook = field(default=lambda _path, _query: None)
    hides_counts: bool = False
    has_fulfillments: bool = True
    has_tracking_plugin: bool = False
    key_may_write: bool = True
    loses_answer: Callable[[str, str], bool] = field(default=lambda _method, _path: False)


class PretendShop:
    """A running shop; use it as a context manager, or call `close`."""

    def __init__(self, options: ShopOptions | None = None) -> None:
        """Listen on loopback at once; port 0 takes a free one."""
        self.options = options or ShopOptions()
        self.store = ShopStore(self.options.now_seconds)
        self.key_may_write = self.options.key_may_write
        self._server = _ShopServer(self)
        poll = {"poll_interval": 0.02}  # How long `close` may take, in seconds.
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=poll, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address to connect a store to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def credentials(self) -> Mapping[str, str]:
        """The key that the shop accepts."""
        return {"consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET}

    def fill(self, *, orders: int, seed: int = 1) -> Catalog:
        """Take the invented products and as many orders; return where more of them come from."""
        catalog = Catalog(seed, now=self.options.now_seconds())
        self.store.load(catalog.products, catalog.orders(orders))
        return catalog

    def add_order(self, order: Order) -> int:
        """Take an order, with the dates that it carries, and return its id."""
        return self.store.add_order(order)

    def change_order(self, order_id: int, **changes: Any) -> None:
        """Change fields of an order; it counts as changed now, unless `modified_at` is given."""
        self.store.change_order(order_id, **changes)

    def remove_order(self, order_id: int) -> None:
        """Delete an order for good."""
        self.store.remove_order(order_id)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _ShopServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, shop: PretendShop) -> None:
        options = shop.options
        self.shop = shop
        super().__init__(("127.0.0.1", options.port), _ShopHandler)
        self.options = options
        plugins = ("wc-shipment-tracking/v3",) if options.has_tracking_plugin else ()
        self.answers = ShopAnswers(
            shop.store,
            name=options.name,
            currency=options.currency,
            namespaces=(*NAMESPACES, *plugins),
        )
        self.writes = ShopWrites(
            shop.store,
            has_fulfillments=options.has_fulfillments,
            has_plugin=options.has_tracking_plugin,
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away; everything else is an error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _ShopHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: _ShopServer

    def do_GET(self) -> None:
        """Answer one reading request."""
        options = self.server.options
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        origin = self._origin()
        reply = (
            self._refusal(parts.path)
            or options.hook(parts.path, query)
            or self.server.writes.answer("GET", parts.path, None, origin)
            or self.server.answers.answer(parts.path, query, origin)
        )
        headers = dict(reply.headers)
        if options.hides_counts:
            headers = {name: text for name, text in headers.items() if "X-WP" not in name}
        elif "X-WP-TotalPages" in headers:
            headers |= _links(f"{origin}{parts.path}", query, int(headers["X-WP-TotalPages"]))
        self._send(Reply(reply.status, reply.document, headers))

    def do_POST(self) -> None:
        """Answer one request that writes; the answer may be lost on its way."""
        options = self.server.options
        path = urlsplit(self.path).path
        length = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(length) or b"{}")
        reply = self._refusal(path) or self._refusal_to_write() or options.hook(path, {})
        if reply is None:
            reply = self.server.writes.answer(self.command, path, body, self._origin())
            if options.loses_answer(self.command, path):
                self.close_connection = True
                return
        self._send(reply or RefusalError(404, "rest_no_route", NO_ROUTE).reply)

    do_PUT = do_POST  # noqa: N815 - http.server's name.

    def _origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def _send(self, reply: Reply) -> None:
        body = json.dumps(reply.document, ensure_ascii=False).encode()
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json; charset=UTF-8", **reply.headers}
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refusal(self, path: str) -> Reply | None:
        """Check the key, which the index does not ask for (error-bad-credentials.json)."""
        if path in {"/wp-json", "/wp-json/"}:
            return None
        given = self.headers.get("Authorization", "")
        expected = base64.b64encode(f"{CONSUMER_KEY}:{CONSUMER_SECRET}".encode()).decode()
        if given == f"Basic {expected}":
            return None
        message = "Sorry, you cannot list resources."
        return RefusalError(401, "woocommerce_rest_cannot_view", message).reply

    def _refusal_to_write(self) -> Reply | None:
        """Refuse a key that may only read (error-read-only-key-write.json)."""
        if self.server.shop.key_may_write:
            return None
        message = "The API key provided does not have write permissions."
        return RefusalError(401, "woocommerce_rest_authentication_error", message).reply

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Write the Date header by the shop's own clock."""
        now = self.server.options.now_seconds() if timestamp is None else timestamp
        return formatdate(now, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name.
        """Stay silent: the demo has a log of its own."""


def _links(address: str, query: Mapping[str, str], pages: int) -> Mapping[str, str]:
    """Write the Link header as WordPress does: the pages before and behind, if there are any."""
    page = int(query.get("page", "1"))
    targets = []
    if page > 1:
        targets.append((min(page - 1, pages), "prev"))
    if page < pages:
        targets.append((page + 1, "next"))
    written = [
        f'<{address}?{urlencode({**query, "page": target})}>; rel="{name}"'
        for target, name in targets
    ]
    return {"Link": ", ".join(written)} if written else {}
