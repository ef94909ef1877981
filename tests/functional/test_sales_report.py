"""The sales report over gRPC beside the same report worked out naively from the raw rows."""

from fractions import Fraction
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from fbali.v1.exchange_rate_pb2 import ExchangeRate
from fbali.v1.order_service_pb2 import GetSalesReportRequest, SetExchangeRateRequest
from fbali.v1.sales_report_pb2 import ReportGrouping
from tests.services.naive_report import COSTS, NaiveReport, Wanted, nearest_rank
from tests.services.random_past import DAY_MS, FIRST, RandomPast
from tests.services.stack import Caller, Stack

FIELDS = {
    "SALES": "sales",
    "REFUNDS": "refunds",
    **dict(
        zip(
            COSTS,
            ["product_costs", "shipping_costs", "service_fees", "taxes", "adjustments"],
            strict=True,
        )
    ),
}
STATUSES = ["PENDING", "PROCESSING", "IN_TRANSIT", "EXCEPTION", "DELIVERED"]
GROUPINGS = ["TOTAL", "DAY", "STORE", "VENDOR", "PRODUCT", "COUNTRY"]
STATEMENTS_MAX = 10


@pytest.fixture(params=range(2))
def past(request: pytest.FixtureRequest, stack: Stack) -> Stack:
    """Random orders of two merchants, and rates that change within the period."""
    vendors = [stack.vendor_a.id, stack.vendor_b.id]
    RandomPast(stack.db, stack.merchant.id, vendors, request.param).write(30)
    RandomPast(stack.db, stack.other_merchant.id, [stack.other_vendor.id], 9).write(10)
    for base, quote, rate, day in (
        ("EUR", "USD", "1.0834", -1),
        ("USD", "EUR", "0.95", 2),
        ("USD", "JPY", "151.37", 1),  # Nothing before the second day.
    ):
        set_rate(stack.merchant, base, quote, rate, FIRST + day * DAY_MS + 12_345)
    set_rate(stack.other_merchant, "KWD", "USD", "3.25", FIRST)  # Another merchant's word.
    return stack


def set_rate(merchant: Caller, base: str, quote: str, rate: str, at_ms: int) -> Any:
    found = ExchangeRate(base_currency_code=base, quote_currency_code=quote, rate=rate)
    found.effective_time.FromMilliseconds(at_ms)
    return merchant.call(SetExchangeRateRequest(parent=merchant.name, exchange_rate=found))


def report(merchant: Caller, wanted: Wanted) -> Any:
    name = "UNSPECIFIED" if wanted.grouping == "TOTAL" else wanted.grouping
    begin, end = Timestamp(), Timestamp()
    begin.FromMilliseconds(wanted.begin)
    end.FromMilliseconds(wanted.end)
    return merchant.call(
        GetSalesReportRequest(
            parent=merchant.name,
            placed_from_time=begin,
            placed_before_time=end,
            currency_code=wanted.currency,
            grouping=ReportGrouping.Value(f"REPORT_GROUPING_{name}"),
            store=f"{merchant.name}/stores/{wanted.store_id}" if wanted.store_id else "",
        )
    )


def all_wanted(stack: Stack) -> list[Wanted]:
    store = f"s{stack.merchant.id[-8:]}0"
    whole = (FIRST, FIRST + 4 * DAY_MS)
    part = (FIRST + DAY_MS // 3, FIRST + 3 * DAY_MS)
    return [
        Wanted(stack.merchant.id, grouping, currency, *period, store_id)
        for grouping in GROUPINGS
        for currency, period, store_id in (
            ("USD", whole, ""),
            ("EUR", part, ""),
            ("USD", part, store),
        )
    ]


def test_report_is_the_one_worked_out_from_the_raw_rows(past: Stack):
    for wanted in all_wanted(past):
        found, naive = report(past.merchant, wanted), NaiveReport(past.db, wanted)
        rows = {row.key.rpartition("/")[2]: row for row in found.rows}
        if wanted.grouping == "TOTAL":
            assert not found.rows
            continue
        keys = {key for key, _ in naive.amounts} | {key for key, _ in naive.counts} - {""}
        assert keys <= set(rows)
        for key, row in rows.items():
            assert row.unit_count == naive.counts[key, "units"], (wanted, key)
            for column, field in FIELDS.items():
                exact = naive.amounts[key, column]
                assert abs(getattr(row, field).amount_minor - exact) <= 1, (wanted, key, column)
            assert row.HasField("margin") == (key not in naive.gaps), (wanted, key)
            statuses = [getattr(row, f"{status.lower()}_count") for status in STATUSES]
            assert statuses == [naive.counts[key, status] for status in STATUSES], (wanted, key)
            assert row.order_count == naive.counts[key, "orders"], (wanted, key)
            assert minutes_of(row) == expected_minutes(naive.minutes[key]), (wanted, key)


def test_rows_sum_to_the_total_which_is_the_rounded_exact_one(past: Stack):
    for wanted in all_wanted(past):
        found, naive = report(past.merchant, wanted), NaiveReport(past.db, wanted)
        total = found.total
        for column, field in FIELDS.items():
            exact = getattr(total, field).amount_minor
            assert exact == round(Fraction(naive.total[column])), (wanted, column)
            if found.rows:
                assert exact == sum(getattr(row, field).amount_minor for row in found.rows)
        assert total.order_count == naive.counts["", "orders"]
        assert minutes_of(total) == expected_minutes(naive.all_minutes)
        assert total.HasField("margin") == (not found.missing_rates)
        if found.rows:
            assert total.unit_count == sum(row.unit_count for row in found.rows)
        left_out = {
            item.sales.currency_code: item.sales.amount_minor for item in found.missing_rates
        }
        assert {code: minor for code, minor in left_out.items() if minor} == {
            code: minor for code, minor in naive.missing.items() if minor
        }


def test_total_is_the_same_however_it_is_grouped(past: Stack):
    whole = (FIRST, FIRST + 4 * DAY_MS)
    totals = [
        report(past.merchant, Wanted(past.merchant.id, grouping, "USD", *whole)).total
        for grouping in GROUPINGS
    ]

    assert all(total == totals[0] for total in totals)


def test_store_of_another_merchant_selects_nothing(past: Stack):
    theirs = f"s{past.other_merchant.id[-8:]}0"
    wanted = Wanted(past.merchant.id, "STORE", "USD", FIRST, FIRST + 4 * DAY_MS, theirs)

    found = report(past.merchant, wanted)

    assert (found.total.order_count, len(found.rows)) == (0, 0)


def test_report_costs_the_same_few_statements_with_little_and_with_much(past: Stack):
    def cost(grouping: str) -> int:
        statements: list[str] = []
        past.db.on_statement = statements.append
        report(past.merchant, Wanted(past.merchant.id, grouping, "USD", FIRST, FIRST + 4 * DAY_MS))
        past.db.on_statement = None
        return len(statements)

    before = {grouping: cost(grouping) for grouping in GROUPINGS}
    more = RandomPast(past.db, past.merchant.id, [past.vendor_a.id], 77)
    more.store_ids = [f"t{past.merchant.id[-8:]}{number}" for number in range(2)]
    more.product_ids = [f"w{past.merchant.id[-8:]}{number}" for number in range(3)]
    more.write(60)

    assert {grouping: cost(grouping) for grouping in GROUPINGS} == before
    assert max(before.values()) <= STATEMENTS_MAX


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency_code": "XXX"}, "currency_code"),
        ({"currency_code": "usd"}, "currency_code"),
        ({"placed_before_time": Timestamp(seconds=1)}, "placed_before_time"),
        ({"grouping": 77}, "grouping"),
    ],
)
def test_report_that_cannot_be_is_refused(stack: Stack, changes: dict[str, Any], field: str):
    values: dict[str, Any] = {
        "placed_from_time": Timestamp(seconds=1),
        "placed_before_time": Timestamp(seconds=2),
        "currency_code": "USD",
    }
    request = GetSalesReportRequest(parent=stack.merchant.name, **(values | changes))

    assert stack.merchant.code(request) == "INVALID_ARGUMENT", field


def minutes_of(row: Any) -> tuple[int, int] | None:
    if not row.HasField("delivery_time_median"):
        return None
    return row.delivery_time_median.seconds // 60, row.delivery_time_p90.seconds // 60


def expected_minutes(minutes: list[int]) -> tuple[int, int] | None:
    return (nearest_rank(minutes, 5), nearest_rank(minutes, 9)) if minutes else None
