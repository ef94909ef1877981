"""Vendors' open work as rows: one for each line of an allocation with units that are not packed."""

from collections.abc import Iterable

from google.protobuf.message import Message

from fbali.cli.document import Cell, Column, Table
from fbali.cli.views.values import last_part
from fbali.v1.allocation_pb2 import Allocation, AllocationLine

_RECIPIENT = (
    "recipient_name",
    "company",
    "line1",
    "line2",
    "postal_code",
    "city",
    "administrative_area",
    "region_code",
    "phone",
)
# The last two are empty: a vendor fills them in and hands the file to `ship --csv`.
COLUMNS = (
    "allocation",
    "order_number",
    *_RECIPIENT,
    "line",
    "sku",
    "vendor_sku",
    "title",
    "quantity",
    "tracking_number",
    "carrier_code",
)


def work_rows(allocations: Iterable[Allocation]) -> list[dict[str, str | int]]:
    """Give a row for every line with units left to pack, under the names of COLUMNS."""
    return [
        _row(allocation, line)
        for allocation in allocations
        for line in allocation.lines
        if line.quantity > line.packed_quantity
    ]


def work_table(rows: Iterable[dict[str, str | int]]) -> Table:
    """Show the rows as they are exported."""
    columns = [Column(name, right=name == "quantity") for name in COLUMNS]
    cells: list[list[Cell]] = [[row[name] for name in COLUMNS] for row in rows]
    return Table(columns, cells, "Nothing is left to pack.")


def _row(allocation: Allocation, line: AllocationLine) -> dict[str, str | int]:
    recipient: Message = allocation.recipient
    return {
        "allocation": last_part(allocation.name),
        "order_number": allocation.order_number,
        **{name: str(getattr(recipient, name)) for name in _RECIPIENT},
        "line": last_part(line.line),
        "sku": line.sku,
        "vendor_sku": line.vendor_sku,
        "title": line.title,
        "quantity": line.quantity - line.packed_quantity,
        "tracking_number": "",
        "carrier_code": "",
    }
