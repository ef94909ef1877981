"""Pages of orders, counts and order detail over gRPC, with few and with many orders."""

from collections.abc import Iterator, Sequence

from benchmarks.calls import HEAD, Caller, Effort
from benchmarks.history import Past
from benchmarks.processes import served
from benchmarks.report import Table
from benchmarks.scene import RARE_VENDOR
from fbali.v1 import order_service_pb2 as pb
from server.conversion.order_filter import TAGS

_LEGEND = (
    "One client, one call at a time; the server in a process of its own. A page is of 50 orders"
    " with lines and allocations. Raw limit: the echo, which is the same client and the same gRPC"
    " server sending the same bytes without doing anything for them."
)
_DEEP_PAGES = 20


def measure_pages(name: str, pasts: Sequence[Past], effort: Effort) -> Table:
    """Measure the same calls on databases of different age."""
    rows = [cells for past in pasts for cells in _rows(past, effort)]
    return Table(f"List, count and show orders, {name}", _LEGEND, HEAD, rows)


def _rows(past: Past, effort: Effort) -> Iterator[list[str]]:
    people = past.scene
    with (
        served("benchmarks.echo") as echo,
        served("app.main", "api", database_url=past.url) as api,
    ):
        caller = Caller(api, echo, people.secrets[0])
        for name, request in _lists(past, caller):
            result = caller.measure(
                "OrderService/ListOrders", request, pb.ListOrdersResponse, effort
            )
            yield result.cells(f"{past.orders:,} orders: {name}")
        counted = pb.CountOrdersRequest(parent="merchants/-")
        result = caller.measure("OrderService/CountOrders", counted, pb.CountOrdersResponse, effort)
        yield result.cells(f"{past.orders:,} orders: CountOrders")
        shown = pb.GetOrderRequest(name=_multi_vendor_order(caller))
        result = caller.measure("OrderService/GetOrder", shown, pb.GetOrderResponse, effort)
        yield result.cells(f"{past.orders:,} orders: GetOrder, two vendors")


def _lists(past: Past, caller: Caller) -> Iterator[tuple[str, pb.ListOrdersRequest]]:
    people = past.scene
    store = f"merchants/{people.merchant.id}/stores/{people.store.id}"
    vendor, rare = (f"vendors/{people.vendors[place].id}" for place in (0, RARE_VENDOR))
    yield "first page", _wanted()
    yield f"page {_DEEP_PAGES + 1}", _wanted(page_token=_deep_token(caller))
    for tag in TAGS:
        if tag:
            name = pb.OrderTag.Name(tag).removeprefix("ORDER_TAG_")  # type: ignore[arg-type]
            yield name, _wanted(tag=tag)
    yield "of one store, DELIVERED", _wanted(store=store, tag=pb.ORDER_TAG_DELIVERED)
    yield "of one vendor, IN_TRANSIT", _wanted(vendor=vendor, tag=pb.ORDER_TAG_IN_TRANSIT)
    yield "of a rare vendor", _wanted(vendor=rare)


def _wanted(**fields: object) -> pb.ListOrdersRequest:
    return pb.ListOrdersRequest(parent="merchants/-", **fields)  # type: ignore[arg-type]


def _deep_token(caller: Caller) -> str:
    token = ""
    for _ in range(_DEEP_PAGES):
        token = _list(caller, _wanted(page_token=token)).next_page_token or token
    return token


def _multi_vendor_order(caller: Caller) -> str:
    """Find a delivered order of two vendors."""
    orders = _list(caller, _wanted(tag=pb.ORDER_TAG_DELIVERED, page_size=500)).orders
    return next(order.name for order in orders if len(order.allocations) == 2)


def _list(caller: Caller, request: pb.ListOrdersRequest) -> pb.ListOrdersResponse:
    call = caller.api.unary_unary(
        "/fbali.v1.OrderService/ListOrders",
        request_serializer=pb.ListOrdersRequest.SerializeToString,
        response_deserializer=pb.ListOrdersResponse.FromString,
    )
    metadata = (("authorization", f"Bearer {caller.secret}"),)
    answer: pb.ListOrdersResponse = call(request, metadata=metadata)
    return answer
