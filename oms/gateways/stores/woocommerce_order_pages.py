"""Reading WooCommerce orders page by page, with what was refunded of each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from oms.domain.errors import GatewayError
from oms.domain.snapshots import MalformedOrder, OrderPage, OrderSnapshot
from oms.gateways.http import JsonClient, Query
from oms.gateways.http_words import malformed
from oms.gateways.stores.woocommerce_cursor import Cursor
from oms.gateways.stores.woocommerce_orders import (
    has_refunds,
    malformed_order,
    order_id,
    parse_order,
)
from oms.gateways.stores.woocommerce_platform import API
from oms.gateways.stores.woocommerce_window import Listing, Rows, WindowReader
from oms.usecases.ports import Clock

PAGE_ROWS: Final = 100  # The most that the API allows (error-per-page-too-large.json).
REFUND_READS_MAX: Final = 25  # In one call, a request each; more wait for the next call.
REFUNDS_OF_ORDER_MAX: Final = 100  # One page of them; an order has a handful.

# `any` leaves the trash out (WP_Query), and an order that was thrown away must not be packed.
ORDERS: Final = Listing(f"{API}/orders", statuses=("any", "trash"), page_sizes=(PAGE_ROWS, 10, 1))
# Failures that may concern one order alone; all others concern the store and stop the page.
_OF_ONE_ORDER: Final = frozenset(
    {
        "GATEWAY_NOT_FOUND",
        "GATEWAY_REQUEST_REFUSED",
        "GATEWAY_ANSWER_MALFORMED",
        "GATEWAY_SERVER_ERROR",
    }
)


class OrderPages:
    """The orders of one store."""

    def __init__(self, client: JsonClient, clock: Clock, listing: Listing = ORDERS) -> None:
        """Read through `client`; `clock` stands in where the store does not tell the time."""
        self._client = client
        self._window = WindowReader(client, clock, listing)

    def read(self, since: int, cursor: str) -> OrderPage:
        """Read a page; see StoreGateway.read_orders.

        At most REFUND_READS_MAX refunded orders are finished in one call, so that a page full of
        them does not hold a worker for minutes: the others are listed again by the next call.
        """
        rows = self._next_rows(since, cursor)
        refunded = [document for document in rows.documents if has_refunds(document)]
        waiting = refunded[REFUND_READS_MAX:]
        results = [self._order(item) for item in rows.documents if item not in waiting]
        if rows.unreadable:
            results.append(MalformedOrder("", rows.unreadable, b""))
        place = replace(rows.cursor, pending=",".join(order_id(item) for item in waiting))
        is_finished = self._window.is_finished(place) and not waiting
        return OrderPage(
            orders=tuple(result for result in results if isinstance(result, OrderSnapshot)),
            malformed=tuple(result for result in results if isinstance(result, MalformedOrder)),
            next_cursor="" if is_finished else place.to_text(),
            read_until=place.before,
            orders_total=place.rows_total,
        )

    def _next_rows(self, since: int, cursor: str) -> Rows:
        if not cursor:
            return self._window.open(since)
        place = Cursor.from_text(cursor)
        return self._listed_again(place) if place.pending else self._window.resume(place)

    def _listed_again(self, place: Cursor) -> Rows:
        """List the orders whose refunds wait; one that was deleted meanwhile is simply absent."""
        query: Query = {"include": place.pending, "status": place.status, "per_page": PAGE_ROWS}
        document = self._client.get(ORDERS.path, query).document
        if not isinstance(document, list):
            raise malformed(self._client.wording.subject, "it sent no list of orders")
        return Rows(document, replace(place, pending=""))

    def _order(self, document: object) -> OrderSnapshot | MalformedOrder:
        if not has_refunds(document):
            return parse_order(document)
        try:
            return parse_order(document, self._refunds(order_id(document)))
        except GatewayError as error:
            if error.word not in _OF_ONE_ORDER:
                raise
            return malformed_order(document, f"its refunds cannot be read: {error.message}")

    def _refunds(self, external_id: str) -> Sequence[object]:
        """Read an order's refunds, twice if the store fails: it may have been a passing failure."""
        path, query = f"{ORDERS.path}/{external_id}/refunds", {"per_page": REFUNDS_OF_ORDER_MAX}
        try:
            document = self._client.get(path, query).document
        except GatewayError as error:
            if error.word != "GATEWAY_SERVER_ERROR":
                raise
            document = self._client.get(path, query).document
        if not isinstance(document, list):
            raise malformed(self._client.wording.subject, "it sent no list of refunds")
        return document
