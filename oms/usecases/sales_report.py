"""The merchant's figures: the sales report, and how vendors did."""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.currencies import MINOR_UNIT_DIGITS
from oms.domain.durations import Durations
from oms.domain.errors import InvalidInput
from oms.domain.sales_report import Grouping, SalesReport, make_report
from oms.storage import exchange_rates, sales_reports, scorecards
from oms.storage.sales_reports import ReportFilter
from oms.storage.scorecards import ScoreFilter, VendorFigures
from oms.usecases.context import Oms

__all__ = ["ReportFilter", "ScoreFilter", "VendorFigures"]


@dataclass(frozen=True, slots=True)
class LabelledReport:
    """A report, and what people call its rows by their keys."""

    report: SalesReport
    labels: Mapping[str, str]


def get_sales_report(
    oms: Oms, wanted: ReportFilter, grouping: Grouping, currency: str
) -> LabelledReport:
    """Report in one currency, from one moment; raises InvalidInput."""
    if currency not in MINOR_UNIT_DIGITS:
        raise InvalidInput.of("currency_code", f"{currency} is no ISO 4217 currency")
    if wanted.placed_before <= wanted.placed_from:
        raise InvalidInput.of("placed_before_time", "is not after placed_from_time")
    with oms.db.snapshot():
        rates = exchange_rates.towards(oms.db, wanted.merchant_id, currency)
        sums = sales_reports.sums(oms.db, wanted, grouping, currency, rates)
        report = make_report(grouping, currency, rates, sums)
        keys = [row.key for row in report.rows]
        return LabelledReport(report, sales_reports.labels(oms.db, grouping, keys))


@dataclass(frozen=True, slots=True)
class Scorecard:
    """How a vendor did."""

    figures: VendorFigures

    def durations(self, measure: str) -> Durations | None:
        """Return how long something took; None when it was never measured."""
        return Durations.of(self.figures.minutes.get(measure, {}))

    @property
    def rejection_share(self) -> float | None:
        """Tell the share of allocations that were rejected or left to expire."""
        return _share(self.figures.refused_count, self.figures.allocation_count)

    @property
    def exception_share(self) -> float | None:
        """Tell the share of parcels that were ever in trouble."""
        return _share(self.figures.troubled_count, self.figures.package_count)


def get_scorecards(oms: Oms, wanted: ScoreFilter) -> list[Scorecard]:
    """Measure vendors over a period, by id; raises InvalidInput."""
    if wanted.before_ms <= wanted.from_ms:
        raise InvalidInput.of("before_time", "is not after from_time")
    with oms.db.snapshot():
        return [Scorecard(figures) for figures in scorecards.figures(oms.db, wanted)]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
