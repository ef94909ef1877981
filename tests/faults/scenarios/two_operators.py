"""Two operators place the same orders at the same moment: one of them does, the other is told."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from fbali.v1.order_service_pb2 import PlaceOrdersRequest, PlaceOrdersResponse
from fbali.v1.placement_pb2 import OrderPlacement
from fbali.v1.store_pb2 import PROCESSING_MANUAL
from tests.faults.scenarios.api_kills import is_placed_once
from tests.faults.scenarios.installation import Installation, wait_until
from tests.faults.scenarios.result import Result
from tests.faults.scenarios.size import Size


def run(size: Size) -> Iterator[Result]:
    for form in size.forms:
        with Installation(form, size.both_placed * 2) as installed:
            installed.start_workers()
            installed.connect(processing=PROCESSING_MANUAL)
            wait_until(lambda: len(installed.order_names()) >= size.both_placed)
            installed.host_all()
            names = installed.order_names()[: size.both_placed]
            started = time.monotonic()
            answers = _place_twice_at_once(installed, names)
            seconds = time.monotonic() - started
            placed = [{p.order for p in a.placements if p.parts} for a in answers]
            wrong = [name for name in names if not is_placed_once(installed, name)]
            told = [{p.order for p in a.placements if _is_told(p)} for a in answers]
            # Each was placed by one of them, and the other one is told that nothing is left.
            untold = set(names) - ((placed[0] & told[1]) | (placed[1] & told[0]))
            yield Result(
                "two operators place the same orders",
                form,
                f"{len(names)} orders, twice",
                "2 callers",
                len(wrong) + len(untold),
                len(placed[0] & placed[1]),
                seconds,
            )


def _is_told(answer: OrderPlacement) -> bool:
    return (
        answer.refusal_reason == "PRECONDITION_FAILED"
        and f"nothing of {answer.order} is open" in answer.refusal_message
    )


def _place_twice_at_once(installed: Installation, names: list[str]) -> list[PlaceOrdersResponse]:
    both = Barrier(2)

    def place(_number: int) -> PlaceOrdersResponse:
        request = PlaceOrdersRequest(
            parent="merchants/-", orders=names, request_id=str(uuid.uuid4())
        )
        client = installed.client(installed.merchant_account.token)
        both.wait()
        answer: PlaceOrdersResponse = client.orders.PlaceOrders(request, timeout=60.0)
        return answer

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(place, range(2)))
