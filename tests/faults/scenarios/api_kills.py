"""The API gets kill -9 every 5 s while clients place orders and retry with the same request id."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from app.demo.intents import request_id
from fbali.v1.order_service_pb2 import PlaceOrdersRequest, PlaceOrdersResponse
from fbali.v1.store_pb2 import PROCESSING_MANUAL
from tests.faults.scenarios.installation import Installation, again_and_again, insist, wait_until
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size

EVERY_SECONDS = 5.0
CLIENTS = 8
KNOWN = "SELECT COUNT(*) FROM orders"


def run(size: Size) -> Iterator[Result]:
    for form in size.forms:
        # About two in three of a shop's orders are to be shipped.
        with Installation(form, size.placed * 2) as installed:
            installed.start_workers()
            installed.connect(processing=PROCESSING_MANUAL)
            # All of them: a sync that goes on would slow the calls that are compared. As many are
            # placed without faults first.
            wait_until(lambda: installed.count(KNOWN) >= 2 * size.placed)
            installed.host_all()
            names = installed.order_names()[: 2 * size.placed]
            calm, _ = place(installed, names[: len(names) // 2])
            with again_and_again(EVERY_SECONDS, lambda _: installed.restart_api()) as kills:
                seconds, different = place(installed, names[len(names) // 2 :])
            wrong = [name for name in names if not is_placed_once(installed, name)]
            yield Result(
                "kill -9 of the API every 5 s",
                form,
                f"{size.placed} PlaceOrders, each of them twice",
                f"{len(kills)} kills",
                len(wrong),
                different,
                seconds,
                calm,
            )


def place(installed: Installation, names: list[str]) -> tuple[float, int]:
    """Place each, twice; return the seconds, and how many were answered differently."""
    started = time.monotonic()

    def place_twice(name: str) -> bool:
        first, again = (place_one(installed, name) for _ in range(2))
        return first != again

    with ThreadPoolExecutor(CLIENTS) as threads:
        different = sum(threads.map(place_twice, names))
    return time.monotonic() - started, different


def place_one(installed: Installation, name: str) -> bytes:
    request = PlaceOrdersRequest(
        parent="merchants/-", orders=[name], request_id=request_id("place", name)
    )
    answer: PlaceOrdersResponse = insist(
        lambda: installed.merchant_client.orders.PlaceOrders(request)
    )
    return answer.SerializeToString(deterministic=True)


def is_placed_once(installed: Installation, name: str) -> bool:
    """Tell whether every unit to ship is with a vendor, and none of them twice."""
    rows = installed.rows(
        "SELECT l.id, l.ordered - l.removed - l.elsewhere - l.excluded,"
        " COALESCE(SUM(al.quantity), 0) FROM order_line l"
        " LEFT JOIN allocation_line al ON al.line_id = l.id WHERE l.order_id = ?"
        " GROUP BY l.id, l.ordered, l.removed, l.elsewhere, l.excluded",
        name.rpartition("/")[2],
    )
    return all(net == held for _, net, held in rows)
