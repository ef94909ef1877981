"""Files of orders as people export them, made by the line."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

# The header that Shopify's admin writes.
SHOPIFY_TITLES = [
    "Name",
    "Email",
    "Financial Status",
    "Paid at",
    "Fulfillment Status",
    "Fulfilled at",
    "Accepts Marketing",
    "Currency",
    "Subtotal",
    "Shipping",
    "Taxes",
    "Total",
    "Discount Code",
    "Discount Amount",
    "Shipping Method",
    "Created at",
    "Lineitem quantity",
    "Lineitem name",
    "Lineitem price",
    "Lineitem compare at price",
    "Lineitem sku",
    "Lineitem requires shipping",
    "Lineitem taxable",
    "Lineitem fulfillment status",
    "Billing Name",
    "Billing Street",
    "Billing Address1",
    "Billing Address2",
    "Billing Company",
    "Billing City",
    "Billing Zip",
    "Billing Province",
    "Billing Country",
    "Billing Phone",
    "Shipping Name",
    "Shipping Street",
    "Shipping Address1",
    "Shipping Address2",
    "Shipping Company",
    "Shipping City",
    "Shipping Zip",
    "Shipping Province",
    "Shipping Country",
    "Shipping Phone",
    "Notes",
    "Note Attributes",
    "Cancelled at",
    "Payment Method",
    "Payment Reference",
    "Refunded Amount",
    "Vendor",
    "Outstanding Balance",
    "Employee",
    "Location",
    "Device ID",
    "Id",
    "Tags",
    "Risk Level",
    "Source",
    "Lineitem discount",
]


def shopify_rows(
    number: int, skus: Iterable[str] = ("LAMP-1",), **cells: str
) -> list[dict[str, str]]:
    """Write an order: the first row says everything, the others have their line only."""
    first = {
        "Name": f"#{number}",
        "Email": "ada@example.com",
        "Financial Status": "paid",
        "Paid at": "2025-10-07 09:50:27 +0200",
        "Fulfillment Status": "unfulfilled",
        "Currency": "EUR",
        "Total": "49.90",
        "Billing Name": "Ada Sample",
        "Shipping Name": "Ada Sample",
        "Shipping Address1": "Marktstr. 1",
        "Shipping City": "Köln",
        "Shipping Zip": "'04109",
        "Shipping Country": "DE",
        "Id": str(5_000_000 + number),
    }
    rows = [
        {
            "Name": f"#{number}",
            "Email": "ada@example.com",
            "Created at": "2025-10-07 09:50:26 +0200",
            "Lineitem quantity": "2",
            "Lineitem name": f"Thing {sku}",
            "Lineitem price": "12.50",
            "Lineitem sku": sku,
            "Lineitem requires shipping": "true",
            "Lineitem fulfillment status": "pending",
            "Vendor": "Brand",
        }
        for sku in skus
    ]
    rows[0] |= first | {name.replace("_", " "): text for name, text in cells.items()}
    return rows


def shopify_csv(
    rows: Iterable[Mapping[str, str]],
    *,
    delimiter: str = ",",
    line_end: str = "\n",
    without: Iterable[str] = (),
) -> bytes:
    titles = [title for title in SHOPIFY_TITLES if title not in set(without)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    writer.writerow(titles)
    for row in rows:
        writer.writerow([row.get(title, "") for title in titles])
    return text.getvalue().encode()


def json_order(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "currency": "EUR",
        "placed_time": "2026-01-31T09:50:26Z",
        "recipient": {"recipient_name": "Ada Sample", "region_code": "DE"},
        "lines": [{"sku": "LAMP-1", "title": "Lamp", "quantity": 2, "price": "12.50"}],
    } | fields


def json_lines(documents: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in documents)
