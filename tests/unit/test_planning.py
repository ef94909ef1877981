"""Which vendor gets which units: for any rules and lines, and case by case."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.ledger import PendingReason
from oms.domain.planning import HostingRule, PlanLine, PlannedLine, choose, in_order, plan

R = PendingReason
PRODUCTS, VARIANTS, VENDORS = ["mug", "cup"], ["w1", "w2"], ["v1", "v2", "v3"]
COUNTRIES = ["DE", "FR", "US"]

rules = st.builds(
    HostingRule,
    id=st.uuids().map(str),
    product_id=st.sampled_from(PRODUCTS),
    variant_id=st.sampled_from(["", *VARIANTS]),
    vendor_id=st.sampled_from(VENDORS),
    countries=st.frozensets(st.sampled_from(COUNTRIES), max_size=2),
    priority=st.integers(1, 3),
    is_active=st.booleans(),
    is_vendor_active=st.booleans(),
)
lines = st.lists(
    st.builds(
        PlanLine,
        line_id=st.uuids().map(str),
        product_id=st.sampled_from([*PRODUCTS, "unknown"]),
        variant_id=st.sampled_from(VARIANTS),
        open=st.integers(0, 5),
        refused_by=st.frozensets(st.sampled_from(VENDORS)),
    ),
    max_size=6,
)


def by_product(found):
    return {product: [rule for rule in found if rule.product_id == product] for product in PRODUCTS}


def fits(rule, line, country):
    """Tell in one sentence whether a rule may be used."""
    return (
        rule.product_id == line.product_id
        and rule.variant_id in ("", line.variant_id)
        and (not rule.countries or country in rule.countries)
        and rule.is_active
        and rule.is_vendor_active
        and rule.vendor_id not in line.refused_by
    )


@given(wanted=lines, found=st.lists(rules, max_size=8), country=st.sampled_from(["DE", "JP", ""]))
def test_every_open_line_is_in_exactly_one_place_with_all_its_units(wanted, found, country):
    made = plan(wanted, by_product(found), country)

    planned = [line for part in made.parts.values() for line in part]
    places = [line.line_id for line in planned] + list(made.waiting)
    opened = {line.line_id: line.open for line in wanted if line.open}
    assert sorted(places) == sorted(opened)
    assert all(line.quantity == opened[line.line_id] for line in planned)


@given(wanted=lines, found=st.lists(rules, max_size=8), country=st.sampled_from(["DE", "JP", ""]))
def test_vendor_gets_only_what_a_fitting_rule_gives_it(wanted, found, country):
    made = plan(wanted, by_product(found), country)

    asked = {line.line_id: line for line in wanted}
    for vendor_id, part in made.parts.items():
        assert part
        for line in part:
            assert line.rule.vendor_id == vendor_id
            assert fits(line.rule, asked[line.line_id], country)
    for line_id in made.waiting:
        assert not any(fits(rule, asked[line_id], country) for rule in found)


@given(wanted=lines, found=st.lists(rules, max_size=8), data=st.data())
def test_plan_depends_neither_on_the_order_of_the_rules_nor_on_when_it_is_made(wanted, found, data):
    made = plan(wanted, by_product(found), "DE")
    shuffled = data.draw(st.permutations(found))

    assert plan(wanted, by_product(shuffled), "DE") == made
    assert plan(list(wanted), by_product(found), "DE") == made


@given(wanted=lines, found=st.lists(rules, max_size=8))
def test_plan_again_for_what_is_still_open_plans_nothing_twice(wanted, found):
    made = plan(wanted, by_product(found), "DE")
    planned = {line.line_id for part in made.parts.values() for line in part}
    rest = [replace(line, open=0) if line.line_id in planned else line for line in wanted]

    again = plan(rest, by_product(found), "DE")

    assert again.parts == {}
    assert again.waiting == made.waiting


def rule(name, **changes):
    made = HostingRule(
        id=name,
        product_id="mug",
        variant_id="",
        vendor_id=f"vendor-{name}",
        countries=frozenset(),
        priority=100,
        is_active=True,
        is_vendor_active=True,
    )
    return replace(made, **changes)


LINE = PlanLine("l1", "mug", "w1", 2)
DE = frozenset({"DE"})
FR = frozenset({"FR"})


def test_variant_goes_before_product_country_before_all_then_priority_then_age():
    wanted = [
        rule("a", variant_id="w1", countries=DE, priority=900),
        rule("b", variant_id="w1", priority=1),
        rule("c", countries=DE, priority=900),
        rule("d", priority=1),
        rule("e", priority=2),
        rule("f", priority=2),
    ]

    assert in_order(reversed(wanted)) == wanted
    assert choose(LINE, wanted[::-1], "DE") == wanted[0]
    assert choose(LINE, wanted[::-1], "FR") == wanted[1]
    assert choose(replace(LINE, variant_id="w2"), wanted[::-1], "DE") == wanted[2]
    assert choose(replace(LINE, variant_id="w2"), wanted[::-1], "FR") == wanted[3]


def test_vendor_that_refused_a_line_is_passed_over_for_that_line_only():
    first, second = rule("a", priority=1), rule("b", priority=2)
    refused = replace(LINE, refused_by=frozenset({"vendor-a"}))
    other = replace(LINE, line_id="l2")

    made = plan([refused, other], {"mug": [first, second]}, "DE")

    assert made.parts == {
        "vendor-b": (PlannedLine("l1", 2, second),),
        "vendor-a": (PlannedLine("l2", 2, first),),
    }


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([], R.UNHOSTED),
        ([rule("a", is_active=False)], R.UNHOSTED),
        ([rule("a", variant_id="w2")], R.UNHOSTED),
        ([rule("a", countries=FR)], R.COUNTRY_NOT_COVERED),
        ([rule("a", is_vendor_active=False)], R.VENDOR_INACTIVE),
        ([rule("a", vendor_id="refuser")], R.VENDOR_REJECTED),
        ([rule("a", countries=FR), rule("b", is_active=False)], R.COUNTRY_NOT_COVERED),
        ([rule("a", countries=FR), rule("b", is_vendor_active=False)], R.VENDOR_INACTIVE),
        ([rule("a", vendor_id="refuser"), rule("b", is_vendor_active=False)], R.VENDOR_REJECTED),
        ([rule("a", vendor_id="refuser", countries=FR)], R.COUNTRY_NOT_COVERED),
    ],
)
def test_waiting_line_has_the_reason_of_the_rule_that_came_nearest(rules, reason):
    line = replace(LINE, refused_by=frozenset({"refuser"}))

    assert choose(line, rules, "DE") == reason


def test_order_without_country_is_covered_only_by_rules_for_all():
    assert choose(LINE, [rule("a", countries=DE)], "") == R.COUNTRY_NOT_COVERED
    assert choose(LINE, [rule("a")], "") == rule("a")


def test_line_without_open_units_is_nowhere():
    made = plan([replace(LINE, open=0)], {"mug": [rule("a")]}, "DE")

    assert (made.parts, made.waiting) == ({}, {})
