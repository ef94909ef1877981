"""Shows who works with whom, and vendors' lists of what they are to fulfil."""

from collections.abc import Iterable, Iterator

from fbali.cli.document import Block, Cell, Column, Table
from fbali.cli.views.values import amounts, last_part, moment
from fbali.cli.views.words import word
from fbali.v1.allocation_pb2 import Allocation, AllocationState
from fbali.v1.vendor_pb2 import Partnership, PartnershipState

_ALLOCATION_COLUMNS = [
    Column("ORDER"),
    Column("STATE"),
    Column("RECEIVED"),
    Column("MERCHANT", flexible=True, spare=1),
    Column("TO", spare=2),
    Column("UNITS", right=True),
    Column("PACKED", right=True),
    Column("COSTS", right=True, spare=3),
    Column("ID"),
]


def vendors_of_merchant(partnerships: Iterable[Partnership]) -> Iterator[Block]:
    """Show a merchant the vendors it works with."""
    rows: list[list[Cell]] = [
        [
            one.vendor_display_name,
            word(PartnershipState, one.state),
            _acceptance(one),
            moment(one, "create_time"),
            last_part(one.vendor),
        ]
        for one in partnerships
    ]
    columns = [
        Column("VENDOR", flexible=True),
        Column("STATE"),
        Column("ACCEPTS", flexible=True, spare=2),
        Column("INVITED", spare=1),
        Column("ID"),
    ]
    yield Table(columns, rows, "No vendors. Invite one with: fbali vendors invite VENDOR")


def merchants_of_vendor(partnerships: Iterable[Partnership]) -> Iterator[Block]:
    """Show a vendor the merchants it works for."""
    rows: list[list[Cell]] = [
        [
            one.merchant_display_name,
            word(PartnershipState, one.state),
            _acceptance(one),
            moment(one, "create_time"),
            last_part(one.merchant),
        ]
        for one in partnerships
    ]
    columns = [
        Column("MERCHANT", flexible=True),
        Column("STATE"),
        Column("YOU ACCEPT", flexible=True, spare=2),
        Column("INVITED", spare=1),
        Column("ID"),
    ]
    yield Table(columns, rows, "No invitations yet.")


def allocation_list(allocations: Iterable[Allocation]) -> Iterator[Block]:
    """Show a vendor its parts of orders."""
    rows: list[list[Cell]] = [
        [
            one.order_number,
            word(AllocationState, one.state),
            moment(one, "create_time"),
            one.merchant_display_name,
            one.recipient.region_code,
            sum(line.quantity for line in one.lines),
            sum(line.packed_quantity for line in one.lines),
            amounts(one.actual_totals or one.quoted_totals),
            last_part(one.name),
        ]
        for one in allocations
    ]
    yield Table(_ALLOCATION_COLUMNS, rows, "No allocations.")


def _acceptance(partnership: Partnership) -> str:
    if partnership.acceptance_required:
        return f"by word, within {partnership.acceptance_hours} h"
    return "by the first parcel"
