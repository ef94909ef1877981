"""Allocate orders by hand: shown first, then done, with a choice for what no hosting fits.

The merchant's word comes first: choices, then hostings. Neither a store's processing nor a hold
keeps a merchant from placing, and a vendor that refused before may be chosen again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from oms.domain.costs import QuotedUnits, quoted_costs
from oms.domain.errors import FbaliError, NotFound, Refused
from oms.domain.exchange_rates import ExchangeRates
from oms.domain.margins import Margin, margin_of
from oms.domain.money import Money, totals
from oms.domain.partnerships import PartnershipState
from oms.domain.planning import HostingRule, Plan, PlanLine, PlannedLine, plan
from oms.storage import (
    accounts,
    allocations,
    exchange_rates,
    hostings,
    orders,
    recounting,
)
from oms.storage.allocations import WaitingOrder
from oms.storage.orders import OwnedOrder
from oms.usecases.allocate_orders import write_parts
from oms.usecases.context import Transaction
from oms.usecases.hold_orders import refusal_of
from oms.usecases.manage_hostings import CreateHosting, HostingTerms, create_hostings
from oms.usecases.note_waiting import note_waiting
from oms.usecases.tell_stores import tell_stores

_FIRST_OF_ALL = -1  # Before every priority that a hosting can have.


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do with a product (or one variant): a vendor, or nobody when it is empty."""

    product_id: str
    variant_id: str
    vendor_id: str
    remember: bool = False


@dataclass(frozen=True, slots=True)
class PlaceOrders:
    """Orders of the calling merchant, each at most once, and what to do with some products."""

    order_ids: Sequence[str]
    choices: Sequence[Choice] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """What placing comes to for one order; `allocation_ids` are by vendor, empty in a preview."""

    order_id: str
    order: OwnedOrder | None
    refusal: FbaliError | None
    plan: Plan
    excluded: Mapping[str, int]
    open_units: Mapping[str, int]
    allocation_ids: Mapping[str, str]


def preview_placement(tx: Transaction, command: PlaceOrders) -> list[Placement]:
    """Plan without writing anything. Raises NotFound, Refused for a choice that cannot be."""
    _check_choices(tx, command.choices)
    return _placements(tx, command)


def place_orders(tx: Transaction, command: PlaceOrders) -> list[Placement]:
    """Place each order wholly or leave it untouched and say why. Raises as `preview_placement`."""
    _check_choices(tx, command.choices)
    placements = _placements(tx, command)
    taken = [placement for placement in placements if placement.refusal is None]
    made = write_parts(
        tx, tx.owner_id, [(placement.order_id, placement.plan) for placement in taken]
    )
    orders.exclude(tx.db, [units for placement in taken for units in placement.excluded.items()])
    waiting = {placement.order_id: placement.plan.waiting for placement in taken}
    note_waiting(tx, tx.owner_id, waiting)
    order_ids = sorted(placement.order_id for placement in taken)
    recounting.refresh(tx.db, order_ids)
    tell_stores(tx, order_ids)
    _remember(tx, command.choices)
    ids: dict[str, dict[str, str]] = {}
    for part in made:
        ids.setdefault(part.order_id, {})[part.vendor_id] = part.id
    return [
        replace(placement, allocation_ids=ids.get(placement.order_id, {}))
        for placement in placements
    ]


@dataclass(frozen=True, slots=True)
class PlacedTexts:
    """What people call the lines and vendors of placements, the lines' prices, and rates for them.

    Rates are by the currency of the orders that have costs in other ones.
    """

    titles: Mapping[str, str]
    prices_minor: Mapping[str, int]
    vendors: Mapping[str, str]
    rates: Mapping[str, ExchangeRates]


def texts_of(tx: Transaction, placements: Sequence[Placement]) -> PlacedTexts:
    """Read the words that a placement is shown with."""
    line_ids = [line_id for placement in placements for line_id in placement.open_units]
    vendor_ids = sorted({vendor for placement in placements for vendor in placement.plan.parts})
    lines = orders.titles_and_prices(tx.db, line_ids)
    return PlacedTexts(
        titles={line_id: title for line_id, title, _ in lines},
        prices_minor={line_id: price for line_id, _, price in lines},
        vendors=accounts.vendor_names(tx.db, vendor_ids),
        rates={
            currency: exchange_rates.towards(tx.db, tx.owner_id, currency)
            for currency in sorted(_converted(placements))
        },
    )


def _converted(placements: Sequence[Placement]) -> set[str]:
    """Name the currencies of the orders that have quotes in other ones."""
    return {
        placement.order.currency
        for placement in placements
        if placement.order is not None
        for part in placement.plan.parts.values()
        for cost in quoted_totals(part)
        if cost.currency != placement.order.currency
    }


def margin_of_placement(placement: Placement, texts: PlacedTexts) -> Margin:
    """Take the quotes off the prices of the units that are placed; None when one is missing."""
    lines = [line for part in placement.plan.parts.values() for line in part]
    if placement.order is None or any(line.rule.unit_cost is None for line in lines):
        return Margin(None, ())
    currency = placement.order.currency
    prices = (texts.prices_minor.get(line.line_id, 0) * line.quantity for line in lines)
    rates = texts.rates.get(currency, ExchangeRates.none())
    revenue = Money(currency, sum(prices))
    return margin_of(revenue, quoted_totals(lines), rates, placement.order.placed_at)


def quoted_totals(lines: Sequence[PlannedLine]) -> tuple[Money, ...]:
    """Sum what a part is quoted at, per currency."""
    costs = quoted_costs(
        QuotedUnits(line.quantity, line.rule.unit_cost, line.rule.shipping_cost) for line in lines
    )
    return totals(cost.amount for cost in costs)


def _placements(tx: Transaction, command: PlaceOrders) -> list[Placement]:
    owned = orders.lock_owned(tx.db, tx.owner_id, command.order_ids)
    waiting = {order.id: order for order in allocations.waiting_orders(tx.db, sorted(owned))}
    products = sorted({line.product_id for order in waiting.values() for line in order.lines})
    rules = hostings.rules(tx.db, tx.owner_id, products)
    return [
        _placement(tx, order_id, owned.get(order_id), waiting.get(order_id), (rules, command))
        for order_id in command.order_ids
    ]


def _placement(
    tx: Transaction,
    order_id: str,
    order: OwnedOrder | None,
    waiting: WaitingOrder | None,
    means: tuple[Mapping[str, Sequence[HostingRule]], PlaceOrders],
) -> Placement:
    rules, command = means
    refusal = _refusal(order, f"merchants/{tx.owner_id}/orders/{order_id}", waiting)
    lines = () if refusal is not None or waiting is None else waiting.lines
    chosen = {line.line_id: _choice_for(line, command.choices) for line in lines}
    excluded = {
        line.line_id: line.open
        for line in lines
        if (choice := chosen[line.line_id]) is not None and not choice.vendor_id
    }
    forced = [line for line in lines if (c := chosen[line.line_id]) and c.vendor_id]
    free = [line for line in lines if chosen[line.line_id] is None]
    country = "" if order is None else order.country
    planned = plan((replace(line, refused_by=frozenset()) for line in free), rules, country)
    parts = {vendor_id: list(part) for vendor_id, part in planned.parts.items()}
    for line in forced:
        choice = chosen[line.line_id]
        assert choice is not None
        part = PlannedLine(line.line_id, line.open, _rule_of(choice))
        parts.setdefault(choice.vendor_id, []).append(part)
    return Placement(
        order_id=order_id,
        order=order,
        refusal=refusal,
        plan=Plan({vendor: tuple(part) for vendor, part in parts.items()}, planned.waiting),
        excluded=excluded,
        open_units={line.line_id: line.open for line in lines},
        allocation_ids={},
    )


def _refusal(
    order: OwnedOrder | None, name: str, waiting: WaitingOrder | None
) -> FbaliError | None:
    """Say why an order is left untouched; who comes second is told that nothing is left."""
    refusal = refusal_of(order, name)
    if refusal is None and waiting is None:
        return Refused(
            f"nothing of {name} is open: all of it is with vendors, in parcels, or not to be"
            " processed"
        )
    return refusal


def _choice_for(line: PlanLine, choices: Sequence[Choice]) -> Choice | None:
    """Return the choice for a line; one for the variant comes before one for the product."""
    fitting = [
        choice
        for choice in choices
        if choice.product_id == line.product_id and choice.variant_id in ("", line.variant_id)
    ]
    return max(fitting, key=lambda choice: choice.variant_id, default=None)


def _rule_of(choice: Choice) -> HostingRule:
    return HostingRule(
        id="",
        product_id=choice.product_id,
        variant_id=choice.variant_id,
        vendor_id=choice.vendor_id,
        countries=frozenset(),
        priority=_FIRST_OF_ALL,
        is_active=True,
        is_vendor_active=True,
    )


def _check_choices(tx: Transaction, choices: Sequence[Choice]) -> None:
    for vendor_id in sorted({choice.vendor_id for choice in choices if choice.vendor_id}):
        state = _partnership_state(tx, vendor_id)
        if state != PartnershipState.ACTIVE:
            raise Refused(
                f"vendors/{vendor_id} does not work for you now: the partnership is {state}",
                reason="PARTNERSHIP_INACTIVE",
                vendor=f"vendors/{vendor_id}",
                state=state,
            )


def _partnership_state(tx: Transaction, vendor_id: str) -> str:
    try:
        return accounts.partnership(tx.db, tx.owner_id, vendor_id).state.value
    except NotFound:
        return "NONE"


def _is_hosted_so(rules: Mapping[str, Sequence[HostingRule]], choice: Choice) -> bool:
    """Tell whether the choice is a hosting already, as when a batch before this one made it."""
    return any(
        (rule.vendor_id, rule.variant_id) == (choice.vendor_id, choice.variant_id)
        for rule in rules.get(choice.product_id, ())
    )


def _remember(tx: Transaction, choices: Sequence[Choice]) -> None:
    """Make hostings of the choices that are to be remembered."""
    rules = hostings.rules(tx.db, tx.owner_id, sorted({item.product_id for item in choices}))
    kept = [
        choice
        for choice in choices
        if choice.remember and choice.vendor_id and not _is_hosted_so(rules, choice)
    ]
    if kept:
        create_hostings(
            tx,
            [
                CreateHosting(
                    choice.product_id, choice.variant_id, choice.vendor_id, HostingTerms()
                )
                for choice in kept
            ],
        )
