"""Rates, margins, refunds and scorecards through the public API."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from fbali.v1.allocation_pb2 import REJECT_REASON_OUT_OF_STOCK
from fbali.v1.cost_entry_pb2 import COST_KIND_PRODUCT, COST_KIND_SHIPPING
from fbali.v1.exchange_rate_pb2 import ExchangeRate
from fbali.v1.fulfillment_service_pb2 import (
    AcceptAllocationRequest,
    CreatePackageRequest,
    RecordCostsRequest,
    RecordedCost,
    RejectAllocationRequest,
    ReportPackageEventRequest,
)
from fbali.v1.hosting_service_pb2 import GetVendorScorecardRequest
from fbali.v1.money_pb2 import Money
from fbali.v1.order_service_pb2 import (
    GetOrderRequest,
    GetSalesReportRequest,
    ListExchangeRatesRequest,
    PreviewPlacementRequest,
    SetExchangeRateRequest,
)
from fbali.v1.package_pb2 import PACKAGE_STATE_DELIVERED, PACKAGE_STATE_HANDED_OVER
from oms.storage import sales
from tests.functional import goods
from tests.functional.estate import (
    allocations_of,
    connect,
    fill,
    host,
    orders_of,
    products_of,
    sync,
)
from tests.services.stack import Caller, Stack, dump

LAMPS, MATS = 2 * 7123, 3 * 8347  # What order 1001 sells: a quote of 4.20 and 2.50 a unit each.
QUOTED_LAMPS, QUOTED_MATS = 2 * 670, 3 * 670


@pytest.fixture
def shop(stack: Stack) -> Stack:
    """Four orders in dollars, one in euros; vendor A hosts lamp and mat, in dollars."""
    fill(stack)
    now = stack.clock.now_seconds()
    stack.shop.add_order(goods.order(1005, {goods.LAMP: 1}, now=now, currency="EUR"))
    connect(stack, stack.merchant)
    stack.work()
    products = {item.title: item.name for item in products_of(stack.merchant)}
    host(stack.merchant, stack.vendor_a, products["Lamp"], products["Mat"])
    stack.work()
    return stack


def order_of(stack: Stack, number: str) -> Any:
    [found] = [item for item in orders_of(stack.merchant) if item.number == number]
    return stack.merchant.call(GetOrderRequest(name=found.name)).order


def part_of(stack: Stack, number: str) -> Any:
    [found] = [item for item in allocations_of(stack.vendor_a) if item.order_number == number]
    return found


def set_rate(merchant: Caller, base: str, quote: str, rate: str, since: int | None = None) -> Any:
    found = ExchangeRate(base_currency_code=base, quote_currency_code=quote, rate=rate)
    if since is not None:
        found.effective_time.seconds = since
    request = SetExchangeRateRequest(parent=merchant.name, exchange_rate=found)
    return merchant.call(request).exchange_rate


def record(stack: Stack, number: str, *costs: tuple[int, int]) -> None:
    stack.vendor_a.call(
        RecordCostsRequest(
            name=part_of(stack, number).name,
            costs=[
                RecordedCost(kind=kind, amount=Money(currency_code="USD", amount_minor=minor))  # type: ignore[arg-type]
                for kind, minor in costs
            ],
        )
    )


def report(merchant: Caller, currency: str = "USD") -> Any:
    return merchant.call(
        GetSalesReportRequest(
            parent=merchant.name,
            placed_from_time=Timestamp(seconds=0),
            placed_before_time=Timestamp(seconds=4_000_000_000),
            currency_code=currency,
        )
    )


def margins(order: Any) -> list[int]:
    return [line.margin.amount_minor for line in order.lines]


def test_margin_is_what_is_charged_less_quoted_costs(shop: Stack):
    order = order_of(shop, "1001")

    assert margins(order) == [LAMPS - QUOTED_LAMPS, MATS - QUOTED_MATS]
    assert order.margin.amount_minor == order.total.amount_minor - QUOTED_LAMPS - QUOTED_MATS
    assert not order.missing_rates
    assert not order.HasField("refunded")


def test_recorded_costs_replace_quoted_ones_of_their_kind_and_are_shared_to_the_cent(shop: Stack):
    record(shop, "1001", (COST_KIND_SHIPPING, 1001))

    order = order_of(shop, "1001")

    # Shipping is quoted at 5.00 and 7.50, so 10.01 is shared as 4.00 and 6.01.
    assert margins(order) == [LAMPS - 840 - 400, MATS - 1260 - 601]
    assert [cost.amount_minor for cost in order.cost_totals] == [840 + 1260 + 1001]
    assert order.margin.amount_minor == order.total.amount_minor - 840 - 1260 - 1001


def test_missing_rate_is_said_and_a_rate_for_the_past_gives_the_margin(shop: Stack):
    before = order_of(shop, "1005")
    set_rate(shop.merchant, "EUR", "USD", "1.25")  # In force from now on: too late for the order.
    too_late = order_of(shop, "1005")
    set_rate(shop.merchant, "EUR", "USD", "1.25", since=before.place_time.seconds)

    order = order_of(shop, "1005")

    assert list(before.missing_rates) == list(too_late.missing_rates) == ["USD/EUR"]
    assert not before.HasField("margin")
    assert not before.lines[0].HasField("margin")
    assert order.margin == Money(currency_code="EUR", amount_minor=order.total.amount_minor - 536)
    assert order.lines[0].margin.amount_minor == 7123 - 536  # 6.70 USD
    assert not order.missing_rates


def test_preview_tells_the_margin_by_the_rate_and_else_which_one_is_missing(shop: Stack):
    now = shop.clock.now_seconds()
    vendor = shop.vendor_a
    rejected = part_of(shop, "1005").name
    vendor.call(RejectAllocationRequest(name=rejected, reject_reason=REJECT_REASON_OUT_OF_STOCK))
    order = order_of(shop, "1005")
    request = PreviewPlacementRequest(parent=shop.merchant.name, orders=[order.name])

    [before] = shop.merchant.call(request).placements
    set_rate(shop.merchant, "USD", "EUR", "0.8", since=now - 86_400)
    [after] = shop.merchant.call(request).placements

    assert (before.HasField("margin"), list(before.missing_rates)) == (False, ["USD/EUR"])
    assert (after.margin.amount_minor, list(after.missing_rates)) == (7123 - 536, [])


def test_refund_is_kept_and_taken_off_the_margin_and_the_report(shop: Stack):
    before, reported = order_of(shop, "1001"), report(shop.merchant, "USD").total
    [store] = {item.store for item in orders_of(shop.merchant)}

    shop.shop.store.refund(1001, amount="12.34", units={})
    shop.shop.store.refund(1001, amount="0.66", units={})
    sync(shop, shop.merchant, store)

    after, now = order_of(shop, "1001"), report(shop.merchant, "USD").total
    assert after.refunded == Money(currency_code="USD", amount_minor=1300)
    assert after.margin.amount_minor == before.margin.amount_minor - 1300
    assert now.refunds.amount_minor == reported.refunds.amount_minor + 1300 == 1300


def test_order_that_the_store_cancelled_sells_nothing(shop: Stack):
    before = report(shop.merchant).total
    order = order_of(shop, "1002")

    shop.shop.change_order(1002, status="cancelled")
    sync(shop, shop.merchant, order.store)

    after = report(shop.merchant).total
    assert order_of(shop, "1002").margin.amount_minor == 0
    assert after.order_count == before.order_count
    assert after.sales.amount_minor == before.sales.amount_minor - order.total.amount_minor
    assert after.unit_count == before.unit_count - 1


def test_report_sums_the_margins_of_orders_and_counts_nobody_elses(shop: Stack):
    connect(shop, shop.other_merchant)
    shop.work()
    set_rate(shop.other_merchant, "EUR", "USD", "9", since=0)
    found = report(shop.merchant)
    orders = [order_of(shop, item.number) for item in orders_of(shop.merchant)]
    dollars = [order for order in orders if order.total.currency_code == "USD"]

    assert found.total.order_count == len(orders) == 5
    assert found.total.sales.amount_minor == sum(one.total.amount_minor for one in dollars)
    assert [(item.pair, item.order_count) for item in found.missing_rates] == [("EUR/USD", 1)]
    assert not found.total.HasField("margin")
    set_rate(shop.merchant, "EUR", "USD", "1", since=0)
    whole = report(shop.merchant)
    assert whole.total.margin.amount_minor == sum(
        order_of(shop, one.number).margin.amount_minor for one in orders
    )


def test_rates_are_listed_newest_first_and_only_the_merchants_own(shop: Stack):
    made = [set_rate(shop.merchant, "EUR", "USD", rate) for rate in ("1.1", "1.20")]
    set_rate(shop.other_merchant, "EUR", "USD", "7")

    first = shop.merchant.call(ListExchangeRatesRequest(parent=shop.merchant.name, page_size=1))
    second = shop.merchant.call(
        ListExchangeRatesRequest(
            parent=shop.merchant.name, page_size=1, page_token=first.next_page_token
        )
    )

    assert sorted([first.exchange_rates[0].rate, second.exchange_rates[0].rate]) == ["1.1", "1.20"]
    assert made[1].record_time == made[1].effective_time
    assert not second.next_page_token


@pytest.mark.parametrize(
    ("base", "quote", "rate", "since"),
    [
        ("EUR", "EUR", "1", None),
        ("XXX", "EUR", "1", None),
        ("EUR", "USD", "0", None),
        ("EUR", "USD", "-1", None),
        ("EUR", "USD", "1e3", None),
        ("EUR", "USD", "1", 4_000_000_000),
    ],
)
def test_rate_that_cannot_be_is_refused_and_nothing_is_recorded(
    stack: Stack, base: str, quote: str, rate: str, since: int | None
):
    before = dump(stack.db)
    found = ExchangeRate(base_currency_code=base, quote_currency_code=quote, rate=rate)
    if since:
        found.effective_time.seconds = since
    request = SetExchangeRateRequest(parent=stack.merchant.name, exchange_rate=found)

    assert stack.merchant.code(request) == "INVALID_ARGUMENT"
    assert dump(stack.db) == before


def test_what_lines_sold_is_the_same_when_it_is_derived_from_scratch(shop: Stack):
    record(shop, "1001", (COST_KIND_PRODUCT, 999), (COST_KIND_SHIPPING, 1))
    part = part_of(shop, "1003").name
    shop.vendor_a.call(RejectAllocationRequest(name=part, reject_reason=REJECT_REASON_OUT_OF_STOCK))
    shop.shop.store.refund(1001, amount="71.23", units={10010: 1})
    sync(shop, shop.merchant, order_of(shop, "1001").store)
    kept = dump(shop.db)["sale"]

    with shop.db.transaction():
        shop.db.run("DELETE FROM sale")
        sales.refresh(shop.db, [row[0] for row in shop.db.all("SELECT id FROM orders")])

    assert len(kept) >= 5
    assert dump(shop.db)["sale"] == kept


def test_scorecard_measures_a_vendors_work_for_this_merchant_alone(shop: Stack):
    vendor, clock = shop.vendor_a, shop.clock
    clock.advance(600)
    vendor.call(AcceptAllocationRequest(name=part_of(shop, "1001").name))
    rejected = RejectAllocationRequest(
        name=part_of(shop, "1002").name, reject_reason=REJECT_REASON_OUT_OF_STOCK
    )
    vendor.call(rejected)
    clock.advance(3600)
    parcel = vendor.call(
        CreatePackageRequest(parent=part_of(shop, "1001").name, tracking_number="SMOOTH-1")
    ).package
    started = 1_700_000_000
    for state, at in (
        (PACKAGE_STATE_HANDED_OVER, started),
        (PACKAGE_STATE_DELIVERED, started + 90),
    ):
        event = ReportPackageEventRequest(name=parcel.name, state=state)
        event.occur_time.seconds = at
        clock.advance(90)
        vendor.call(event)

    [score] = scores(shop.merchant)

    assert (score.vendor, score.allocation_count, score.package_count) == (vendor.name, 4, 1)
    assert score.time_to_accept.median.seconds == 600
    assert score.time_to_ship.p90.seconds == 4200
    assert score.time_to_deliver.median.seconds == 60  # Whole minutes.
    assert not score.HasField("time_to_first_scan")  # The vendor's word is no scan.
    assert (score.rejection_share, score.exception_share) == (0.25, 0.0)
    assert not scores(shop.other_merchant)
    assert not scores(shop.merchant, vendor=shop.vendor_b.name)


def scores(merchant: Caller, **fields: Any) -> Any:
    request = GetVendorScorecardRequest(
        parent=merchant.name,
        from_time=Timestamp(seconds=0),
        before_time=Timestamp(seconds=4_000_000_000),
        **fields,
    )
    return merchant.call(request).scores
