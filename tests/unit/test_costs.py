"""What hostings quote for units, and what is taken back when they return."""

from hypothesis import given
from hypothesis import strategies as st

from oms.domain.costs import Cost, CostKind, CostSource, QuotedUnits, quoted_costs
from oms.domain.money import Money, totals

K = CostKind
prices = st.none() | st.builds(Money, st.sampled_from(["CNY", "USD"]), st.integers(0, 10_000))
quotes = st.lists(st.builds(QuotedUnits, st.integers(1, 20), prices, prices), max_size=5)


def quoted(kind, currency, minor, note=""):
    return Cost(kind, CostSource.QUOTED, Money(currency, minor), note)


def test_quotes_are_summed_per_kind_and_currency():
    units = [
        QuotedUnits(2, Money("CNY", 300), Money("CNY", 50)),
        QuotedUnits(1, Money("CNY", 700), None),
        QuotedUnits(3, Money("USD", 100), Money("USD", 0)),
    ]

    assert quoted_costs(units) == (
        quoted(K.PRODUCT, "CNY", 1300),
        quoted(K.PRODUCT, "USD", 300),
        quoted(K.SHIPPING, "CNY", 100),
    )


def test_units_without_a_quote_cost_nothing_that_is_known():
    assert quoted_costs([QuotedUnits(5, None, None)]) == ()
    assert quoted_costs([]) == ()


def test_returned_units_take_their_quote_back_with_a_note():
    taken = quoted_costs([QuotedUnits(-2, Money("CNY", 300), None)], "units given back")

    assert taken == (quoted(K.PRODUCT, "CNY", -600, "units given back"),)


@given(units=quotes)
def test_quotes_and_the_same_quotes_taken_back_come_to_nothing(units):
    back = [QuotedUnits(-item.quantity, item.unit_cost, item.shipping_cost) for item in units]

    entries = (*quoted_costs(iter(units)), *quoted_costs(back))

    assert all(money.amount_minor == 0 for money in totals(entry.amount for entry in entries))


@given(units=quotes)
def test_entries_sum_to_every_units_price(units):
    priced = [
        price.times(item.quantity)
        for item in units
        for price in (item.unit_cost, item.shipping_cost)
        if price is not None
    ]

    entries = quoted_costs(units)

    expected = [money for money in totals(priced) if money.amount_minor]
    assert list(totals(entry.amount for entry in entries)) == expected
    assert len({(entry.kind, entry.amount.currency) for entry in entries}) == len(entries)
