"""Exchange rates, the sales report and scorecards."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from fbali.v1.exchange_rate_pb2 import ExchangeRate as ExchangeRateMessage
from fbali.v1.order_service_pb2 import GetSalesReportResponse
from fbali.v1.sales_report_pb2 import MissingRate as MissingRateMessage
from fbali.v1.sales_report_pb2 import SalesRow
from fbali.v1.vendor_score_pb2 import Durations as DurationsMessage
from fbali.v1.vendor_score_pb2 import VendorScore
from oms.domain.costs import CostKind
from oms.domain.durations import Durations
from oms.domain.exchange_rates import ExchangeRate
from oms.domain.ledger import ShippingStatus
from oms.domain.money import Money
from oms.domain.sales_report import (
    OTHER,
    REFUNDS,
    SALES,
    UNATTRIBUTED,
    UNKNOWN,
    Grouping,
    MissingRate,
    ReportRow,
)
from oms.usecases.sales_report import LabelledReport, Scorecard
from server import names
from server.conversion.basics import instant, money_message

_UNNAMED = (OTHER, UNATTRIBUTED, UNKNOWN)


def exchange_rate_message(rate: ExchangeRate) -> ExchangeRateMessage:
    """Convert a rate."""
    return ExchangeRateMessage(
        base_currency_code=rate.base,
        quote_currency_code=rate.quote,
        rate=f"{rate.rate:f}",
        record_time=instant(rate.recorded_at),
        effective_time=instant(rate.effective_at),
    )


def report_message(
    merchant_id: str, grouping: Grouping, found: LabelledReport
) -> GetSalesReportResponse:
    """Convert a report; keys of stores, vendors and products are their names."""
    report = found.report
    response = GetSalesReportResponse(
        total=_row_message(report.total, report.currency),
        missing_rates=[_missing_message(item) for item in report.missing],
    )
    for row in report.rows:
        message = _row_message(row, report.currency)
        message.key = _key_name(merchant_id, grouping, row.key)
        message.label = found.labels.get(row.key, row.key)
        response.rows.append(message)
    return response


def _key_name(merchant_id: str, grouping: Grouping, key: str) -> str:
    if key in _UNNAMED:
        return key
    if grouping == Grouping.STORE:
        return names.store(merchant_id, key)
    if grouping == Grouping.VENDOR:
        return names.vendor(key)
    if grouping == Grouping.PRODUCT:
        return names.product(merchant_id, key)
    return key


def _row_message(row: ReportRow, currency: str) -> SalesRow:
    amounts = {
        column: money_message(Money(currency, row.amounts[column])) for column in row.amounts
    }
    return SalesRow(
        order_count=row.order_count,
        unit_count=row.units,
        sales=amounts[SALES],
        refunds=amounts[REFUNDS],
        product_costs=amounts[CostKind.PRODUCT],
        shipping_costs=amounts[CostKind.SHIPPING],
        service_fees=amounts[CostKind.SERVICE_FEE],
        taxes=amounts[CostKind.TAX],
        adjustments=amounts[CostKind.ADJUSTMENT],
        margin=None if row.margin is None else money_message(Money(currency, row.margin)),
        pending_count=row.statuses.get(ShippingStatus.PENDING, 0),
        processing_count=row.statuses.get(ShippingStatus.PROCESSING, 0),
        in_transit_count=row.statuses.get(ShippingStatus.IN_TRANSIT, 0),
        exception_count=row.statuses.get(ShippingStatus.EXCEPTION, 0),
        delivered_count=row.statuses.get(ShippingStatus.DELIVERED, 0),
        delivery_time_median=None if row.delivery is None else _duration(row.delivery.median),
        delivery_time_p90=None if row.delivery is None else _duration(row.delivery.p90),
    )


def _missing_message(item: MissingRate) -> MissingRateMessage:
    return MissingRateMessage(
        pair=item.pair,
        order_count=item.order_count,
        sales=money_message(Money(item.currency, item.sales)),
        refunds=money_message(Money(item.currency, item.refunds)),
        costs=money_message(Money(item.currency, item.costs)),
    )


def score_message(score: Scorecard) -> VendorScore:
    """Convert how a vendor did."""
    figures = score.figures
    return VendorScore(
        vendor=names.vendor(figures.vendor_id),
        vendor_display_name=figures.vendor_display_name,
        allocation_count=figures.allocation_count,
        package_count=figures.package_count,
        time_to_accept=_durations(score.durations("ACCEPT")),
        time_to_ship=_durations(score.durations("SHIP")),
        time_to_first_scan=_durations(score.durations("FIRST_SCAN")),
        time_to_deliver=_durations(score.durations("DELIVER")),
        rejection_share=score.rejection_share,
        exception_share=score.exception_share,
    )


def _durations(found: Durations | None) -> DurationsMessage | None:
    if found is None:
        return None
    return DurationsMessage(median=_duration(found.median), p90=_duration(found.p90))


def _duration(minutes: int) -> Duration:
    message = Duration()
    message.FromTimedelta(timedelta(minutes=minutes))
    return message
