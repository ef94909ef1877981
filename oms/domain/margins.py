"""Margins: what stays of an order and of its lines, in the order's currency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oms.domain.admission import Admission
from oms.domain.exchange_rates import ExchangeRates, pair_name
from oms.domain.money import Money, totals
from oms.domain.views import OrderView


@dataclass(frozen=True, slots=True)
class Margin:
    """What stays, or the pairs of currencies that it lacks a rate for."""

    amount: Money | None
    missing: tuple[str, ...]


def margin_of(income: Money, costs: Iterable[Money], rates: ExchangeRates, at_ms: int) -> Margin:
    """Take costs off an income, at the rates of an instant; costs are rounded per currency."""
    missing: list[str] = []
    left = income
    for cost in totals(costs):
        converted = rates.convert(cost, income.currency, at_ms)
        if converted is None:
            missing.append(pair_name(cost.currency, income.currency))
        else:
            left += converted.times(-1)
    return Margin(None if missing else left, tuple(missing))


def foreign(order: OrderView) -> bool:
    """Tell whether costs of an order are in another currency than the order."""
    costs = (cost for part in order.allocations for cost in part.costs)
    return any(cost.amount.currency != order.total.currency for cost in costs)


def fill_margins(
    order: OrderView, line_costs: Sequence[tuple[str, Money]], rates: ExchangeRates
) -> None:
    """Work out what stays of an admitted order and of its lines, at the rates when it was placed.

    `line_costs` are the costs that count, by line id, shared exactly (`oms.domain.sales`).
    """
    if order.admission != Admission.ADMITTED or order.charged is None:
        return
    kept = order.charged if order.refunded is None else order.charged + order.refunded.times(-1)
    costs = [cost for part in order.allocations for cost in part.final_costs()]
    margin = margin_of(kept, costs, rates, order.placed_at)
    order.margin, order.missing_rates = margin.amount, margin.missing
    for line in order.lines:
        own = [cost for line_id, cost in line_costs if line_id == line.id]
        sold = line.price.times(line.ledger.ordered - line.ledger.removed)
        line.margin = margin_of(sold, own, rates, order.placed_at).amount
