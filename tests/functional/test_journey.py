"""From the store to the door: one order of two vendors, as its merchant sees it."""

from itertools import pairwise
from typing import Any

import pytest

from fbali.v1 import allocation_pb2, cost_entry_pb2, order_pb2, package_pb2
from fbali.v1 import fulfillment_service_pb2 as fulfillment
from fbali.v1.cost_entry_pb2 import (
    COST_KIND_ADJUSTMENT,
    COST_KIND_PRODUCT,
    COST_KIND_SHIPPING,
)
from fbali.v1.money_pb2 import Money
from fbali.v1.order_service_pb2 import GetOrderRequest, GetSyncRunRequest
from fbali.v1.package_pb2 import PackageLine
from fbali.v1.store_pb2 import SYNC_RUN_STATE_SUCCEEDED
from tests.functional import goods
from tests.functional.estate import (
    allocations_of,
    connect,
    fill,
    host,
    orders_of,
    products_of,
)
from tests.services.stack import CARRIER_SECONDS_PER_STEP, Caller, Stack, wait_for

SMOOTH = [
    ("ANNOUNCED", "InfoReceived", "Shenzhen, CN"),
    ("HANDED_OVER", "InTransit_PickedUp", "Shenzhen, CN"),
    ("IN_TRANSIT", "InTransit_Departure", "Hong Kong, HK"),
    ("IN_TRANSIT", "InTransit_Arrival", "Hamburg, DE"),
    ("OUT_FOR_DELIVERY", "OutForDelivery_Other", "Berlin, DE"),
    ("DELIVERED", "Delivered_Other", "Berlin, DE"),
]


@pytest.fixture
def delivered(stack: Stack) -> Any:
    """Order 1001 after everything: two lamps in two parcels of A, three mats in one of B."""
    stack.start_workers()
    fill(stack)
    connect_and_host(stack)
    lamps = wait_for(lambda: part_of(stack.vendor_a))
    mats = wait_for(lambda: part_of(stack.vendor_b))
    stack.vendor_a.call(fulfillment.AcceptAllocationRequest(name=lamps.name, etag=lamps.etag))
    pack(stack.vendor_a, lamps, "SMOOTH-A1", units=1)
    pack(stack.vendor_a, lamps, "SMOOTH-A2")
    pack(stack.vendor_b, mats, "SMOOTH-B1")
    record(stack.vendor_a, lamps, (COST_KIND_PRODUCT, "USD", 900), (COST_KIND_SHIPPING, "USD", 450))
    record(
        stack.vendor_b, mats, (COST_KIND_PRODUCT, "EUR", 1000), (COST_KIND_ADJUSTMENT, "EUR", -50)
    )
    wait_for(lambda: all_followed(stack))
    stack.clock.advance(CARRIER_SECONDS_PER_STEP * len(SMOOTH))
    return wait_for(lambda: order_if_delivered(stack))


def connect_and_host(stack: Stack) -> None:
    store = connect(stack, stack.merchant)
    run = GetSyncRunRequest(name=store.latest_sync_run)
    wait_for(
        lambda: stack.merchant.call(run).sync_run.state == SYNC_RUN_STATE_SUCCEEDED,
    )
    products = {item.title: item.name for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Lamp"])
    host(stack.merchant, stack.vendor_b, products["Mat"])


def part_of(vendor: Caller, number: str = "1001") -> Any:
    parts = [part for part in allocations_of(vendor) if part.order_number == number]
    return parts[0] if parts else None


def pack(vendor: Caller, part: Any, tracking_number: str, units: int = 0) -> None:
    lines = [PackageLine(line=part.lines[0].line, quantity=units)] if units else []
    vendor.call(
        fulfillment.CreatePackageRequest(
            parent=part.name, tracking_number=tracking_number, lines=lines
        )
    )


def record(vendor: Caller, part: Any, *costs: tuple[int, str, int]) -> None:
    entries = [
        fulfillment.RecordedCost(
            kind=kind,  # type: ignore[arg-type]
            amount=Money(currency_code=currency, amount_minor=minor),
            note="as billed",
        )
        for kind, currency, minor in costs
    ]
    vendor.call(fulfillment.RecordCostsRequest(name=part.name, costs=entries))


def all_followed(stack: Stack) -> bool:
    with stack.db.session():
        rows = stack.db.all("SELECT is_registered FROM package")
    return all(row[0] for row in rows)


def order_if_delivered(stack: Stack) -> Any:
    [listed] = [order for order in orders_of(stack.merchant) if order.number == "1001"]
    order = stack.merchant.call(GetOrderRequest(name=listed.name)).order
    return order if order.shipping_status == order_pb2.SHIPPING_STATUS_DELIVERED else None


def word(enum: Any, number: int) -> str:
    """Name a value without the prefix that it shares with the others."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    return str(enum.Name(number)).removeprefix(prefix)


def amount(money: Any) -> str:
    return f"{money.amount_minor} {money.currency_code}"


PARTS = [
    {
        "vendor": "Vendor A",
        "state": "CLOSED",
        "lines": [("Lamp", "LAMP-1", 2, 2, "420 USD")],
        "costs": {
            ("QUOTED", "PRODUCT", "840 USD", ""),
            ("QUOTED", "SHIPPING", "500 USD", ""),
            ("ACTUAL", "PRODUCT", "900 USD", "as billed"),
            ("ACTUAL", "SHIPPING", "450 USD", "as billed"),
        },
        "quoted": ["1340 USD"],
        "actual": ["1350 USD"],
    },
    {
        "vendor": "Vendor B",
        "state": "CLOSED",
        "lines": [("Mat - M, Red", "MAT-M", 3, 3, "420 USD")],
        "costs": {
            ("QUOTED", "PRODUCT", "1260 USD", ""),
            ("QUOTED", "SHIPPING", "750 USD", ""),
            ("ACTUAL", "PRODUCT", "1000 EUR", "as billed"),
            ("ACTUAL", "ADJUSTMENT", "-50 EUR", "as billed"),
        },
        "quoted": ["2010 USD"],
        "actual": ["950 EUR"],
    },
]


def test_order_shows_every_part_its_units_and_its_costs(delivered: Any):
    told = [
        {
            "vendor": part.vendor_display_name,
            "state": word(allocation_pb2.AllocationState, part.state),
            "lines": [
                (line.title, line.sku, line.quantity, line.packed_quantity, amount(line.unit_cost))
                for line in part.lines
            ],
            "costs": {
                (
                    word(cost_entry_pb2.CostSource, cost.source),
                    word(cost_entry_pb2.CostKind, cost.kind),
                    amount(cost.amount),
                    cost.note,
                )
                for cost in part.costs
            },
            "quoted": [amount(total) for total in part.quoted_totals],
            "actual": [amount(total) for total in part.actual_totals],
        }
        for part in sorted(delivered.allocations, key=lambda part: part.vendor_display_name)
    ]

    assert told == PARTS
    # What was quoted for shipping stands until somebody records what shipping came to.
    assert [amount(total) for total in delivered.cost_totals] == ["950 EUR", "2100 USD"]


def test_order_shows_every_parcel_with_its_tracking_and_times(delivered: Any):
    parcels = {
        parcel.tracking_number: parcel for part in delivered.allocations for parcel in part.packages
    }

    assert {
        number: [line.quantity for line in parcel.lines] for number, parcel in parcels.items()
    } == {"SMOOTH-A1": [1], "SMOOTH-A2": [1], "SMOOTH-B1": [3]}
    for parcel in parcels.values():
        assert word(package_pb2.PackageState, parcel.state) == "DELIVERED"
        assert parcel.raw_status == "Delivered_Other"
        assert [
            (word(package_pb2.PackageState, event.state), event.raw_status, event.location)
            for event in parcel.events
        ] == SMOOTH
        seconds = [event.occur_time.seconds for event in parcel.events]
        steps = {later - earlier for earlier, later in pairwise(seconds)}
        assert steps == {int(CARRIER_SECONDS_PER_STEP)}
        assert parcel.hand_over_time == parcel.events[1].occur_time
        assert parcel.deliver_time == parcel.events[-1].occur_time
        assert {event.source for event in parcel.events} == {"17track"}


def test_order_shows_customer_lines_and_ledger(delivered: Any):
    assert (delivered.number, delivered.customer_name, delivered.customer_email) == (
        "1001",
        "Ada Sample",
        goods.EMAIL,
    )
    assert delivered.recipient.line1 == "1 Market St"
    assert amount(delivered.total) == f"{2 * 7123 + 3 * 8347} USD"
    assert [
        (
            line.title,
            amount(line.price),
            line.ordered_quantity,
            line.packed_quantity,
            line.handed_over_quantity,
            line.delivered_quantity,
            (line.allocated_quantity, line.open_quantity, line.removed_quantity),
        )
        for line in delivered.lines
    ] == [
        ("Lamp", "7123 USD", 2, 2, 2, 2, (0, 0, 0)),
        ("Mat - M, Red", "8347 USD", 3, 3, 3, 3, (0, 0, 0)),
    ]


def test_order_shows_its_history_in_the_order_of_what_happened(stack: Stack, delivered: Any):
    told = [(event.kind, event.actor) for event in delivered.history]
    own = [kind for kind, actor in told if actor == stack.vendor_a.name]

    assert told[0] == ("order.admitted", "store")
    assert told[1] == ("order.waiting", "system")  # Nobody hosted its products yet.
    assert sorted(told[2:4]) == [("allocation.submitted", "system")] * 2
    assert own == [
        "allocation.accepted",
        "package.announced",
        *("package.announced", "allocation.closed"),
        "allocation.costs_recorded",
    ]
    arrivals = [event for event in delivered.history if event.kind == "package.delivered"]
    assert [event.actor for event in arrivals] == ["carrier"] * 3
    numbers = [event.sequence for event in delivered.history]
    assert numbers == sorted(set(numbers))
    assert all(event.occur_time.seconds > 0 for event in delivered.history)


def test_list_shows_the_same_order_without_its_details(stack: Stack, delivered: Any):
    [listed] = [order for order in orders_of(stack.merchant) if order.number == "1001"]

    assert (listed.name, listed.shipping_status, listed.total, listed.etag) == (
        delivered.name,
        delivered.shipping_status,
        delivered.total,
        delivered.etag,
    )
    for line in delivered.lines:
        line.ClearField("margin")
    assert listed.lines == delivered.lines
    assert (listed.customer_email, list(listed.history), list(listed.cost_totals)) == ("", [], [])
    assert listed.recipient.region_code == "US"
    assert listed.recipient.line1 == ""
    assert [
        (part.name, part.state, len(part.costs), len(part.packages)) for part in listed.allocations
    ] == [
        (part.name, part.state, 0, len(listed_part.packages))
        for part, listed_part in zip(delivered.allocations, listed.allocations, strict=True)
    ]
