"""What lines sold and cost: units by vendor, costs shared over lines, kinds that count."""

from hypothesis import given
from hypothesis import strategies as st

from oms.domain.costs import Cost, CostKind, CostSource, final
from oms.domain.money import Money
from oms.domain.sales import Part, PartCost, PartLine, SoldLine, sales_of

K, ACTUAL, QUOTED = CostKind, CostSource.ACTUAL, CostSource.QUOTED
LAMP, MAT = SoldLine("l1", "lamp", 3000, 2), SoldLine("l2", "mat", 1000, 3)


def held(line, units, unit_cost=0, shipping=0, currency="USD"):
    return PartLine(line.id, units, unit_cost, shipping, currency)


def cost(kind, minor, source=ACTUAL, currency="USD"):
    return PartCost(kind, source, currency, minor)


def rows_of(*parts, lines=(LAMP, MAT)):
    return {
        (row.line_id, row.vendor_id, row.cost_currency): row
        for row in sales_of("USD", lines, parts)
    }


def test_units_that_nobody_has_are_in_a_row_without_a_vendor():
    rows = rows_of(Part("v1", (held(LAMP, 1),), ()))

    assert {key: (row.units, row.sales_minor) for key, row in rows.items()} == {
        ("l1", "", "USD"): (1, 3000),
        ("l1", "v1", "USD"): (1, 3000),
        ("l2", "", "USD"): (3, 3000),
    }


def test_quoted_costs_fall_back_on_the_lines_that_they_were_quoted_for():
    lines = (held(LAMP, 2, unit_cost=500), held(MAT, 3, unit_cost=70))

    rows = rows_of(Part("v1", lines, (cost(K.PRODUCT, 1210, QUOTED),)))

    assert rows["l1", "v1", "USD"].costs == {K.PRODUCT: 1000}
    assert rows["l2", "v1", "USD"].costs == {K.PRODUCT: 210}


def test_recorded_costs_are_shared_in_the_ratio_of_the_quotes():
    lines = (held(LAMP, 2, unit_cost=500), held(MAT, 3, unit_cost=70))

    rows = rows_of(Part("v1", lines, (cost(K.PRODUCT, 100),)))

    assert [rows[line, "v1", "USD"].costs[K.PRODUCT] for line in ("l1", "l2")] == [83, 17]


def test_costs_that_nothing_was_quoted_for_are_shared_by_what_units_are_sold_for():
    rows = rows_of(Part("v1", (held(LAMP, 2), held(MAT, 3)), (cost(K.SERVICE_FEE, 90),)))

    assert [rows[line, "v1", "USD"].costs[K.SERVICE_FEE] for line in ("l1", "l2")] == [60, 30]


def test_costs_of_gifts_are_shared_by_units():
    gifts = (SoldLine("l1", "a", 0, 1), SoldLine("l2", "b", 0, 2))

    rows = rows_of(
        Part("v1", (held(gifts[0], 1), held(gifts[1], 2)), (cost(K.TAX, 30),)), lines=gifts
    )

    assert [rows[line, "v1", "USD"].costs[K.TAX] for line in ("l1", "l2")] == [10, 20]


def test_costs_in_several_currencies_have_rows_of_their_own_and_units_count_once():
    costs = (cost(K.SHIPPING, 500), cost(K.PRODUCT, 900, currency="CNY"))

    rows = rows_of(Part("v1", (held(LAMP, 2),), costs), lines=(LAMP,))

    assert {key[2]: (row.units, row.costs) for key, row in rows.items()} == {
        "CNY": (2, {K.PRODUCT: 900}),
        "USD": (0, {K.SHIPPING: 500}),
    }


def test_part_that_gave_everything_back_leaves_no_row_unless_it_cost_something():
    for minor, left in ((0, [""]), (5, ["v1", ""])):
        part = Part("v1", (held(LAMP, 0),), (cost(K.SHIPPING, minor),))
        assert [row.vendor_id for row in sales_of("USD", [LAMP], [part])] == left


def test_order_is_marked_once_for_each_product_and_vendor():
    other = SoldLine("l3", "lamp", 3000, 1)
    rows = rows_of(
        Part(
            "v1", (held(LAMP, 2), held(other, 1)), (cost(K.TAX, 3), cost(K.TAX, 3, ACTUAL, "CNY"))
        ),
        lines=(LAMP, other),
    )

    assert sum(row.is_first_of_product for row in rows.values()) == 1
    assert sum(row.is_first_of_vendor for row in rows.values()) == 1


def test_recorded_costs_replace_the_quoted_ones_of_their_kind_alone():
    entries = [
        Cost(K.PRODUCT, QUOTED, Money("USD", 100)),
        Cost(K.SHIPPING, QUOTED, Money("USD", 50)),
        Cost(K.SHIPPING, ACTUAL, Money("CNY", 70)),
        Cost(K.ADJUSTMENT, ACTUAL, Money("USD", -5)),
    ]

    assert final(entries) == [entries[0], entries[2], entries[3]]


@given(
    units=st.lists(st.integers(0, 5), min_size=2, max_size=2),
    quotes=st.lists(st.integers(0, 900), min_size=2, max_size=2),
    minors=st.lists(st.integers(-(10**12), 10**12), max_size=4),
)
def test_nothing_is_lost_whatever_the_vendors_have_and_charge(units, quotes, minors):
    kinds = (K.PRODUCT, K.SHIPPING, K.TAX, K.ADJUSTMENT)
    costs = tuple(cost(kind, minor) for kind, minor in zip(kinds, minors, strict=False))
    lines = tuple(
        held(line, count, quote)
        for line, count, quote in zip((LAMP, MAT), units, quotes, strict=True)
    )

    rows = rows_of(Part("v1", lines, costs), Part("v2", lines[:1], costs[:1])).values()

    assert sum(row.units for row in rows) == LAMP.units + MAT.units
    assert sum(row.sales_minor for row in rows) == 9000
    for kind, minor in zip(kinds, minors, strict=False):
        times = 2 if kind == kinds[0] else 1
        assert sum(row.costs.get(kind, 0) for row in rows) == minor * times
