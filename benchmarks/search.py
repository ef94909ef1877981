"""Text search over many orders: every kind of word, alone and together, filtered and sorted."""

from collections.abc import Iterator, Mapping

from benchmarks.calls import HEAD, Caller, Effort
from benchmarks.history import Past
from benchmarks.processes import served
from benchmarks.report import Table
from benchmarks.scene import RARE_VENDOR
from fbali.v1 import order_service_pb2 as pb

_LEGEND = (
    "ListOrders with a search, pages of 50 orders, over gRPC; the data and the raw limit are those"
    " of the lists above. There are {orders:,} orders."
)
_BY_TOTAL = pb.ORDER_SORTING_TOTAL

# What is typed; the words are those of the pretend shop.
_SEARCHES: Mapping[str, Mapping[str, object]] = {
    "order number": {"search": "#1042-7"},
    "beginning of a number": {"search": "10"},
    "customer": {"search": "müller"},
    "frequent surname": {"search": "sample"},
    "SKU": {"search": "sku-0015"},
    "word of most titles": {"search": "blau"},
    "tracking number, beginning": {"search": "lx"},
    "one letter": {"search": "s"},
    "two frequent words": {"search": "sample lamp"},
    "three frequent words": {"search": "xl blau sample"},
    "frequent and rare word": {"search": "sku-0015 sample"},
    "two frequent words that no order shares": {"search": "müller ada"},
    "nothing": {"search": "zzzz"},
    "frequent surname, DELIVERED": {"search": "sample", "tag": pb.ORDER_TAG_DELIVERED},
    "frequent surname, EXCEPTION": {"search": "sample", "tag": pb.ORDER_TAG_EXCEPTION},
    "frequent surname, by total": {"search": "sample", "sorting": _BY_TOTAL},
    "frequent word, DELIVERED, by total": {
        "search": "xl",
        "tag": pb.ORDER_TAG_DELIVERED,
        "sorting": _BY_TOTAL,
    },
    "no order shares them, by total": {"search": "iñaki brien", "sorting": _BY_TOTAL},
    "frequent surname, to one country": {"search": "sample", "region_code": "US"},
    "no search, DELIVERED, by total": {"tag": pb.ORDER_TAG_DELIVERED, "sorting": _BY_TOTAL},
    "no search, PENDING, by total": {"tag": pb.ORDER_TAG_PENDING, "sorting": _BY_TOTAL},
    "no search, stalled": {"peculiarity": pb.ORDER_PECULIARITY_TRACKING_STALLED},
}


def measure_search(name: str, past: Past, effort: Effort) -> Table:
    """Measure each search on one database."""
    legend = _LEGEND.format(orders=past.orders)
    return Table(f"Find orders, {name}", legend, HEAD, list(_rows(past, effort)))


def _rows(past: Past, effort: Effort) -> Iterator[list[str]]:
    people = past.scene
    rare = f"vendors/{people.vendors[RARE_VENDOR].id}"
    searches = {
        **_SEARCHES,
        "frequent surname, of a rare vendor": {"search": "sample", "vendor": rare},
    }
    with (
        served("benchmarks.echo") as echo,
        served("app.main", "api", database_url=past.url) as api,
    ):
        caller = Caller(api, echo, people.secrets[0])
        for name, fields in searches.items():
            request = pb.ListOrdersRequest(parent="merchants/-", **fields)  # type: ignore[arg-type]
            result = caller.measure(
                "OrderService/ListOrders", request, pb.ListOrdersResponse, effort
            )
            yield result.cells(name)
