"""Orders as files: selected, whole, harmless to spreadsheets, and taken back as they were."""

import csv
import io
import json
import time
from dataclasses import replace
from typing import Any

import grpc
import pytest

from fbali.cli import csv_cells
from fbali.client import Client
from fbali.errors import LimitExceeded, Unauthenticated
from fbali.v1 import import_run_pb2 as runs
from fbali.v1.admin_service_pb2 import RevokeTokenRequest
from fbali.v1.order_service_pb2 import (
    ORDER_TAG_NOT_ADMITTED,
    ORDER_TAG_PENDING,
    ExportOrdersRequest,
    GetOrderRequest,
    OrderSelection,
)
from oms.domain import spreadsheet_cells
from oms.gateways.stores.order_writers import CSV_COLUMNS
from oms.usecases.export_orders import BATCH_ORDERS_MAX
from server.app import ApiThread
from server.streams import StreamLimits
from tests.functional.estate import Estate, orders_of
from tests.functional.test_imports import JSON, files_store, take
from tests.services.order_file_texts import json_lines, json_order, shopify_csv, shopify_rows
from tests.services.stack import Caller, Stack, wait_for

EVIL = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "'=1",
    "\t=1",
    "\r\n=1",
    "\uff1d1",
    "plain",
    "a\x1b[31mb\x7f",
    "'x",
]


def export(caller: Caller, kind: Any = runs.EXPORT_FORMAT_JSON_LINES, **selection: Any) -> bytes:
    request = ExportOrdersRequest(
        parent=caller.name, format=kind, selection=OrderSelection(**selection)
    )
    return b"".join(caller.client.export_orders(request))


def documents(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_exported_orders_imported_into_another_store_are_the_same_orders(stack: Stack):
    first = files_store(stack.merchant, "files:first")
    second = files_store(stack.merchant, "files:second")
    shop = [
        *shopify_rows(1, ["LAMP-1", "MUG", ""], Notes="two\nlines", Billing_Name="=1+1"),
        *shopify_rows(2, Financial_Status="pending"),
        *shopify_rows(3, Cancelled_at="2025-10-09 00:00:00 +0000"),
        *shopify_rows(4, Fulfillment_Status="fulfilled"),
        *shopify_rows(5, Currency="JPY", Total="1000", Lineitem_fulfillment_status="fulfilled"),
    ]
    partly = [{"sku": "A", "quantity": 5, "removed_quantity": 2, "price": "1"}]
    take(stack.merchant, first, shopify_csv(shop))
    take(stack.merchant, first, json_lines([json_order(6, lines=partly, note="\x1b\x7f☃")]), JSON)
    taken_out = all_of(stack.merchant, first)

    run = take(stack.merchant, second, b"".join(taken_out), JSON)

    assert (run.created_count, run.broken_count) == (6, 0)
    assert sorted(all_of(stack.merchant, second)) == sorted(taken_out)
    assert states(stack, second) == states(stack, first)


def all_of(caller: Caller, store: str) -> list[bytes]:
    """Export line by line: orders of one second have no order of their own."""
    rest = export(caller, store=store, tag=ORDER_TAG_NOT_ADMITTED)
    return (export(caller, store=store) + rest).splitlines(keepends=True)


def states(stack: Stack, store: str) -> list[Any]:
    return stack.db.all(
        "SELECT o.external_id, o.admission, o.status, o.total_minor, o.placed_at, l.external_id,"
        " l.ordered, l.removed, l.elsewhere, l.open_units, l.price_minor, d.address, d.note"
        " FROM orders o JOIN order_line l ON l.order_id = o.id JOIN order_detail d ON"
        " d.order_id = o.id WHERE o.store_id = ? ORDER BY 1, 6",
        store.rpartition("/")[2],
    )


def test_export_again_changes_nothing_where_it_came_from(stack: Stack, estate: Estate):
    content = export(stack.merchant, store=estate.store)
    before = {item.name: item.etag for item in orders_of(stack.merchant)}

    run = take(stack.merchant, estate.store, content, JSON)

    assert run.order_count == len(documents(content)) == 5
    assert run.created_count == 0
    found = [stack.merchant.call(GetOrderRequest(name=name)).order for name in before]
    assert [len(order.lines) for order in found] == [
        len(item.lines) for item in orders_of(stack.merchant)
    ]
    assert sum(line.allocated_quantity for order in found for line in order.lines) == sum(
        line.allocated_quantity for item in orders_of(stack.merchant) for line in item.lines
    )


def test_csv_has_a_row_for_each_line_with_vendor_and_parcel(stack: Stack, estate: Estate):
    rows = rows_of(export(stack.merchant, runs.EXPORT_FORMAT_CSV))

    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["number"] for row in rows] == ["1001", "1001", "1002", "1003", "1004", "1005"]
    packed = rows[3]
    assert (packed["vendors"], packed["tracking_numbers"][:7]) == ("Vendor A", "SMOOTH-")
    assert (packed["quantity"], packed["packed_quantity"]) == ("2", "1")
    assert (rows[0]["currency"], rows[0]["price"]) == ("USD", "71.23")


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_a_formula_and_each_can_be_restored(stack: Stack, text: str):
    store = files_store(stack.merchant, "files:evil")
    order = json_order(1, customer={"name": f"x{text}"}, note=f"x{text}")
    order["lines"][0]["title"] = text
    take(stack.merchant, store, json_lines([order]), JSON)

    [row] = rows_of(export(stack.merchant, runs.EXPORT_FORMAT_CSV))

    kept = text.strip()  # Blanks around a text are no part of it.
    assert row["title"] == spreadsheet_cells.guard(kept)
    assert spreadsheet_cells.restore(row["title"]) == kept
    assert row["note"] == f"x{text}"


def test_client_and_server_guard_cells_by_the_same_rule():
    beginnings = [
        "",
        *map(chr, range(0x21)),
        *map(chr, range(0x21, 0x180)),
        *"\uff1d\uff0b\uff0d\uff20\u2603",
    ]
    texts = [
        quotes + first + rest
        for quotes in ("", "'", "''")
        for first in beginnings
        for rest in ("", "x")
    ]

    for text in texts:
        assert spreadsheet_cells.guard(text) == csv_cells.guard(text)
        assert spreadsheet_cells.restore(text) == csv_cells.restore(text)
        assert spreadsheet_cells.restore(spreadsheet_cells.guard(text)) == text


def test_selection_selects(stack: Stack, estate: Estate):
    selections: dict[str, dict[str, Any]] = {
        "all": {},
        "pending": {"tag": ORDER_TAG_PENDING},
        "search": {"search": "mug"},
        "country": {"region_code": "DE"},
        "vendor": {"vendor": estate.vendor},
    }

    numbers = {
        name: [row["number"] for row in documents(export(stack.merchant, **selection))]
        for name, selection in selections.items()
    }

    assert numbers == {
        "all": ["1001", "1002", "1003", "1004", "1005"],
        "pending": ["1004"],
        "search": ["1004"],
        "country": [],
        "vendor": ["1001", "1002", "1003", "1005"],
    }


def test_more_than_a_batch_comes_in_order_and_complete(stack: Stack):
    store = files_store(stack.merchant, "files:many")
    numbers = [str(number) for number in range(2 * BATCH_ORDERS_MAX + 1)]
    take(stack.merchant, store, json_lines(map(json_order, range(len(numbers)))), JSON)

    found = [row["id"] for row in documents(export(stack.merchant, store=store))]

    assert sorted(found) == sorted(numbers)
    assert found == [row["id"] for row in documents(export(stack.merchant, store=store))]


def test_batches_cost_the_same_statements_however_many_orders_they_have(stack: Stack):
    store = files_store(stack.merchant, "files:many")
    counts = []
    for orders in (2, BATCH_ORDERS_MAX - 1):
        take(stack.merchant, store, json_lines(map(json_order, range(orders))), JSON)
        statements: list[str] = []
        stack.db.on_statement = statements.append
        export(stack.merchant, store=store)
        stack.db.on_statement = None
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 20


def slow_reader(stack: Stack, limits: StreamLimits) -> tuple[ApiThread, Any, Any]:
    """Open an export over a connection that takes next to nothing unread."""
    api = ApiThread(stack.oms, stack.settings, limits)
    stack._closing.callback(api.stop)
    client = Client(f"127.0.0.1:{api.port}", token=stack.merchant.secret)
    stack._closing.callback(client.close)
    request = ExportOrdersRequest(parent=stack.merchant.name, format=runs.EXPORT_FORMAT_JSON_LINES)
    return api, client, client.orders.ExportOrders(request)


def fill_with_notes(stack: Stack, orders: int) -> None:
    store = files_store(stack.merchant, "files:large")
    note = "x" * 9_999
    content = json_lines(json_order(number, note=note) for number in range(orders))
    take(stack.merchant, store, content, JSON)


def test_reader_that_stops_reading_is_let_go_and_costs_nothing(stack: Stack):
    fill_with_notes(stack, 3_000)  # 30 MB: more than gRPC keeps on the way.
    _, client, answers = slow_reader(stack, StreamLimits(idle_seconds_max=1))
    statements: list[str] = []
    next(answers)
    time.sleep(0.5)
    stack.db.on_statement = statements.append

    time.sleep(2)

    assert len(statements) < 100
    with pytest.raises((LimitExceeded, grpc.RpcError)):
        for _ in answers:
            pass
    del client


def test_revoked_token_ends_an_export(stack: Stack):
    fill_with_notes(stack, 3_000)
    _, _, answers = slow_reader(stack, StreamLimits())
    next(answers)
    stack.operator.call(RevokeTokenRequest(name=stack.merchant.token_name))

    with pytest.raises(Unauthenticated):
        for _ in answers:
            pass


def test_reader_that_goes_away_frees_its_place(stack: Stack):
    fill_with_notes(stack, 1_000)
    _, client, answers = slow_reader(stack, StreamLimits(streams_per_caller_max=1))
    next(answers)
    caller = replace(stack.merchant, client=client)
    with pytest.raises(LimitExceeded):
        export(caller)

    answers.cancel()

    assert wait_for(
        lambda: (
            caller.code(
                ExportOrdersRequest(parent=caller.name, format=runs.EXPORT_FORMAT_JSON_LINES)
            )
            == "OK"
        )
    )
