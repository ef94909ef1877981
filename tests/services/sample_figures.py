"""Rates, a sales report and a scorecard as a server would answer them."""

from google.protobuf.duration_pb2 import Duration

from fbali.v1.exchange_rate_pb2 import ExchangeRate
from fbali.v1.money_pb2 import Money
from fbali.v1.order_service_pb2 import GetSalesReportResponse
from fbali.v1.sales_report_pb2 import MissingRate, SalesRow
from fbali.v1.vendor_score_pb2 import Durations, VendorScore
from tests.services.sample_shop import DAY, HOUR, at

EURO_RATE = ExchangeRate(
    base_currency_code="EUR",
    quote_currency_code="USD",
    rate="1.0834",
    record_time=at(-HOUR),
    effective_time=at(-3 * DAY),
)
SCORE = VendorScore(
    vendor="vendors/v1",
    vendor_display_name="Shenzhen Source",
    allocation_count=200,
    package_count=180,
    time_to_accept=Durations(median=Duration(seconds=90 * 60), p90=Duration(seconds=30 * HOUR)),
    time_to_deliver=Durations(median=Duration(seconds=9 * DAY), p90=Duration(seconds=14 * DAY)),
    rejection_share=0.045,
    exception_share=0.0,
)


def euros(minor: int) -> Money:
    return Money(currency_code="EUR", amount_minor=minor)


def row(key: str, label: str, sales: int, product_costs: int, refunds: int = 0) -> SalesRow:
    return SalesRow(
        key=key,
        label=label,
        order_count=12,
        unit_count=30,
        sales=euros(sales),
        refunds=euros(refunds),
        product_costs=euros(product_costs),
        shipping_costs=euros(1_000),
        service_fees=euros(0),
        taxes=euros(0),
        adjustments=euros(-50),
        margin=euros(sales - refunds - product_costs - 950),
        pending_count=1,
        delivered_count=11,
        delivery_time_median=Duration(seconds=5 * DAY + 4 * HOUR),
        delivery_time_p90=Duration(seconds=9 * DAY),
    )


def sales_report() -> GetSalesReportResponse:
    """A report by product: one earns, one loses, and dollars are left out."""
    total = row("", "", 150_000, 70_000, 4_000)
    total.ClearField("margin")
    return GetSalesReportResponse(
        rows=[
            row("merchants/m1/products/u1", "Lamp $5 off $9", 100_000, 40_000),
            row("merchants/m1/products/u2", "=Mat\x1b[31m", 30_000, 30_000),
            row("unattributed", "unattributed", 20_000, 0, 4_000),
        ],
        total=total,
        missing_rates=[
            MissingRate(
                pair="USD/EUR",
                order_count=3,
                sales=Money(currency_code="USD", amount_minor=9_900),
                refunds=Money(currency_code="USD"),
                costs=Money(currency_code="USD", amount_minor=4_210),
            )
        ],
    )
