"""Files of orders through the API: taken whole, repeated, broken off, and by two at once."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import grpc
import pytest

from fbali.client import Client
from fbali.errors import Conflict, InvalidInput, LimitExceeded, NotFound, Refused, Unauthenticated
from fbali.v1 import import_run_pb2 as runs
from fbali.v1.admin_service_pb2 import RevokeTokenRequest
from fbali.v1.hosting_service_pb2 import (
    ConnectStoreRequest,
    DisconnectStoreRequest,
    GetStoreRequest,
    ListUnhostedProductsRequest,
    UpdateStoreRequest,
)
from fbali.v1.order_service_pb2 import (
    GetImportRunRequest,
    GetOrderRequest,
    ImportOrdersRequest,
    ListImportRunsRequest,
    SyncOrdersRequest,
)
from fbali.v1.order_service_pb2_grpc import OrderServiceStub
from fbali.v1.store_pb2 import (
    STORE_PLATFORM_FILES,
    WRITE_BACK_MODE_OFF,
    WRITE_BACK_MODE_SEPARATE,
)
from oms.domain.imports import BROKEN_ROWS_SHOWN_MAX
from oms.usecases.import_orders import BATCH_ORDERS_MAX, LEASE_MS
from server.app import ApiThread
from server.streams import StreamLimits
from tests.functional import goods
from tests.functional.estate import Estate, connect, fill, host, orders_of, products_of, sync
from tests.services.order_file_texts import json_lines, json_order, shopify_csv, shopify_rows
from tests.services.stack import Caller, Stack, dump, wait_for

JSON, CSV = runs.IMPORT_FORMAT_JSON_LINES, runs.IMPORT_FORMAT_SHOPIFY_CSV
UNTOUCHED = ["import_run", "broken_row"]


@pytest.fixture
def store(stack: Stack) -> str:
    return files_store(stack.merchant, "files:backlog")


def files_store(merchant: Caller, name: str) -> str:
    request = ConnectStoreRequest(
        parent=merchant.name, platform=STORE_PLATFORM_FILES, base_url=name, display_name="Backlog"
    )
    return str(merchant.call(request).store.name)


def head(caller: Caller, store: str, kind: Any = CSV, run: str = "backlog") -> ImportOrdersRequest:
    return ImportOrdersRequest(parent=caller.name, run_id=run, store=store, format=kind)


def take(caller: Caller, store: str, content: bytes, kind: Any = CSV, run: str = "backlog") -> Any:
    return caller.client.import_orders(head(caller, store, kind, run), io.BytesIO(content))


def shown(caller: Caller, run: str = "backlog") -> Any:
    request = GetImportRunRequest(name=f"{caller.name}/importRuns/{run}")
    return caller.call(request).import_run


def counts(run: Any) -> tuple[int, ...]:
    return (run.order_count, run.created_count, run.changed_count, run.unchanged_count)


def test_shopify_file_becomes_orders_that_vendors_get(stack: Stack, store: str):
    rows = [*shopify_rows(1, ["LAMP-1", "MUG"], Notes="two\nlines"), *shopify_rows(2)]

    run = take(stack.merchant, store, shopify_csv(rows))
    stack.work()

    assert (run.state, counts(run), run.broken_count) == (
        runs.IMPORT_RUN_STATE_SUCCEEDED,
        (2, 2, 0, 0),
        0,
    )
    assert run.line_count == 5
    products = {item.title: item for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Thing LAMP-1"].name)
    stack.work()
    listed = {order.number: order for order in orders_of(stack.merchant)}
    assert {number: len(order.allocations) for number, order in listed.items()} == {
        "#1": 1,
        "#2": 1,
    }
    waiting = stack.merchant.call(ListUnhostedProductsRequest(parent=stack.merchant.name)).products
    assert [product.sku for product in waiting] == ["MUG"]
    detail = stack.merchant.call(GetOrderRequest(name=listed["#1"].name)).order
    assert detail.customer_note == "two\nlines"
    assert detail.recipient.postal_code == "04109"


def test_repeated_import_changes_nothing(stack: Stack, store: str):
    content = shopify_csv([row for number in range(450) for row in shopify_rows(number)])
    first = take(stack.merchant, store, content)
    stack.work()
    before = dump(stack.db, without=UNTOUCHED)

    again = take(stack.merchant, store, content)
    under_another_name = take(stack.merchant, store, content, run="again")

    assert counts(first) == (450, 450, 0, 0)
    assert counts(again) == counts(under_another_name) == (450, 0, 0, 450)
    assert dump(stack.db, without=UNTOUCHED) == before


def test_broken_rows_are_told_and_counted_and_the_others_are_kept(stack: Stack, store: str):
    broken = BROKEN_ROWS_SHOWN_MAX + 7
    content = json_lines([json_order(1)]) + b"{}\n" * broken + json_lines([json_order(2)])

    run = take(stack.merchant, store, content, JSON)

    assert run.broken_count == broken
    assert counts(run) == (2, 2, 0, 0)
    assert [row.line_number for row in run.broken_rows] == list(range(2, 1002))
    assert {row.problem for row in run.broken_rows} == {"id is missing"}
    assert shown(stack.merchant) == run
    [listed] = stack.merchant.call(ListImportRunsRequest(parent=stack.merchant.name)).import_runs
    assert (listed.name, listed.broken_count, len(listed.broken_rows)) == (run.name, broken, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (shopify_csv(shopify_rows(1), without=["Total"]), "the file has no column Total"),
        (json_lines([json_order(1)]), "the file has no column Name"),
    ],
)
def test_file_that_is_none_is_refused_and_the_run_says_why(
    stack: Stack, store: str, content: bytes, words: str
):
    with pytest.raises(InvalidInput) as refused:
        take(stack.merchant, store, content)

    assert words in refused.value.violations[0].description
    run = shown(stack.merchant)
    assert run.state == runs.IMPORT_RUN_STATE_INTERRUPTED
    assert words in run.problem_message
    assert orders_of(stack.merchant) == []


def test_first_message_names_everything_and_later_ones_are_checked_too(stack: Stack, store: str):
    call = stack.merchant.client.orders.ImportOrders
    whole = head(stack.merchant, store, JSON)
    large = ImportOrdersRequest(chunk=b"x" * (1 << 20) + b"x")

    with pytest.raises(InvalidInput) as nothing:
        call(iter([]))
    with pytest.raises(InvalidInput) as empty:
        call(iter([ImportOrdersRequest(chunk=b"{}")]))
    with pytest.raises(InvalidInput) as too_large:
        call(iter([whole, large]))

    assert [item.field for item in nothing.value.violations] == ["request"]
    fields = {item.field for item in empty.value.violations}
    assert fields == {"parent", "run_id", "store", "format"}
    assert [item.field for item in too_large.value.violations] == ["chunk"]


def test_same_order_twice_in_a_file_is_taken_in_the_order_of_the_file(stack: Stack, store: str):
    same = json_order(1)
    changed = json_order(1, note="later", updated_time="2026-02-02T00:00:00Z")
    older = json_order(1, note="older")

    run = take(stack.merchant, store, json_lines([same, same, changed, older]), JSON)

    assert counts(run) == (4, 1, 1, 2)
    [order] = orders_of(stack.merchant)
    assert stack.merchant.call(GetOrderRequest(name=order.name)).order.customer_note == "later"


def test_older_file_overwrites_nothing(stack: Stack, store: str):
    take(stack.merchant, store, shopify_csv(shopify_rows(1)))
    later = shopify_rows(1, Fulfilled_at="2025-10-10 09:00:00 +0200", Notes="later")
    take(stack.merchant, store, shopify_csv(later))
    before = dump(stack.db, without=UNTOUCHED)

    run = take(stack.merchant, store, shopify_csv(shopify_rows(1)))

    assert counts(run) == (1, 0, 0, 1)
    assert dump(stack.db, without=UNTOUCHED) == before


def test_time_of_the_export_tells_files_with_the_same_dates_apart(stack: Stack, store: str):
    def at(seconds: int, note: str) -> Any:
        request = head(stack.merchant, store)
        request.export_time.seconds = seconds
        content = io.BytesIO(shopify_csv(shopify_rows(1, Notes=note)))
        return counts(stack.merchant.client.import_orders(request, content))

    assert at(1_780_000_000, "new") == (1, 1, 0, 0)
    assert at(1_770_000_000, "old") == (1, 0, 0, 1)
    assert at(1_790_000_000, "newest") == (1, 0, 1, 0)


def test_product_is_found_by_sku_where_only_one_fits(stack: Stack, store: str):
    fill(stack)
    connect(stack, stack.merchant)
    stack.work()
    [lamp] = [item for item in products_of(stack.merchant) if item.sku == "LAMP-1"]
    other = files_store(stack.merchant, "files:other")

    take(stack.merchant, store, json_lines([json_order(7)]), JSON)
    take(stack.merchant, other, json_lines([json_order(8, lines=[line("NEW")])]), JSON)
    take(stack.merchant, store, json_lines([json_order(9, lines=[line("NEW")])]), JSON)

    found = {order.number: order.lines[0].product for order in orders_of(stack.merchant)}
    assert found["7"] == lamp.name
    assert found["8"] == found["9"] != lamp.name


def test_ambiguous_sku_gets_a_product_of_its_own_which_stays(stack: Stack, store: str):
    for number in (1, 2):
        doubled = [line("TWIN", title=f"Twin {number}")]
        name = files_store(stack.merchant, f"files:{number}")
        with stack.db.transaction():
            stack.db.run("UPDATE variant SET sku = 'HIDDEN' WHERE sku = 'TWIN'")
        take(stack.merchant, name, json_lines([json_order(number, lines=doubled)]), JSON)
    with stack.db.transaction():
        stack.db.run("UPDATE variant SET sku = 'TWIN' WHERE sku = 'HIDDEN'")

    for number in (3, 4):
        take(stack.merchant, store, json_lines([json_order(number, lines=[line("TWIN")])]), JSON)

    found = {order.number: order.lines[0].product for order in orders_of(stack.merchant)}
    assert found["3"] == found["4"]
    assert len(set(found.values())) == 3


def line(sku: str, **fields: Any) -> dict[str, Any]:
    return {"sku": sku, "title": f"Title of {sku}", "quantity": 1, "price": "5"} | fields


def test_sync_after_an_import_of_the_same_order_knows_its_lines(stack: Stack):
    fill(stack)
    shop = connect(stack, stack.merchant).name
    lines = [line(goods.SKUS[goods.LAMP], quantity=2), line(goods.SKUS[goods.MAT_M], quantity=3)]
    take(stack.merchant, shop, json_lines([json_order(1001, lines=lines)]), JSON)
    [imported] = orders_of(stack.merchant)

    sync(stack, stack.merchant, shop)

    orders = {order.number: order for order in orders_of(stack.merchant)}
    synced = orders["1001"]
    assert synced.name == imported.name
    assert [item.name for item in synced.lines] == [item.name for item in imported.lines]
    assert [item.ordered_quantity for item in synced.lines] == [2, 3]


def test_store_of_files_is_not_pulled(stack: Stack, store: str):
    with pytest.raises(Refused) as refused:
        stack.merchant.call(SyncOrdersRequest(name=store))

    assert "ImportOrders" in refused.value.message
    assert stack.db.all("SELECT * FROM sync_run") == []
    assert stack.db.all("SELECT * FROM job WHERE kind = 'sync_store'") == []
    assert [row for row in stack.db.all("SELECT name FROM schedule") if store[-8:] in row[0]] == []


def test_disconnected_or_foreign_store_takes_nothing(stack: Stack, store: str):
    foreign = files_store(stack.other_merchant, "files:backlog")
    content = json_lines([json_order(1)])
    stack.merchant.call(DisconnectStoreRequest(name=store))
    before = dump(stack.db)

    with pytest.raises(Refused) as refused:
        take(stack.merchant, store, content, JSON)
    with pytest.raises(NotFound):
        take(stack.merchant, foreign, content, JSON)

    assert refused.value.reason == "STORE_DISCONNECTED"
    assert dump(stack.db) == before


class Slow:
    """A client stream that sends when it is told to."""

    def __init__(self, caller: Caller, store: str, run: str = "backlog") -> None:
        self._messages: SimpleQueue[ImportOrdersRequest | None] = SimpleQueue()
        self._messages.put(head(caller, store, JSON, run))
        self.error: Exception | None = None
        self.answer: Any = None
        self.thread = threading.Thread(target=self._call, args=(caller,))
        self.thread.start()

    def _call(self, caller: Caller) -> None:
        try:
            self.answer = caller.client.orders.ImportOrders(iter(self._messages.get, None))
        except Exception as error:  # noqa: BLE001 - the test looks at it.
            self.error = error

    def send(self, content: bytes) -> None:
        self._messages.put(ImportOrdersRequest(chunk=content))

    def end(self) -> Any:
        self._messages.put(None)
        self.thread.join(20)
        return self.error or self.answer.import_run


def test_second_import_of_a_run_is_refused_while_the_first_goes_on(stack: Stack, store: str):
    first = Slow(stack.merchant, store)
    first.send(json_lines([json_order(1)]))
    wait_for(lambda: stack.db.all("SELECT * FROM import_run"))

    with pytest.raises(Refused) as refused:
        take(stack.merchant, store, json_lines([json_order(2)]), JSON)
    other = take(stack.merchant, store, json_lines([json_order(3)]), JSON, run="other")

    assert "takes rows already" in refused.value.message
    assert counts(other) == (1, 1, 0, 0)
    assert counts(first.end()) == (1, 1, 0, 0)


def test_first_import_is_refused_once_another_has_taken_over(stack: Stack, store: str):
    first = Slow(stack.merchant, store)
    first.send(json_lines([json_order(1)]))
    wait_for(lambda: stack.db.all("SELECT * FROM import_run"))

    def take_over() -> Any:
        """Let the time of the first pass; what it had sent before may still be heard of."""
        stack.clock.advance(LEASE_MS / 1000)
        with suppress(Refused):
            return take(stack.merchant, store, json_lines([json_order(2)]), JSON)

    second = wait_for(take_over)

    assert isinstance(first.end(), Conflict)
    assert shown(stack.merchant) == second
    assert {order.number for order in orders_of(stack.merchant)} == {"2"}


def test_client_that_disappears_leaves_an_interrupted_run_that_can_be_finished(
    stack: Stack, store: str
):
    numbers = range(2 * BATCH_ORDERS_MAX + 10)
    content = json_lines(json_order(number) for number in numbers)
    metadata = (("authorization", f"Bearer {stack.merchant.secret}"),)
    stop = threading.Event()

    def messages() -> Iterator[ImportOrdersRequest]:
        yield head(stack.merchant, store, JSON)
        yield ImportOrdersRequest(chunk=content[:-5])
        stop.wait(20)

    with grpc.insecure_channel(f"127.0.0.1:{stack.api.port}") as channel:
        call = OrderServiceStub(channel).ImportOrders.future(messages(), metadata=metadata)
        wait_for(lambda: shown_or_none(stack) and shown(stack.merchant).order_count)
        call.cancel()
    stop.set()

    run = wait_for(lambda: interrupted(stack))
    assert run.problem_message == "the client went away"
    assert 0 < run.order_count < len(numbers)
    again = take(stack.merchant, store, content, JSON)
    assert again.state == runs.IMPORT_RUN_STATE_SUCCEEDED
    assert counts(again) == (410, 410 - run.order_count, 0, run.order_count)
    stack.work()


def shown_or_none(stack: Stack) -> Any:
    return stack.db.all("SELECT * FROM import_run")


def interrupted(stack: Stack) -> Any:
    run = shown(stack.merchant)
    return run if run.state == runs.IMPORT_RUN_STATE_INTERRUPTED else None


def limited(stack: Stack, limits: StreamLimits) -> tuple[ApiThread, Caller]:
    api = ApiThread(stack.oms, stack.settings, limits)
    client = Client(f"127.0.0.1:{api.port}", token=stack.merchant.secret)
    stack._closing.callback(api.stop)
    stack._closing.callback(client.close)
    return api, replace(stack.merchant, client=client)


def test_client_that_stops_sending_is_let_go(stack: Stack, store: str):
    limits = StreamLimits(rest_seconds=0.1, idle_seconds_max=0.5)
    _, caller = limited(stack, limits)
    began = time.monotonic()

    idle = Slow(caller, store)
    idle.thread.join(10)

    assert isinstance(idle.error, LimitExceeded)
    assert "nothing was sent for 0.5 seconds" in str(idle.error)
    assert time.monotonic() - began < 5
    assert "nothing was sent" in shown(stack.merchant).problem_message
    idle.end()


def test_streams_are_bounded_for_a_caller_and_in_size(stack: Stack, store: str):
    _, caller = limited(stack, StreamLimits(streams_per_caller_max=1, bytes_max=100_000))
    first = Slow(caller, store)
    wait_for(lambda: shown_or_none(stack))

    with pytest.raises(LimitExceeded) as too_many:
        take(caller, store, b"{}", JSON, run="second")
    first.end()
    with pytest.raises(LimitExceeded) as too_large:
        take(caller, store, b"\n" * 200_000, JSON, run="third")

    assert too_many.value.metadata["limit"] == "streams_per_caller"
    assert too_large.value.metadata["limit"] == "stream_bytes"
    assert counts(take(caller, store, json_lines([json_order(1)]), JSON)) == (1, 1, 0, 0)


def test_revoked_token_ends_a_stream(stack: Stack, store: str):
    stream = Slow(stack.merchant, store)
    stream.send(json_lines([json_order(1)]))
    wait_for(lambda: shown_or_none(stack))
    stack.operator.call(RevokeTokenRequest(name=stack.merchant.token_name))

    stream.send(json_lines([json_order(2)]))

    assert isinstance(stream.end(), Unauthenticated)
    assert stack.db.all("SELECT state FROM import_run") == [("INTERRUPTED",)]


def test_file_that_cannot_be_read_leaves_an_interrupted_run(stack: Stack, store: str):
    class Torn:
        def __init__(self) -> None:
            self._has_begun = False

        def read(self, _size: int) -> bytes:
            if not self._has_begun:
                self._has_begun = True
                return json_lines([json_order(1)])
            seen = GetImportRunRequest(name=f"{stack.merchant.name}/importRuns/backlog")
            wait_for(lambda: stack.merchant.code(seen) == "OK")
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        stack.merchant.client.import_orders(head(stack.merchant, store, JSON), Torn())

    assert wait_for(lambda: interrupted(stack)).order_count == 0


def test_other_calls_are_answered_during_an_import(stack: Stack, store: str, estate: Estate):
    content = json_lines(json_order(number) for number in range(3_000))
    thread = threading.Thread(target=take, args=(stack.merchant, store, content, JSON), daemon=True)
    thread.start()
    wait_for(lambda: len(shown_or_none(stack)) == 2)

    took = []
    while thread.is_alive():
        began = time.monotonic()
        stack.merchant.call(GetOrderRequest(name=estate.order))
        took.append(time.monotonic() - began)

    assert len(took) >= 5
    assert max(took) < 2
    assert len(orders_of(stack.merchant, store=store, page_size=500)) == 500


def test_store_of_files_is_told_of_nothing_and_cannot_be_told(stack: Stack, estate: Estate):
    store = stack.merchant.call(
        ConnectStoreRequest(
            parent=stack.merchant.name, platform=STORE_PLATFORM_FILES, base_url="untold"
        )
    ).store
    assert store.write_back_mode == WRITE_BACK_MODE_OFF

    request = UpdateStoreRequest(name=store.name, write_back_mode=WRITE_BACK_MODE_SEPARATE)
    with pytest.raises(InvalidInput):
        stack.merchant.call(request)

    found = stack.merchant.call(GetStoreRequest(name=store.name)).store
    assert found == store
