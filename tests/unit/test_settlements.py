"""What a refund may come to, and which terms fit which items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.claims import IssueType
from oms.domain.errors import InvalidInput
from oms.domain.money import Money
from oms.domain.settlements import (
    PaidLine,
    PaidPart,
    ResolutionMode,
    Term,
    check_terms,
    settles_units,
)

M = ResolutionMode


def usd(amount: int) -> Money:
    return Money("USD", amount)


def test_units_are_worth_what_was_quoted_for_them():
    part = PaidPart({"a": PaidLine(2, usd(100)), "b": PaidLine(1, usd(800))}, {"USD": 1000})

    assert part.left("a", 1, {}) == {"USD": 100}
    assert part.left("a", 2, {}) == {"USD": 200}
    assert part.left("b", 1, {}) == {"USD": 800}


def test_recorded_costs_are_spread_as_the_quotes_were():
    part = PaidPart({"a": PaidLine(2, usd(100)), "b": PaidLine(1, usd(800))}, {"USD": 1500})

    assert (part.left("a", 2, {}), part.left("b", 1, {})) == ({"USD": 300}, {"USD": 1200})


@pytest.mark.parametrize("quote", [None, usd(0), Money("EUR", 100)])
def test_without_one_quote_for_all_every_unit_is_worth_the_same(quote):
    part = PaidPart({"a": PaidLine(2, usd(100)), "b": PaidLine(2, quote)}, {"USD": 1000})

    assert part.left("a", 1, {}) == part.left("b", 1, {}) == {"USD": 250}


def test_nothing_is_left_where_nothing_was_paid():
    assert PaidPart({"a": PaidLine(2, None)}, {}).left("a", 1, {}) == {}
    assert PaidPart({"a": PaidLine(0, None)}, {"USD": 9}).left("a", 1, {}) == {}
    assert PaidPart({"a": PaidLine(2, None)}, {"USD": -9}).left("a", 1, {}) == {"USD": 0}


def test_earlier_refunds_are_taken_off():
    part = PaidPart({"a": PaidLine(4, usd(100))}, {"USD": 400})
    part.refund("a", usd(350))

    assert part.left("a", 1, {}) == {"USD": 50}
    assert part.left("a", 1, {"USD": 80}) == {"USD": 20}


@given(
    quotes=st.lists(st.one_of(st.none(), st.integers(0, 500)), min_size=1, max_size=4),
    paid=st.integers(-100, 5000),
    claims=st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(0, 9000)), max_size=12
    ),
)
def test_refunds_never_exceed_what_was_paid_in_whatever_order(quotes, paid, claims):
    lines = {
        str(index): PaidLine(3, None if quote is None else usd(quote))
        for index, quote in enumerate(quotes)
    }
    part = PaidPart(lines, {"USD": paid})
    total = 0
    for index, units, wish in claims:
        left = part.left(str(index), units, {}).get("USD", 0)
        amount = min(wish, left)
        part.refund(str(index), usd(amount))
        total += amount

    assert 0 <= total <= max(0, paid)


def flaws(*terms: Term) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        check_terms(terms, {1: 2}, "terms")
    return [violation.field for violation in refused.value.violations]


@pytest.mark.parametrize(
    ("term", "field"),
    [
        (Term(1, M.PARTIAL_REFUND), "amount"),
        (Term(1, M.FULL_REFUND, usd(5)), "amount"),
        (Term(1, M.PARTIAL_REFUND, usd(0)), "amount.amount_minor"),
        (Term(1, M.PARTIAL_REFUND, usd(-5)), "amount.amount_minor"),
        (Term(1, M.PARTIAL_REFUND, Money("ZZZ", 5)), "amount.currency_code"),
        (Term(1, M.RESEND_PARTS), "quantity"),
        (Term(1, M.RESEND_ALL, quantity=1), "quantity"),
        (Term(1, M.RESEND_PARTS, quantity=3), "quantity"),
        (Term(1, M.OTHER, note="  "), "note"),
    ],
)
def test_term_that_does_not_fit_is_named(term, field):
    assert flaws(term) == [f"terms[0].{field}"]


def test_each_item_has_one_term():
    fine = Term(1, M.RESEND_ALL)

    check_terms([fine], {1: 2}, "terms")
    assert flaws() == ["terms"]
    assert flaws(fine, fine) == ["terms"]
    assert flaws(fine, Term(2, M.RESEND_ALL)) == ["terms"]


@pytest.mark.parametrize("mode", M)
def test_only_money_for_a_delay_leaves_units_in_the_game(mode):
    assert settles_units(IssueType.DELAYED, mode) == (mode in {M.FULL_REFUND, M.RESEND_ALL})
    assert settles_units(IssueType.LOST, mode)
