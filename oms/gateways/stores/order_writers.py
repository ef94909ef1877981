"""Orders as files: JSON lines that can be imported again, and CSV for spreadsheets."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from oms.domain.currencies import MINOR_UNIT_DIGITS
from oms.domain.exports import ExportedOrder
from oms.domain.imports import ExportFormat
from oms.domain.money import Money
from oms.domain.snapshots import LineSnapshot, OrderSnapshot
from oms.domain.spreadsheet_cells import guard
from oms.gateways.stores.json_lines import RECIPIENT_FIELDS
from oms.usecases.ports import OrderWriter

CSV_COLUMNS: Final = (
    *("order", "store", "store_order_id", "number", "store_status", "admission"),
    *("shipping_status", "placed_time", "updated_time", "customer_name", "customer_email"),
    *RECIPIENT_FIELDS,
    *("note", "currency", "total", "line_id", "sku", "title", "price", "quantity"),
    *("removed_quantity", "open_quantity", "packed_quantity", "delivered_quantity"),
    *("vendors", "tracking_numbers"),
)


class JsonLinesWriter:
    """One object per order, as the reader of JSON lines takes it."""

    def head(self) -> bytes:
        """Begin with nothing."""
        return b""

    def rows(self, order: ExportedOrder) -> bytes:
        """Write one line."""
        text = json.dumps(_document(order.order), ensure_ascii=False, separators=(",", ":"))
        return text.encode() + b"\n"


class CsvWriter:
    """One row per line of an order, with what is said of the whole order on each."""

    def head(self) -> bytes:
        """Write the titles, after the mark by which spreadsheets know UTF-8."""
        return b"\xef\xbb\xbf" + _row(CSV_COLUMNS)

    def rows(self, order: ExportedOrder) -> bytes:
        """Write the rows of one order; one without lines has one row."""
        whole = _order_cells(order)
        lines = [_line_cells(order, line) for line in order.order.lines] or [{}]
        records = ({**whole, **line} for line in lines)
        return b"".join(_row([record.get(name, "") for name in CSV_COLUMNS]) for record in records)


WRITERS: Final[Mapping[ExportFormat, type[OrderWriter]]] = {
    ExportFormat.CSV: CsvWriter,
    ExportFormat.JSON_LINES: JsonLinesWriter,
}


def _document(order: OrderSnapshot) -> dict[str, Any]:
    found = {
        "id": order.external_id,
        "number": order.number,
        "status": order.store_status,
        "paid": order.is_paid,
        "cancelled": order.is_cancelled or None,
        "fulfilled": order.is_fulfilled or None,
        "currency": order.currency,
        "total": _amount(order.total),
        "placed_time": _instant(order.placed_at),
        "updated_time": _instant(order.updated_at),
        "customer": _filled({"name": order.customer_name, "email": order.customer_email}),
        "recipient": _filled(_recipient(order)),
        "note": order.note,
        "lines": [_line_document(line) for line in order.lines],
    }
    return _filled(found)


def _line_document(line: LineSnapshot) -> dict[str, Any]:
    return _filled(
        {
            "id": line.external_id,
            "sku": line.sku,
            "title": line.title,
            "quantity": line.quantity,
            "removed_quantity": line.removed_quantity or None,
            "price": _amount(line.price),
            "needs_shipping": None if line.needs_shipping else False,
            "fulfilled": line.is_fulfilled or None,
        }
    )


def _order_cells(exported: ExportedOrder) -> dict[str, Any]:
    order = exported.order
    return {
        "order": exported.id,
        "store": exported.store_id,
        "store_order_id": order.external_id,
        "number": order.number,
        "store_status": order.store_status,
        "admission": exported.admission,
        "shipping_status": exported.shipping_status,
        "placed_time": _instant(order.placed_at),
        "updated_time": _instant(order.updated_at),
        "customer_name": order.customer_name,
        "customer_email": order.customer_email,
        **_recipient(order),
        "note": order.note,
        "currency": order.currency,
        "total": _amount(order.total),
        "tracking_numbers": "; ".join(exported.tracking_numbers),
    }


def _line_cells(exported: ExportedOrder, line: LineSnapshot) -> dict[str, Any]:
    ledger = exported.ledgers[line.external_id]
    return {
        "line_id": line.external_id,
        "sku": line.sku,
        "title": line.title,
        "price": _amount(line.price),
        "quantity": line.quantity,
        "removed_quantity": ledger.removed,
        "open_quantity": ledger.open,
        "packed_quantity": ledger.packed,
        "delivered_quantity": ledger.delivered,
        "vendors": exported.vendors[line.external_id],
    }


def _recipient(order: OrderSnapshot) -> dict[str, str]:
    return {name: getattr(order.address, ours) for name, ours in RECIPIENT_FIELDS.items()}


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty or absent; false and 0 say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", {})}


def _amount(money: Money) -> str:
    digits = MINOR_UNIT_DIGITS.get(money.currency, 2)
    return f"{Decimal(money.amount_minor).scaleb(-digits):.{digits}f}"


def _instant(epoch_seconds: int) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _row(cells: "tuple[Any, ...] | list[Any]") -> bytes:
    record = io.StringIO()
    csv.writer(record).writerow([guard(one) if isinstance(one, str) else one for one in cells])
    return record.getvalue().encode()
