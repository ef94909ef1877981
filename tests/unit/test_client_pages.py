"""Lists are read page by page, to the end or to a limit."""

import pytest

from fbali.errors import ServerError
from fbali.pages import each_item, each_page, gather
from fbali.v1.order_pb2 import Order
from fbali.v1.order_service_pb2 import ListOrdersRequest, ListOrdersResponse


class Orders:
    """A list of orders whose pages hold at most `page_max`."""

    def __init__(self, count, page_max=500):
        self.numbers = [str(number) for number in range(count)]
        self.page_max = page_max
        self.sizes = []

    def __call__(self, request):
        self.sizes.append(request.page_size)
        start = int(request.page_token or 0)
        end = start + min(request.page_size or 50, self.page_max)
        token = str(end) if end < len(self.numbers) else ""
        page = [Order(number=number) for number in self.numbers[start:end]]
        return ListOrdersResponse(orders=page, next_page_token=token)


def numbers(answer):
    return [order.number for order in answer.orders]


def test_every_item_is_given_once_in_order():
    orders = Orders(120)

    assert [order.number for order in each_item(orders, ListOrdersRequest())] == orders.numbers
    assert len(orders.sizes) == 3


@pytest.mark.parametrize(
    ("count", "page_max", "limit", "sizes", "token"),
    [
        (120, 500, 50, [50], "50"),
        (120, 500, 120, [120], ""),
        (120, 500, 200, [200], ""),
        (120, 50, 70, [70, 20], "70"),
        (1200, 500, 1100, [500, 500, 100], "1100"),
        (1200, 500, None, [500, 500, 500], ""),
        (0, 500, None, [500], ""),
    ],
)
def test_limit_is_kept_exactly_and_can_be_gone_on_from(count, page_max, limit, sizes, token):
    orders = Orders(count, page_max)

    answer = gather(orders, ListOrdersRequest(), limit)

    assert numbers(answer) == orders.numbers[:limit]
    assert (orders.sizes, answer.next_page_token) == (sizes, token)


def test_list_starts_at_the_token_of_the_request():
    answer = gather(Orders(10), ListOrdersRequest(page_token="7"), None)

    assert numbers(answer) == ["7", "8", "9"]


def test_repeated_page_token_does_not_go_on_for_ever():
    stuck = ListOrdersResponse(next_page_token="7")

    with pytest.raises(ServerError, match="repeats a page token"):
        list(each_page(lambda _: stuck, ListOrdersRequest()))
