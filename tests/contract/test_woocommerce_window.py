"""Nothing that changes in a store is lost, whatever happens while it is read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.demo.shop import PretendShop, ShopOptions
from app.demo.shop_catalog import Catalog
from app.demo.shop_reply import Reply
from oms.domain.errors import GatewayError, InvalidInput
from oms.domain.snapshots import OrderPage, OrderSnapshot
from oms.gateways.stores.woocommerce import WooCommerceStore
from oms.gateways.stores.woocommerce_order_pages import ORDERS, OrderPages
from oms.gateways.stores.woocommerce_window import PAGES_MAX, Listing
from tests.services.faulty_http import FaultyServer, answer
from tests.services.woocommerce_store import HandClock, open_store, plain_client, settings

SMALL_PAGES = Listing(ORDERS.path, ORDERS.statuses, page_sizes=(3, 1))
BULK = 350


@dataclass
class Scene:
    """A shop, a store that reads it, and what is done between two requests."""

    shop: PretendShop
    store: WooCommerceStore
    clock: HandClock
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    before_request: list[Callable[[], Reply | None]] = field(default_factory=list)
    read: dict[str, OrderSnapshot] = field(default_factory=dict)

    def window(self, since: int = 0) -> list[OrderPage]:
        """Read one window to its end, each page with a new gateway, as other processes would."""
        pages = [self.store.read_orders(since=since, cursor="")]
        while pages[-1].next_cursor:
            store = open_store(self.shop.url, settings(self.clock), **self.shop.credentials)
            pages.append(store.read_orders(since=since, cursor=pages[-1].next_cursor))
        for page in pages:
            self.read.update((order.external_id, order) for order in page.orders)
        return pages

    def hook(self, path: str, query: Mapping[str, str]) -> Reply | None:
        self.requests.append((path, query))
        return self.before_request.pop(0)() if self.before_request else None


@pytest.fixture(params=[False, True], ids=["counted", "uncounted"])
def scene(request) -> Iterator[Scene]:
    yield from make_scene(hides_counts=request.param)


@pytest.fixture
def counted_scene() -> Iterator[Scene]:
    yield from make_scene(hides_counts=False)


def make_scene(*, hides_counts: bool) -> Iterator[Scene]:
    clock = HandClock()
    hooks: list[Scene] = []
    options = ShopOptions(
        now_seconds=clock.now_seconds,
        hook=lambda path, query: hooks[0].hook(path, query) if hooks else None,
        hides_counts=hides_counts,
    )
    with PretendShop(options) as shop:
        store = open_store(shop.url, settings(clock), **shop.credentials)
        hooks.append(Scene(shop, store, clock))
        yield hooks[0]


def fill(scene: Scene, count: int, *, changed_at: int | None = None) -> list[int]:
    """Put orders into the shop, all changed in one second if one is given."""
    catalog = Catalog(7, now=scene.clock.seconds - 100)
    orders = list(catalog.orders(count))
    for order in orders:
        order.status = "processing"
        order.refunds = []
        order.modified_at = changed_at or order.modified_at
    scene.shop.store.load(catalog.products, orders)
    return [order.id for order in orders]


def test_all_orders_of_one_second_are_read(scene):
    second = scene.clock.seconds - 50
    ids = fill(scene, BULK, changed_at=second)

    pages = scene.window(since=second)

    assert sorted(int(order_id) for order_id in scene.read) == ids
    assert pages[0].read_until == scene.clock.seconds - 1
    assert all(len(page.orders) <= 100 for page in pages)


def test_orders_before_the_window_are_left_out(scene):
    fill(scene, 5, changed_at=scene.clock.seconds - 50)

    scene.window(since=scene.clock.seconds - 49)

    assert scene.read == {}


def test_order_that_changes_between_two_pages_shifts_nobody_out(scene):
    ids = fill(scene, BULK)
    scene.before_request = [
        lambda: None,
        *(lambda order_id=order_id: scene.shop.change_order(order_id) for order_id in ids[:40]),
    ]

    first = scene.window()
    assert len(scene.read) >= BULK - 40

    scene.clock.seconds += 5
    scene.window(since=first[-1].read_until)
    assert sorted(int(order_id) for order_id in scene.read) == ids


def test_mass_change_in_the_middle_of_a_window_loses_nothing(scene):
    ids = fill(scene, BULK)

    def change_all():
        for order_id in ids:
            scene.shop.change_order(order_id, note="changed")

    scene.before_request = [lambda: None, lambda: None, change_all]
    first = scene.window()
    scene.clock.seconds += 5
    scene.window(since=first[-1].read_until)

    assert {order.note for order in scene.read.values()} == {"changed"}
    assert len(scene.read) == BULK


def test_order_that_arrives_while_the_window_is_read_is_in_the_next(scene):
    fill(scene, 120)
    arriving = Catalog(8, now=scene.clock.seconds).order(90_000, placed_at=scene.clock.seconds)
    arriving.status = "processing"
    scene.before_request = [lambda: None, lambda: scene.shop.add_order(arriving) and None]

    first = scene.window()
    assert len(scene.read) == 120

    scene.clock.seconds += 2
    scene.window(since=first[-1].read_until)
    assert "90000" in scene.read


def test_order_that_is_thrown_away_is_read_as_cancelled(scene):
    ids = fill(scene, 3)
    scene.shop.change_order(ids[1], status="trash")
    scene.clock.seconds += 2

    scene.window()

    assert {key: order.is_cancelled for key, order in scene.read.items()} == {
        str(ids[0]): False,
        str(ids[1]): True,
        str(ids[2]): False,
    }


def test_order_that_is_deleted_meanwhile_is_simply_absent(scene):
    ids = fill(scene, BULK)
    scene.before_request = [lambda: None, lambda: None, lambda: scene.shop.remove_order(ids[0])]

    scene.window()

    assert sorted(int(order_id) for order_id in scene.read) == ids[1:]


def test_pages_that_have_vanished_are_passed(scene):
    ids = fill(scene, BULK)

    def remove_all():
        for order_id in ids:
            scene.shop.remove_order(order_id)

    scene.before_request = [lambda: None, lambda: None, lambda: None, remove_all]
    pages = scene.window()

    assert pages[-1].next_cursor == ""
    assert len(scene.read) <= BULK


def test_store_that_ignores_the_end_of_the_window_loses_nothing(counted_scene):
    scene = counted_scene
    ids = fill(scene, BULK)
    answers = scene.shop._server.answers

    def ignoring(path, query):
        scene.requests.append((path, query))
        if len(scene.requests) in {3, 4}:
            for order_id in ids[:60]:
                scene.shop.change_order(order_id)
        kept = {name: text for name, text in query.items() if name != "modified_before"}
        return answers.answer(path, kept, scene.shop.url)

    scene.hook = ignoring
    first = scene.window()
    scene.clock.seconds += 5
    scene.window(since=first[-1].read_until)

    assert sorted(int(order_id) for order_id in scene.read) == ids


def test_single_page_takes_one_request_for_each_listing(counted_scene):
    fill(counted_scene, 100)

    pages = counted_scene.window()

    assert [len(page.orders) for page in pages] == [100, 0]
    assert [query["status"] for _, query in counted_scene.requests] == ["any", "trash"]


def test_empty_window_is_finished_at_once(scene):
    pages = scene.window()

    assert [len(page.orders) for page in pages] == [0, 0]
    assert pages[-1].read_until == scene.clock.seconds - 1
    assert len(scene.requests) == 2


def test_many_refunded_orders_are_spread_over_calls(counted_scene):
    scene = counted_scene
    ids = fill(scene, 60)
    for order_id in ids:
        item = scene.shop.store.order(order_id).items[0]
        scene.shop.store.refund(order_id, amount=item.price, units={item.id: 1})
    scene.clock.seconds += 2

    pages = scene.window()

    assert [len(page.orders) for page in pages] == [25, 25, 10, 0]
    assert {order.lines[0].removed_quantity for order in scene.read.values()} == {1}
    refunds = [path for path, _ in scene.requests if path.endswith("/refunds")]
    assert len(refunds) == len(set(refunds)) == 60


def test_waiting_order_that_is_deleted_meanwhile_is_simply_absent(counted_scene):
    scene = counted_scene
    ids = fill(scene, 30)
    for order_id in ids:
        scene.shop.store.refund(order_id, amount="1.00", units={})
    scene.clock.seconds += 2
    page = scene.store.read_orders(since=0, cursor="")

    left = sorted(set(ids) - {int(order.external_id) for order in page.orders})
    scene.shop.remove_order(left[0])
    rest = scene.store.read_orders(since=0, cursor=page.next_cursor)

    assert sorted(int(order.external_id) for order in rest.orders) == left[1:]


@pytest.mark.parametrize("bad", [1, 2, 7, 12])
def test_order_that_makes_the_store_fail_does_not_hide_the_others(counted_scene, bad):
    scene = counted_scene
    ids = fill(scene, 12)
    answers = scene.shop._server.answers

    def failing(path, query):
        reply = answers.answer(path, query, scene.shop.url)
        documents = reply.document if isinstance(reply.document, list) else []
        is_bad = any(document["id"] == ids[bad - 1] for document in documents)
        is_proof = query.get("orderby") == "id"
        return Reply(500, {"message": "Fatal error"}) if is_bad and not is_proof else reply

    scene.hook = failing
    pages = scene.window()

    found = sorted(int(order_id) for order_id in scene.read)
    assert found == [order_id for order_id in ids if order_id != ids[bad - 1]]
    problems = [order.problem for page in pages for order in page.malformed]
    cause = "the store failed (500: Fatal error): if it lasts, look at its error log"
    assert problems == [f"the store fails when it is asked for number {bad}: {cause}"]


def test_store_that_is_down_is_not_taken_for_bad_orders(counted_scene):
    scene = counted_scene
    fill(scene, 12)
    scene.hook = lambda _path, _query: Reply(500, {"message": "Fatal error"})

    with pytest.raises(GatewayError) as caught:
        scene.store.read_orders(since=0, cursor="")

    assert caught.value.word == "GATEWAY_SERVER_ERROR"


@pytest.mark.parametrize(
    "cursor", ["x", "[]", "{}", "7", '{"after": 1}', '{"after":"1","before":1,"status":"any"}']
)
def test_cursor_of_somebody_else_is_refused(cursor):
    with pytest.raises(InvalidInput, match="cursor"):
        open_store("http://127.0.0.1:9").read_orders(since=0, cursor=cursor)


def test_store_that_does_not_tell_the_time_is_given_ours_with_room_for_error():
    clock = HandClock()
    with FaultyServer(answer(200, "[]")) as server:
        page = open_store(server.url, settings(clock)).read_orders(since=0, cursor="")

    assert page.read_until == clock.seconds - 301


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-WP-TotalPages": str(PAGES_MAX + 1)}, f"it claims to have {PAGES_MAX + 1} pages"),
        ({}, "its list has no end"),
    ],
)
def test_store_without_an_end_is_told(headers, message):
    step = answer(200, '[{"id": 5}]', headers)
    with FaultyServer(step) as server, pytest.raises(GatewayError) as caught:
        open_store(server.url).read_orders(since=0, cursor="")

    assert caught.value.word == "GATEWAY_ANSWER_MALFORMED"
    assert message in caught.value.message


def test_products_are_windowed_alike(scene):
    scene.shop.fill(orders=0)
    page = scene.store.read_products(since=0, cursor="")
    products = list(page.products)
    while page.next_cursor:
        page = scene.store.read_products(since=0, cursor=page.next_cursor)
        products.extend(page.products)

    assert len(products) == len({product.external_id for product in products}) == 40
    assert sum(len(product.variants) for product in products) == 27 + 13 * 6

    scene.shop.store.change_product(12, name="Renamed", modified_at=scene.clock.seconds)
    changed = scene.store.read_products(since=scene.clock.seconds, cursor="")
    assert [product.title for product in changed.products] == ["Renamed"]


# Mostly changes, and enough of them: what is lost shows when rows shift between two pages.
KINDS = ["change", "change", "change", "add", "trash", "tick", "idle"]
steps = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 30)), min_size=8, max_size=50)


@given(script=steps, count=st.integers(4, 14), is_one_second=st.booleans())
@hypothesis_settings(max_examples=50, deadline=None)
def test_no_change_is_lost_over_consecutive_windows(script, count, is_one_second):
    clock, waiting = HandClock(), list(script)
    catalog = Catalog(3, now=clock.seconds)

    def act(_path: str, _query: Mapping[str, str]) -> None:
        if not waiting:
            return
        kind, number = waiting.pop(0)
        ids = sorted(shop.store._orders)
        if kind == "tick":
            clock.seconds += number % 3
        elif kind == "add":
            shop.add_order(catalog.order(shop.store.next_order_id(), placed_at=clock.seconds))
        elif ids and kind != "idle":
            status = "trash" if kind == "trash" else "processing"
            note = f"{len(waiting)} steps left"
            shop.change_order(ids[number % len(ids)], status=status, note=note)

    with PretendShop(ShopOptions(now_seconds=clock.now_seconds, hook=act)) as shop:
        orders = list(catalog.orders(count))
        for order in orders:
            order.modified_at = clock.seconds if is_one_second else order.modified_at
        shop.store.load(catalog.products, orders)
        read = read_until_quiet(shop, clock, waiting)
        expected = {
            str(order.id): (order.status, order.note)
            for order in shop.store._orders.values()
            if order.status != "auto-draft"
        }

    assert {key: (order.store_status, order.note) for key, order in read.items()} == expected


def read_until_quiet(shop, clock, waiting) -> dict[str, OrderSnapshot]:
    """Read window after window, without any overlap, until all steps are done and seen."""
    http = settings(clock)
    read: dict[str, OrderSnapshot] = {}
    since, windows_left = 0, 2
    while windows_left:
        windows_left -= not waiting
        clock.seconds += 2 * (not waiting)
        cursor = ""
        while True:
            client = plain_client(shop.url, http, **shop.credentials)
            page = OrderPages(client, clock, SMALL_PAGES).read(since, cursor)
            read.update((order.external_id, order) for order in page.orders)
            cursor = page.next_cursor
            if not cursor:
                break
        since = page.read_until
    return read
