"""Files of orders, read as they come: cut anywhere, broken anyhow, never held as a whole."""

import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from oms.domain.admission import Admission, admit
from oms.domain.errors import InvalidInput
from oms.domain.imports import BrokenRow, FileOrder
from oms.domain.money import Money
from oms.domain.snapshots import OrderSnapshot
from oms.gateways.stores.file_records import RECORD_BYTES_MAX
from oms.gateways.stores.json_lines import JsonLinesFile
from oms.gateways.stores.shopify_csv import NEEDED, ShopifyCsvFile
from oms.usecases.ports import OrderFile
from tests.services.order_file_texts import json_lines, json_order, shopify_csv, shopify_rows

Make = Callable[[int | None], OrderFile]


def read(make: Make, content: bytes, size: int = 1 << 20, exported_at: int | None = None) -> Any:
    file = make(exported_at)
    found: list[FileOrder | BrokenRow] = []
    for start in range(0, len(content), size):
        found += file.feed(content[start : start + size])
    return [*found, *file.end()]


def orders(found: Iterable[Any]) -> list[OrderSnapshot]:
    return [item.order for item in found if isinstance(item, FileOrder)]


def problems(found: Iterable[Any]) -> list[tuple[int, str, str]]:
    rows = [item for item in found if isinstance(item, BrokenRow)]
    return [(row.line_number, row.external_id, row.problem) for row in rows]


def refusal(make: Make, content: bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(make, content)
    return refused.value.violations[0].description


NOTE = 'Please ring, "twice"\r\nand wait\n=1+1 \N{SNOWMAN}'


def test_shopify_order_is_read_with_all_its_lines():
    rows = shopify_rows(
        1001, ["LAMP-1", "MAT", ""], Notes=NOTE, Paid_at="2025-10-08 00:00:00 +0000"
    )

    [order] = orders(read(ShopifyCsvFile, shopify_csv(rows)))

    assert (order.external_id, order.number, order.store_status) == ("5001001", "#1001", "paid")
    assert (order.total, order.note) == (Money("EUR", 4990), NOTE)
    assert (order.placed_at, order.updated_at) == (1759823426, 1759881600)
    assert (order.address.postal_code, order.address.country_code) == ("04109", "DE")
    assert [line.external_id for line in order.lines] == ["file:1:LAMP-1", "file:2:MAT", "file:3:"]
    assert [line.product_id for line in order.lines] == ["sku:LAMP-1", "sku:MAT", "title:Thing"]
    assert {line.price for line in order.lines} == {Money("EUR", 1250)}
    assert admit(order) == Admission.ADMITTED


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_chunks_may_be_cut_anywhere(size: int, line_end: str):
    rows = [*shopify_rows(1, Notes=NOTE), *shopify_rows(2, ["a", "b"], Notes="\N{SNOWMAN}" * 9)]
    content = b"\xef\xbb\xbf" + shopify_csv(rows, line_end=line_end)
    whole = read(ShopifyCsvFile, content)

    assert len(orders(whole)) == 2
    assert read(ShopifyCsvFile, content, size) == whole
    lines = json_lines([json_order(1, note=NOTE), json_order(2, note="\N{SNOWMAN}")])
    assert read(JsonLinesFile, lines, size) == read(JsonLinesFile, lines)


def test_file_without_a_last_line_end_is_read_to_its_end():
    content = shopify_csv(shopify_rows(1))

    assert len(orders(read(ShopifyCsvFile, content.rstrip(b"\n")))) == 1
    assert len(orders(read(JsonLinesFile, json_lines([json_order(1)]).rstrip()))) == 1


def test_semicolons_and_decimal_commas_of_a_spreadsheet_are_understood():
    rows = shopify_rows(1, Total="1.249,90")
    rows[0]["Lineitem price"] = "12,5"

    [order] = orders(read(ShopifyCsvFile, shopify_csv(rows, delimiter=";")))

    assert (order.total, order.lines[0].price) == (Money("EUR", 124990), Money("EUR", 1250))


def test_formulas_are_restored():
    rows = shopify_rows(1, Shipping_Name="'=1+1", Notes="''@x", Billing_Name="'plain")

    [order] = orders(read(ShopifyCsvFile, shopify_csv(rows)))

    assert (order.address.name, order.note, order.customer_name) == ("=1+1", "'@x", "'plain")


@pytest.mark.parametrize("name", NEEDED)
def test_missing_column_is_named(name: str):
    said = refusal(ShopifyCsvFile, shopify_csv(shopify_rows(1), without=[name]))

    assert said == f"the file has no column {name} in its first line"


@pytest.mark.parametrize("make", [JsonLinesFile, ShopifyCsvFile])
def test_empty_file_is_refused(make: Make):
    assert refusal(make, b"") == "the file is empty"


def test_file_of_the_other_kind_is_refused():
    assert "line 1 begins no object" in refusal(JsonLinesFile, shopify_csv(shopify_rows(1)))
    assert "no column Name" in refusal(ShopifyCsvFile, json_lines([json_order(1)]))
    assert "no CSV in UTF-8" in refusal(ShopifyCsvFile, "Näme,Id\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"Currency": "XQZ"}, "Currency is 'XQZ', which is no known currency"),
        ({"Total": "ten"}, "Total is no amount of money: 'ten'"),
        ({"Total": "NaN"}, "Total is no amount of money: 'NaN'"),
        ({"Created_at": "07/10/2025 09:50"}, "Created at is no date: '07/10/2025 09:50'"),
        ({"Shipping_Country": "Germany"}, "Shipping Country is no two-letter code but 'Germany'"),
        ({"Lineitem_quantity": "1.5"}, "Lineitem quantity is not a whole number from 0"),
        ({"Lineitem_quantity": "\u0662"}, "Lineitem quantity is not a whole number from 0"),
        ({"Lineitem_price": ""}, "Lineitem price is empty"),
        ({"Notes": "x" * 10_001}, "Notes has 10001 characters, 10000 are allowed"),
        ({"Notes": "x" * 200_000}, "field larger than field limit"),
        ({"Billing_Name": "a\0b"}, "the row holds a NUL character"),
    ],
)
def test_broken_row_is_told_by_its_line_and_the_others_are_kept(
    cells: dict[str, str], problem: str
):
    content = shopify_csv(
        [*shopify_rows(1, Notes="two\nlines"), *shopify_rows(2, **cells), *shopify_rows(3)]
    )

    found = read(ShopifyCsvFile, content)

    assert [order.number for order in orders(found)] == ["#1", "#3"]
    [(line_number, _, said)] = problems(found)
    assert line_number == 4
    assert problem in said


def test_order_with_one_broken_line_is_not_taken_in_part():
    rows = shopify_rows(2, ["a", "b", "c"])
    rows[1]["Lineitem quantity"] = "many"

    found = read(ShopifyCsvFile, shopify_csv([*rows, *shopify_rows(3)]))

    assert [order.number for order in orders(found)] == ["#3"]
    assert [row[:2] for row in problems(found)] == [(3, "5000002")]


def test_row_that_is_no_utf8_breaks_its_order_alone():
    rows = [*shopify_rows(1), *shopify_rows(2, ["a", "b"]), *shopify_rows(3)]
    content = shopify_csv(rows).replace(b"Thing b", b"Thing \xff")

    found = read(ShopifyCsvFile, content)

    assert [order.number for order in orders(found)] == ["#1", "#3"]
    assert problems(found) == [(4, "#2", "the row is not UTF-8")]


def test_order_that_is_begun_twice_is_told():
    found = read(ShopifyCsvFile, shopify_csv([*shopify_rows(1), *shopify_rows(1)]))

    assert orders(found) == []
    [(line_number, _, said)] = problems(found)
    assert (line_number, "begins on line 2" in said) == (3, True)


def test_rows_that_lost_their_first_row_are_told():
    rows = shopify_rows(1, ["a", "b"])

    found = read(ShopifyCsvFile, shopify_csv([rows[1], *shopify_rows(2)]))

    assert [order.number for order in orders(found)] == ["#2"]
    assert [row[:2] for row in problems(found)] == [(2, "#1")]


def test_quote_that_is_never_closed_costs_what_follows_up_to_a_bound():
    content = shopify_csv([*shopify_rows(1), *shopify_rows(2)]).replace(b"#2", b'"#2')

    found = read(ShopifyCsvFile, content)

    assert [order.number for order in orders(found)] == ["#1"]
    assert [row[0] for row in problems(found)] == [3]


@pytest.mark.parametrize("make", [JsonLinesFile, ShopifyCsvFile])
def test_line_of_ten_megabytes_is_told_and_never_held(make: Make):
    is_csv = make is ShopifyCsvFile
    head = shopify_csv(shopify_rows(1)) if is_csv else json_lines([json_order(1)])
    tail = b"\n" + (shopify_csv(shopify_rows(2)).split(b"\n", 1)[1] if is_csv else head)
    chunk = b'"' + b"x" * 65_535 if is_csv else b"{" + b"x" * 65_535
    file = make(None)
    found = list(file.feed(head))
    tracemalloc.start()

    for _ in range(160):
        found += file.feed(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    found += [*file.feed(tail), *file.end()]

    assert peak < 4 * RECORD_BYTES_MAX
    line_number = 3 if is_csv else 2
    assert [row[0] for row in problems(found)] == [line_number]
    assert "is longer than 1048576 bytes" in problems(found)[0][2]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"id": "7"', "the line is no JSON"),
        (b"[" * 100_000, "the line is no JSON"),
        (b"[1]", "the line is no object"),
        (b'{"id": NaN}', "NaN is no number"),
        (b'{"id": ' + b"9" * 5000 + b"}", "the line is no JSON"),
        (b'{"id": "\xff"}', "the line is not UTF-8"),
        (b'{"id": "a\\u0000"}', "id holds a NUL character"),
        (b'{"id": "a\\ud800"}', "id holds half a character"),
        (b"{}", "id is missing"),
    ],
)
def test_line_that_is_no_order_is_told(line: bytes, problem: str):
    found = read(
        JsonLinesFile, json_lines([json_order(1)]) + line + b"\n\n" + json_lines([json_order(2)])
    )

    assert [order.external_id for order in orders(found)] == ["1", "2"]
    [(line_number, _, said)] = problems(found)
    assert line_number == 2
    assert problem in said


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"emial": "x"}, "'emial' is no field; docs/import.md lists them"),
        ({"recipient": {"zip": "1"}}, "recipient: 'zip' is no field; docs/import.md lists them"),
        ({"recipient": {}}, "recipient.region_code is missing"),
        ({"recipient": []}, "recipient.region_code is missing"),
        ({"recipient": "DE"}, "recipient is not an object but 'DE'"),
        ({"paid": "yes"}, "paid is neither true nor false but 'yes'"),
        ({"lines": []}, "lines is missing or empty"),
        ({"lines": [{"sku": "a", "quantity": 1}]}, "lines[0]: price is missing"),
        ({"lines": [{"sku": "a", "quantity": -1, "price": 1}]}, "lines[0]: quantity is -1"),
        ({"lines": [{"quantity": 1, "price": 1}]}, "lines[0]: sku and title are missing"),
        ({"placed_time": None}, "placed_time is missing"),
        ({"placed_time": "yesterday"}, "placed_time is no date: 'yesterday'"),
        ({"currency": "usd?"}, "currency is 'USD?', which is no known currency"),
        ({"customer": {"name": {}}}, "customer.name is not a text but {}"),
    ],
)
def test_wrong_field_of_a_json_order_is_named(fields: dict[str, Any], problem: str):
    [(_, external_id, said)] = problems(read(JsonLinesFile, json_lines([json_order(1, **fields)])))

    assert external_id == "1"
    assert problem in said


def test_time_of_the_export_stands_in_for_the_time_of_the_change():
    content = shopify_csv(shopify_rows(1))

    [order] = orders(read(ShopifyCsvFile, content, exported_at=1_800_000_000))

    assert order.updated_at == 1_800_000_000
    [other] = orders(read(ShopifyCsvFile, content))
    assert replace(other, updated_at=order.updated_at) == order


@pytest.mark.parametrize(
    ("cells", "admission"),
    [
        ({"Financial_Status": "pending"}, Admission.UNPAID),
        ({"Financial_Status": "authorized"}, Admission.UNPAID),
        ({"Financial_Status": "partially_refunded"}, Admission.ADMITTED),
        ({"Financial_Status": "refunded"}, Admission.CANCELLED),
        ({"Financial_Status": "voided"}, Admission.CANCELLED),
        ({"Cancelled_at": "2025-10-09 00:00:00 +0000"}, Admission.CANCELLED),
        ({"Fulfillment_Status": "fulfilled"}, Admission.FULFILLED_ELSEWHERE),
        ({"Lineitem_fulfillment_status": "fulfilled"}, Admission.NOTHING_TO_SHIP),
        ({"Lineitem_requires_shipping": "false"}, Admission.NOTHING_TO_SHIP),
        ({"Lineitem_requires_shipping": "no"}, Admission.NOTHING_TO_SHIP),
    ],
)
def test_statuses_decide_what_is_processed(cells: dict[str, str], admission: Admission):
    [order] = orders(read(ShopifyCsvFile, shopify_csv(shopify_rows(1, **cells))))

    assert admit(order) == admission
