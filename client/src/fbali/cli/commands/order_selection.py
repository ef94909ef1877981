"""The options by which orders are selected: for a list, or for a file."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from fbali.cli import names
from fbali.cli.command import options_as
from fbali.cli.parameters import MOMENT

TAGS = [
    "all",
    "pending",
    "processing",
    "in-transit",
    "exception",
    "delivered",
    "not-admitted",
    "ended",
]
HOLD_REASONS = [
    "merchant",
    "address",
    "payment",
    "fraud-risk",
    "out-of-stock",
    "margin",
    "duplicate-suspect",
    "cool-off",
]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which orders are listed."""

    tag: str
    store: str | None
    vendor: str | None
    since: datetime | None
    until: datetime | None
    search: str
    country: str
    peculiarity: str | None
    hold_reason: str | None


selection_options = options_as(
    Selection,
    "selection",
    click.option("--tag", type=click.Choice(TAGS), default="all", help="Only orders of this tag."),
    click.option("--store", type=names.STORE, help="Only orders of this store."),
    click.option("--vendor", type=names.VENDOR, help="Only orders that this vendor has a part of."),
    click.option(
        "--since", type=MOMENT, metavar="DATE", help="Ordered at or after this local time."
    ),
    click.option("--until", type=MOMENT, metavar="DATE", help="Ordered before this local time."),
    click.option(
        "--search",
        metavar="TEXT",
        default="",
        help="Only orders with all these words, or beginnings of them, in their number, customer,"
        " SKUs, product titles or tracking numbers.",
    ),
    click.option(
        "--country", metavar="CODE", default="", help="Only orders to this country, such as DE."
    ),
    click.option("--held", "peculiarity", flag_value="held", help="Only orders on hold."),
    click.option(
        "--unhosted",
        "peculiarity",
        flag_value="unhosted",
        help="Only orders with products that no vendor hosts.",
    ),
    click.option(
        "--over-allocated",
        "peculiarity",
        flag_value="over-allocated",
        help="Only orders of which vendors have more than is left.",
    ),
    click.option(
        "--stalled",
        "peculiarity",
        flag_value="tracking-stalled",
        help="Only orders with a parcel that shows no progress for longer than is usual.",
    ),
    click.option(
        "--hold-reason", type=click.Choice(HOLD_REASONS), help="Only orders on hold for this."
    ),
)


def selection_fields(selection: Selection) -> dict[str, Any]:
    """Give the fields of a request, which lists and exports name alike."""
    from fbali.cli.contract_values import timestamp, value_of
    from fbali.cli.views.order_list import TAGS as TAG_VALUES
    from fbali.v1.hold_pb2 import HoldReason
    from fbali.v1.order_service_pb2 import OrderPeculiarity

    return {
        "tag": TAG_VALUES[selection.tag],
        "store": selection.store or "",
        "vendor": selection.vendor or "",
        "placed_after_time": timestamp(selection.since),
        "placed_before_time": timestamp(selection.until),
        "search": selection.search,
        "region_code": selection.country.upper(),
        "hold_reason": value_of(HoldReason, "HOLD_REASON", selection.hold_reason),
        "peculiarity": value_of(OrderPeculiarity, "ORDER_PECULIARITY", selection.peculiarity),
    }
