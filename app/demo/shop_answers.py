"""What the pretend shop answers to each request, without any HTTP."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from app.demo.shop_documents import (
    NAMESPACES,
    VERSION,
    Document,
    index_document,
    order_document,
    product_document,
    refund_document,
    variation_document,
)
from app.demo.shop_index import ORDERINGS, Selection
from app.demo.shop_reply import API_PATH, RefusalError, Reply
from app.demo.shop_store import ShopStore

PER_PAGE_DEFAULT: Final = 10
PER_PAGE_MAX: Final = 100
INVALID_PARAMETER: Final = "rest_invalid_param"


class ShopAnswers:
    """Answers the requests of one shop."""

    def __init__(
        self, store: ShopStore, *, name: str, currency: str, namespaces: Sequence[str] = NAMESPACES
    ) -> None:
        """Answer from `store`; `currency` is the shop's own, in which products are priced."""
        self._namespaces = namespaces
        self._store = store
        self._name = name
        self._currency = currency

    def answer(self, path: str, query: Mapping[str, str], origin: str) -> Reply:
        """Answer a GET request; `origin` is the shop's own address, for the links."""
        if path in {"/wp-json", "/wp-json/"}:
            return Reply(200, index_document(self._name, origin, self._namespaces))
        try:
            return self._route(path.removeprefix(API_PATH), query, f"{origin}{API_PATH}")
        except RefusalError as refusal:
            return refusal.reply

    def _route(self, path: str, query: Mapping[str, str], api: str) -> Reply:
        routes: Mapping[tuple[str, ...], Callable[..., Reply]] = {
            ("orders",): self._orders,
            ("orders", "*"): self._order,
            ("orders", "*", "refunds"): self._refunds,
            ("products",): self._products,
            ("products", "*"): self._product,
            ("products", "*", "variations"): self._variations,
            ("system_status",): self._system_status,
        }
        parts = path.strip("/").split("/")
        ids = [part for part in parts if part.isdigit()]
        route = routes.get(tuple("*" if part in ids else part for part in parts))
        if route is None:
            message = "No route was found matching the URL and request method."
            raise RefusalError(404, "rest_no_route", message)
        return route(query, api, *ids)

    def _orders(self, query: Mapping[str, str], api: str) -> Reply:
        page, per_page = _page(query)
        if query.get("include"):
            status = query.get("status", "any")
            found = [self._store.order(_number(text)) for text in query["include"].split(",")]
            orders = [order for order in found if order and status in {"any", order.status}]
            return _listing([order_document(order, api) for order in orders], len(orders), query)
        orders, total = self._store.list_orders(_selection(query), page=page, per_page=per_page)
        return _listing([order_document(order, api) for order in orders], total, query)

    def _order(self, _query: Mapping[str, str], api: str, order_id: str) -> Reply:
        order = self._store.order(_number(order_id))
        if order is None:
            raise RefusalError(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return Reply(200, order_document(order, api))

    def _refunds(self, query: Mapping[str, str], api: str, order_id: str) -> Reply:
        order = self._store.order(_number(order_id))
        if order is None:
            raise RefusalError(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
        documents = [refund_document(refund, order, api) for refund in order.refunds]
        return _listing(documents, len(documents), query)

    def _products(self, query: Mapping[str, str], api: str) -> Reply:
        page, per_page = _page(query)
        selection = _selection(query)
        products, total = self._store.list_products(selection, page=page, per_page=per_page)
        return _listing([product_document(product, api) for product in products], total, query)

    def _product(self, _query: Mapping[str, str], api: str, product_id: str) -> Reply:
        product = self._store.product(_number(product_id))
        if product is None:
            raise RefusalError(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        return Reply(200, product_document(product, api))

    def _variations(self, query: Mapping[str, str], api: str, product_id: str) -> Reply:
        product = self._store.product(_number(product_id))
        if product is None:
            raise RefusalError(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        page, per_page = _page(query)
        chosen = product.variations[(page - 1) * per_page : page * per_page]
        documents = [variation_document(variation, product, api) for variation in chosen]
        return _listing(documents, len(product.variations), query)

    def _system_status(self, _query: Mapping[str, str], _api: str) -> Reply:
        settings = {"currency": self._currency}
        return Reply(200, {"environment": {"version": VERSION}, "settings": settings})


def _listing(documents: list[Document], total: int, query: Mapping[str, str]) -> Reply:
    """Add the counts; beyond the last page they are 0 (orders-page-past-the-end.json)."""
    page, per_page = _page(query)
    pages = math.ceil(total / per_page)
    if page > max(pages, 1):
        total = pages = 0
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    wanted = [name for name in query.get("_fields", "").split(",") if name]
    if wanted:
        documents = [{name: document.get(name) for name in wanted} for document in documents]
    return Reply(200, documents, headers)


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    page = _number(query.get("page", "1"), "page", "page must be greater than or equal to 1")
    bounds = f"between 1 (inclusive) and {PER_PAGE_MAX} (inclusive)"
    wanted = f"per_page must be {bounds}"
    per_page = _number(query.get("per_page", str(PER_PAGE_DEFAULT)), "per_page", wanted)
    if not 1 <= per_page <= PER_PAGE_MAX:
        raise _invalid("per_page", wanted)
    return max(page, 1), per_page


def _selection(query: Mapping[str, str]) -> Selection:
    orderby, order = query.get("orderby", "date"), query.get("order", "desc")
    if orderby not in ORDERINGS:
        raise _invalid("orderby", f"orderby is not one of {', '.join(ORDERINGS)}.")
    if order not in {"asc", "desc"}:
        raise _invalid("order", "order is not one of asc and desc.")
    return Selection(
        status=query.get("status", "any"),
        orderby=orderby,
        is_descending=order == "desc",
        modified_after=_instant(query, "modified_after"),
        modified_before=_instant(query, "modified_before"),
    )


def _instant(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    try:
        moment = datetime.fromisoformat(query[name])
    except ValueError:
        raise _invalid(name, "Invalid date.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _number(text: str, name: str = "id", wanted: str = "id is not of type integer.") -> int:
    if not (text.isascii() and text.isdigit()):
        raise _invalid(name, wanted)
    return int(text[:18])


def _invalid(name: str, message: str) -> RefusalError:
    summary = f"Invalid parameter(s): {name}"
    return RefusalError(400, INVALID_PARAMETER, summary, params={name: message})
