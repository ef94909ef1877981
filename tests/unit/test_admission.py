"""Which orders are processed, as a table."""

import itertools

import pytest

from oms.domain.admission import Admission, admission_problem, admit
from tests.services.snapshots import line_snapshot, order_snapshot


def expected(*, is_paid, is_cancelled, is_fulfilled, needs_shipping):
    """Cancelled outweighs fulfilled, which outweighs unpaid, which outweighs virtual."""
    if is_cancelled:
        return Admission.CANCELLED
    if is_fulfilled:
        return Admission.FULFILLED_ELSEWHERE
    if not is_paid:
        return Admission.UNPAID
    return Admission.ADMITTED if needs_shipping else Admission.NOTHING_TO_SHIP


@pytest.mark.parametrize(
    ("is_paid", "is_cancelled", "is_fulfilled", "needs_shipping"),
    list(itertools.product([True, False], repeat=4)),
)
def test_paid_and_unfulfilled_orders_are_admitted(
    is_paid, is_cancelled, is_fulfilled, needs_shipping
):
    facts = {"is_paid": is_paid, "is_cancelled": is_cancelled, "is_fulfilled": is_fulfilled}
    line = line_snapshot(needs_shipping=needs_shipping)

    found = admit(order_snapshot("1", line, **facts))

    assert found == expected(**facts, needs_shipping=needs_shipping)


def test_order_that_was_refunded_completely_counts_as_cancelled():
    lines = [line_snapshot(quantity=2, removed_quantity=2), line_snapshot("l2", removed_quantity=1)]

    assert admit(order_snapshot("1", *lines)) == Admission.CANCELLED


def test_order_that_was_refunded_partly_is_admitted():
    lines = [line_snapshot(quantity=2, removed_quantity=2), line_snapshot("l2")]

    assert admit(order_snapshot("1", *lines)) == Admission.ADMITTED


def test_order_without_lines_has_nothing_to_ship():
    order = order_snapshot("1", line_snapshot())

    assert admit(order_snapshot("1", raw=order.raw, lines=())) == Admission.NOTHING_TO_SHIP


def test_order_of_which_only_virtual_goods_are_left_has_nothing_to_ship():
    lines = [line_snapshot(removed_quantity=1), line_snapshot("l2", needs_shipping=False)]

    assert admit(order_snapshot("1", *lines)) == Admission.NOTHING_TO_SHIP


def test_deleted_product_is_a_problem_that_names_the_line():
    order = order_snapshot("1", line_snapshot(), line_snapshot("l2", "", title="Old mug"))

    problem = admission_problem(order)

    assert "line l2 ('Old mug')" in problem
    assert "deleted" in problem


def test_deleted_product_that_needs_no_shipping_is_no_problem():
    order = order_snapshot("1", line_snapshot(), line_snapshot("l2", "", needs_shipping=False))

    assert admission_problem(order) == ""
