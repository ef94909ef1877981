"""The methods by which a merchant reads his figures: rates, sales report, vendors' scorecards."""

from collections.abc import Mapping

from fbali.v1 import hosting_service_pb2 as hosting_pb
from fbali.v1 import order_service_pb2 as pb
from fbali.v1.sales_report_pb2 import ReportGrouping
from oms.domain.exchange_rates import ExchangeRate
from oms.domain.sales_report import Grouping
from oms.usecases.context import Call, Oms, mutate
from oms.usecases.exchange_rates import SetExchangeRate, list_exchange_rates, set_exchange_rate
from oms.usecases.sales_report import (
    ReportFilter,
    ScoreFilter,
    get_sales_report,
    get_scorecards,
)
from server import names
from server.conversion.basics import epoch_ms
from server.conversion.figures import exchange_rate_message, report_message, score_message
from server.paging import cut_page, page_size, start_key

GROUPINGS: Mapping[int, Grouping] = {
    ReportGrouping.REPORT_GROUPING_UNSPECIFIED: Grouping.TOTAL,
    ReportGrouping.REPORT_GROUPING_DAY: Grouping.DAY,
    ReportGrouping.REPORT_GROUPING_STORE: Grouping.STORE,
    ReportGrouping.REPORT_GROUPING_VENDOR: Grouping.VENDOR,
    ReportGrouping.REPORT_GROUPING_PRODUCT: Grouping.PRODUCT,
    ReportGrouping.REPORT_GROUPING_COUNTRY: Grouping.COUNTRY,
}


class ReportMethods:
    """Record rates and report sales."""

    _oms: Oms

    def SetExchangeRate(self, request: pb.SetExchangeRateRequest, call: Call) -> bytes:
        """Record a rate."""
        names.own_ids(request.parent, call.caller)
        rate = request.exchange_rate
        command = SetExchangeRate(
            base=rate.base_currency_code,
            quote=rate.quote_currency_code,
            rate=rate.rate,
            effective_at=epoch_ms(rate, "effective_time"),
        )
        return mutate(self._oms, call, set_exchange_rate, command, _encode)

    def ListExchangeRates(
        self, request: pb.ListExchangeRatesRequest, call: Call
    ) -> pb.ListExchangeRatesResponse:
        """List rates, the last recorded first."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        [before] = start_key(request, call.caller) or [""]
        found = list_exchange_rates(self._oms, merchant_id, before, page_size(request) + 1)
        page, token = cut_page(found, request, call.caller, lambda item: [item[0]])
        return pb.ListExchangeRatesResponse(
            exchange_rates=[exchange_rate_message(rate) for _, rate in page],
            next_page_token=token,
        )

    def GetSalesReport(
        self, request: pb.GetSalesReportRequest, call: Call
    ) -> pb.GetSalesReportResponse:
        """Report sales over a period."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        wanted = ReportFilter(
            merchant_id,
            epoch_ms(request, "placed_from_time") or 0,
            epoch_ms(request, "placed_before_time") or 0,
            names.last_id(request.store),
        )
        grouping = GROUPINGS[request.grouping]
        found = get_sales_report(self._oms, wanted, grouping, request.currency_code)
        return report_message(merchant_id, grouping, found)


class ScoreMethods:
    """Measure vendors."""

    _oms: Oms

    def GetVendorScorecard(
        self, request: hosting_pb.GetVendorScorecardRequest, call: Call
    ) -> hosting_pb.GetVendorScorecardResponse:
        """Measure vendors over a period."""
        [merchant_id] = names.own_ids(request.parent, call.caller)
        wanted = ScoreFilter(
            merchant_id,
            epoch_ms(request, "from_time") or 0,
            epoch_ms(request, "before_time") or 0,
            names.last_id(request.vendor),
        )
        scores = get_scorecards(self._oms, wanted)
        return hosting_pb.GetVendorScorecardResponse(
            scores=[score_message(score) for score in scores]
        )


def _encode(rate: ExchangeRate) -> bytes:
    answer = pb.SetExchangeRateResponse(exchange_rate=exchange_rate_message(rate))
    return answer.SerializeToString()
