"""The report in one currency: rows that sum, what is left out, what is beyond a thousand rows."""

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from oms.domain.durations import Durations
from oms.domain.exchange_rates import ExchangeRate, ExchangeRates
from oms.domain.ledger import ShippingStatus
from oms.domain.sales_report import (
    COLUMNS,
    OTHER,
    REFUNDS,
    SALES,
    UNATTRIBUTED,
    Grouping,
    MissingRate,
    Sum,
    Sums,
    make_report,
)

RATES = ExchangeRates([ExchangeRate("EUR", "USD", Decimal("1.1"), 0, 0)])


def order(key, currency, sales, refunds=0, count=1):
    delivered = {ShippingStatus.DELIVERED: count}
    return Sum(key, currency, 5, count, delivered, 0, {SALES: sales, REFUNDS: refunds})


def line(key, currency, sales, units=1):
    return Sum(key, currency, 5, 1, {}, units, {SALES: sales})


def cost(key, currency, minor):
    return Sum(key, currency, 5, amounts={"PRODUCT": minor})


def report(grouping, orders, lines=(), rates=RATES, **minutes):
    counted = {key: Counter(values) for key, values in minutes.items()}
    everything = sum(counted.values(), Counter())
    return make_report(grouping, "USD", rates, Sums(orders, lines, counted, everything))


def test_row_is_sales_less_refunds_and_costs():
    found = report(
        Grouping.STORE, [order("s", "USD", 1000, 100)], [cost("s", "EUR", 100)], s=[3, 1, 2]
    )

    [row] = found.rows
    assert (row.key, row.order_count, row.margin) == ("s", 1, 1000 - 100 - 110)
    assert (row.amounts[SALES], row.amounts["PRODUCT"]) == (1000, 110)
    assert row.delivery == Durations(2, 3)
    assert found.total.amounts == row.amounts
    assert found.missing == ()


def test_amounts_without_a_rate_are_left_out_and_counted_and_their_rows_have_no_margin():
    orders = [order("a", "USD", 1000), order("b", "GBP", 700, 50, count=2)]
    found = report(Grouping.STORE, orders, [cost("a", "CNY", 90), cost("b", "GBP", 5)])

    assert {row.key: (row.amounts[SALES], row.margin) for row in found.rows} == {
        "a": (1000, None),
        "b": (0, None),
    }
    assert found.total.order_count == 3
    assert (found.total.amounts[SALES], found.total.margin) == (1000, None)
    assert found.missing == (
        MissingRate("CNY", "CNY/USD", costs=90),
        MissingRate("GBP", "GBP/USD", 2, 700, 50, 5),
    )


def test_what_no_vendor_explains_is_in_a_row_of_its_own():
    orders = [order("", "USD", 1000, 30)]
    lines = [line("v1", "USD", 600), line("", "USD", 300, units=4), cost("v1", "USD", 90)]

    found = report(Grouping.VENDOR, orders, lines)

    vendor, rest = found.rows
    assert (vendor.key, vendor.order_count, vendor.margin) == ("v1", 1, 510)
    assert (rest.key, rest.order_count, rest.units) == (UNATTRIBUTED, 0, 4)
    assert (rest.amounts[SALES], rest.amounts[REFUNDS], rest.margin) == (400, 30, 370)
    assert found.total.margin == 880


def test_days_are_in_their_order_and_other_rows_by_sales():
    orders = [order(key, "USD", minor) for key, minor in (("b", 5), ("c", 9), ("a", 5))]

    assert [row.key for row in report(Grouping.DAY, orders).rows] == ["a", "b", "c"]
    assert [row.key for row in report(Grouping.COUNTRY, orders).rows] == ["c", "a", "b"]


def test_rows_beyond_a_thousand_are_one():
    orders = [order(f"{number:04}", "USD", 5000 - number) for number in range(1002)]

    by_country, by_day = report(Grouping.COUNTRY, orders).rows, report(Grouping.DAY, orders).rows

    assert len(by_country) == len(by_day) == 1001
    assert (by_country[-1].key, by_country[-1].amounts[SALES]) == (OTHER, 4000 + 3999)
    assert (by_day[-1].key, by_day[-1].amounts[SALES]) == (OTHER, 5000 + 4999)
    assert by_day[0].key == "0002"


def test_total_alone_has_no_rows():
    found = report(Grouping.TOTAL, [order("", "USD", 10)], [cost("", "USD", 4)])

    assert (found.rows, found.total.margin) == ((), 6)


def test_nothing_sold_is_a_report_too():
    for grouping in Grouping:
        found = report(grouping, [])
        assert (found.total.order_count, found.total.margin) == (0, 0)
        assert found.total.delivery is None


@given(
    amounts=st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["USD", "EUR"]), st.integers(0, 9999)),
        max_size=30,
    )
)
def test_rows_sum_to_the_total_which_is_the_same_however_it_is_grouped(amounts):
    rates = ExchangeRates([ExchangeRate("EUR", "USD", Decimal("1.0834567"), 0, 0)])
    orders = [order(key, code, minor, minor // 3) for key, code, minor in amounts]
    ungrouped = [order("", code, minor, minor // 3) for _, code, minor in amounts]

    found = report(Grouping.STORE, orders, rates=rates)

    for column in COLUMNS:
        assert sum(row.amounts[column] for row in found.rows) == found.total.amounts[column]
    assert sum(row.margin for row in found.rows) == found.total.margin
    assert report(Grouping.TOTAL, ungrouped, rates=rates).total.amounts == found.total.amounts


@given(minutes=st.lists(st.integers(0, 50), min_size=1))
def test_median_and_ninth_decile_are_the_nearest_ranks(minutes):
    found = Durations.of(Counter(minutes))

    assert found is not None
    for value, share in ((found.median, 5), (found.p90, 9)):
        assert value in minutes
        assert sum(one <= value for one in minutes) * 10 >= len(minutes) * share
        assert sum(one < value for one in minutes) * 10 < len(minutes) * share
