"""The sales report and the scorecard over gRPC, beside the bare SQL that they send."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks.history import Past
from benchmarks.processes import served
from benchmarks.report import Spread, Table, ratio
from benchmarks.scene import open_oms
from fbali.v1.hosting_service_pb2 import GetVendorScorecardRequest
from fbali.v1.hosting_service_pb2_grpc import HostingServiceStub
from fbali.v1.order_service_pb2 import GetSalesReportRequest
from fbali.v1.order_service_pb2_grpc import OrderServiceStub
from oms.domain.sales_report import Grouping
from oms.storage.database import Database, Row
from oms.usecases import sales_report as usecase
from oms.usecases.context import Oms
from server.services.figures import GROUPINGS

_LEGEND = (
    "One client, one call at a time, over all orders of the merchant. Raw limit: the bare driver"
    " sends the same SQL and fetches its rows, without connecting them, gRPC or Python."
)
_HEAD = ("call", "ms", "raw SQL ms", "times raw", "rows")
_END = 4_000_000_000  # In 2096, epoch seconds: after all orders.


class _Recorded(Database):
    """A database that remembers what it was asked for."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[tuple[str, Sequence[object]]] = []

    def all(self, sql: str, *parameters: object) -> list[Row]:
        """Remember, and return every row."""
        self.asked.append((sql, parameters))
        return super().all(sql, *parameters)


def measure_figures(name: str, pasts: Sequence[Past], runs: int) -> Table:
    """Measure every grouping and the scorecard."""
    rows = [cells for past in pasts for cells in _rows(past, runs)]
    return Table(f"Report sales and score vendors, {name}", _LEGEND, _HEAD, rows)


def _rows(past: Past, runs: int) -> Iterator[list[str]]:
    merchant_id = past.scene.merchant.id
    with served("app.main", "api", database_url=past.url) as api:
        metadata = (("authorization", f"Bearer {past.scene.secrets[0]}"),)
        get_report = partial(OrderServiceStub(api).GetSalesReport, metadata=metadata)
        get_scores = partial(HostingServiceStub(api).GetVendorScorecard, metadata=metadata)
        for number, grouping in GROUPINGS.items():
            request = GetSalesReportRequest(
                parent="merchants/-",
                placed_from_time=Timestamp(seconds=0),
                placed_before_time=Timestamp(seconds=_END),
                currency_code="USD",
                grouping=number,  # type: ignore[arg-type]
            )
            ours, rows = _ours(get_report, request, runs)
            wanted = usecase.ReportFilter(merchant_id, 0, _END * 1000)
            raw = _raw(past, runs, lambda oms, w=wanted, g=grouping: _report(oms, w, g))
            title = f"{past.orders:,} orders: report by {grouping.value.lower()}"
            yield [title, str(ours), str(raw), ratio(ours, raw), str(rows)]
        scored = GetVendorScorecardRequest(
            parent="merchants/-",
            from_time=Timestamp(seconds=0),
            before_time=Timestamp(seconds=_END),
        )
        ours, rows = _ours(get_scores, scored, runs)
        score = usecase.ScoreFilter(merchant_id, 0, _END * 1000)
        raw = _raw(past, runs, lambda oms: usecase.get_scorecards(oms, score))
        title = f"{past.orders:,} orders: vendors' scorecard"
        yield [title, str(ours), str(raw), ratio(ours, raw), str(rows)]


def _report(oms: Oms, wanted: usecase.ReportFilter, grouping: Grouping) -> object:
    return usecase.get_sales_report(oms, wanted, grouping, "USD")


def _ours(call: object, request: Message, runs: int) -> tuple[Spread, int]:
    found = call(request)  # type: ignore[operator]
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call(request)  # type: ignore[operator]
        times.append((time.perf_counter() - start) * 1000)
    rows = found.rows if hasattr(found, "rows") else found.scores
    return Spread.of(times), len(rows)


def _raw(past: Past, runs: int, ask: object) -> Spread:
    """Let a use case say what it asks for, then ask for the same with nothing around it."""
    recorded = _Recorded(past.url)
    oms = open_oms(past.url)
    with recorded.session():
        ask(replace(oms, db=recorded))  # type: ignore[operator]
        cursor = recorded.peewee.connection().cursor()
        mark = "?" if recorded.is_sqlite else "%s"
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            for sql, parameters in recorded.asked:
                cursor.execute(sql.replace("?", mark), parameters)
                cursor.fetchall()
            times.append((time.perf_counter() - start) * 1000)
    recorded.close()
    return Spread.of(times)
